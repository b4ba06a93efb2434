"""Coverage as a page with the source of the Terraform files, each line marked by its level."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.coverage.levels import Coverage, CoverageItem, Level
from harness.coverage.reports.formats import ELSEWHERE, by_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TEMPLATE = "marked.html.jinja"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, with its items."""

    number: int
    text: str
    items: tuple[CoverageItem, ...] = ()

    @property
    def mark(self) -> str:
        """The lowest judged level, `unknown` if no item can be judged, or an empty text without items."""
        judged = Coverage(self.items).judged
        lowest = min((each.level for each in judged or self.items), default=None)
        return "" if lowest is None else lowest.name.lower()


def html(coverage: Coverage, project: Path) -> str:
    """Return one page of HTML that needs nothing else: a table, and the files with their lines marked.

    Args:
        coverage: The coverage to show.
        project: The directory to which file names are relative.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - slow; few runs need it

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    parts = list(by_file(coverage))
    files = [(name, part, list(_lines(project / name, part.items))) for name, part in parts]
    page = environment.get_template(_TEMPLATE)
    return page.render(coverage=coverage, files=files, levels=list(Level), elsewhere=ELSEWHERE)


def _lines(file: Path, items: Sequence[CoverageItem]) -> Iterator[Line]:
    """Yield the lines of a file. If it can't be read, yield only those with items."""
    texts = file.read_text("utf-8-sig", "replace").splitlines() if file.is_file() else []
    numbers = range(1, len(texts) + 1) if texts else sorted({each.line for each in items})
    for number in numbers:
        text = texts[number - 1] if texts else ""
        yield Line(number, text, tuple(each for each in items if each.line == number))
