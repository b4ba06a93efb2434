"""Draws a recording of a terminal as an SVG that moves, with nothing but CSS."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from rich.ansi import AnsiDecoder
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.style import Style
    from rich.text import Text

    from scripts.cast import Cast

_LETTER, _LINE, _MARGIN = 8.0, 18, 16  # pixels
_LAST = 8.0  # seconds for which the end stays
_COLOURS = {0: "#8b949e", 1: "#ff7b72", 2: "#7ee787", 3: "#e3b341", 4: "#79c0ff", 5: "#d2a8ff", 6: "#56d4dd"}
_PAPER, _INK = "#161b22", "#d6dde5"


def drawn(cast: Cast) -> str:
    """Return a recording as an SVG: each line moves up from below when its time has come."""
    rows = [(at, row) for at, row in _rows(cast)]
    height = cast.height * _LINE
    width = round(cast.width * _LETTER)
    moments = _moments([at for at, _ in rows], cast.idle)
    drawing = "\n".join(filter(None, (_drawn(row, number) for number, (_, row) in enumerate(rows, 1))))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 2 * _MARGIN} {height + 2 * _MARGIN}" '
        'role="img" aria-label="A recording of a terminal">\n'
        f"<style>{_style(moments, cast.height)}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{_PAPER}"/>\n'
        f'<svg x="{_MARGIN}" y="{_MARGIN}" width="{width}" height="{height}"><g class="screen">\n'
        f"{drawing}\n</g></svg>\n</svg>\n"
    )


def words(cast: Cast) -> list[str]:
    """Return the text of a recording, row by row, without colours."""
    return [row.plain.rstrip() for _, row in _rows(cast)]


def _rows(cast: Cast) -> Iterable[tuple[float, Text]]:
    """Yield the rows of the terminal. A line that is too long continues in the next row."""
    decoder = AnsiDecoder()
    for at, line in cast.lines:
        text = decoder.decode_line(line.replace("\x1b[K", ""))
        for row in text.divide(range(cast.width, len(text), cast.width)):
            yield at, row


def _moments(ended: Sequence[float], idle: float) -> list[float]:
    """Return when each row is shown: no wait is longer than `idle`."""
    moments = [0.0]
    for before, after in pairwise(ended):
        moments.append(moments[-1] + min(after - before, idle))
    return moments


def _style(moments: Sequence[float], height: int) -> str:
    """Return the style: the rows stand below each other, and move up together in steps."""
    whole = moments[-1] + _LAST
    shown = {f"{100 * at / whole:.2f}": number for number, at in enumerate(moments, 1)}
    steps = "".join(f"{at}%{{transform:translateY({(height - row) * _LINE}px)}}" for at, row in shown.items())
    end = f"transform:translateY({(height - len(moments)) * _LINE}px)"
    colours = "".join(f".c{number}{{fill:{colour}}}" for number, colour in _COLOURS.items())
    return (
        f"text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        f"fill:{_INK};white-space:pre}}.b{{font-weight:700}}.d{{opacity:.65}}{colours}"
        f".screen{{{end};animation:run {whole:.1f}s step-end infinite}}"
        f"@keyframes run{{{steps}100%{{{end}}}}}"
        "@media (prefers-reduced-motion:reduce){.screen{animation:none}}"
    )


def _drawn(row: Text, number: int) -> str:
    """Return a row as the text of an SVG, or nothing if it is empty."""
    if not row.plain.strip():
        return ""
    row.rstrip()
    parts = "".join(_part(part.text, part.style) for part in row.render(Console()))
    at = f'y="{number * _LINE - 5}" textLength="{len(row) * _LETTER:.0f}"'
    return f'<text {at} xml:space="preserve">{parts}</text>'


def _part(text: str, style: Style | None) -> str:
    number = style.color.number if style and style.color else None
    colour = None if number is None else number % 8  # a bright one is shown as its plain one
    names = [f"c{colour}"] if colour in _COLOURS else []
    names += [short for short, has in (("b", style and style.bold), ("d", style and style.dim)) if has]
    return f'<tspan class="{" ".join(names)}">{escape(text)}</tspan>' if names else escape(text)
