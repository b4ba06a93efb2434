"""The differences between backends, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.parity.observations import Observed

_WIDEST = 64
_ABSENT = "-"


def differences(observed: Mapping[str, Observed]) -> list[list[str]]:
    """Return a row for each answer that differs: its name, and each backend's answer."""
    subjects = dict.fromkeys(subject for seen in observed.values() for subject in seen.answers)
    rows = [
        [subject, *(seen.answers.get(subject, _ABSENT) for seen in observed.values())] for subject in subjects
    ]
    return [row for row in rows if len(set(row[1:])) > 1]


def durations(observed: Mapping[str, Observed]) -> list[list[str]]:
    """Return a row for each measured time: its name, and each backend's seconds."""
    subjects = dict.fromkeys(subject for seen in observed.values() for subject in seen.seconds)
    return [
        [
            f"{subject} (s)",
            *(
                f"{seen.seconds[subject]:.2f}" if subject in seen.seconds else _ABSENT
                for seen in observed.values()
            ),
        ]
        for subject in subjects
    ]


def rendered(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format rows as columns of text. A cell that is too wide is cut."""
    cut = [
        [cell if len(cell) <= _WIDEST else f"{cell[: _WIDEST - 1]}…" for cell in row] for row in [head, *rows]
    ]
    widths = [max(map(len, column)) for column in zip(*cut, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cut]
    return "\n".join(
        [
            lines[0].rstrip(),
            "  ".join("-" * width for width in widths),
            *(line.rstrip() for line in lines[1:]),
        ]
    )
