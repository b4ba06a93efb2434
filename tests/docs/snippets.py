"""The fenced code blocks of README.md and docs/, with their annotations."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
TUTORIAL = "docs/tutorial.md"
THIS_SYSTEM = "terraform/env/dev"
PICTURES = {"mermaid", "text"}
STACK_FIXTURES = {
    "deployment",
    "endpoint",
    "faults",
    "scenario",
    "stack",
}

_FENCE = re.compile(r"^(`{3,})(\w*) *(.*)$")
_COMMENT = re.compile(r"^<!-- ([a-z ]+): (.+) -->$")
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """One fenced block.

    Attributes:
        page: The document, relative to the project.
        line: The line of its opening fence.
        language: The language of the fence.
        title: The file of the reader's project that the block contains. Empty for any other block.
        comments: The HTML comments directly before the fence, by name.
        code: The text between the fences.
    """

    page: str
    line: int
    language: str
    title: str
    comments: dict[str, str]
    code: str

    @property
    def name(self) -> str:
        """Page and line, as an editor opens it."""
        return f"{self.page}:{self.line}"

    @property
    def excuse(self) -> str:
        """The reason why nothing runs the block. Empty if something does."""
        return self.comments.get("not run", "")

    @property
    def root(self) -> str:
        """The Terraform root whose stack the block is about."""
        return self.comments.get("on", THIS_SYSTEM if self.page == "README.md" else TUTORIAL)

    @property
    def is_tests(self) -> bool:
        """Whether the block holds tests for pytest. Those of a file of this project run there."""
        return self.language == "python" and bool(self.tests) and not self.shown

    @property
    def is_program(self) -> bool:
        """Whether the block is a program that deploys a stack."""
        return (
            self.language == "python" and "with deployed" in self.code and not self.title and not self.shown
        )

    @property
    def shown(self) -> str:
        """The file of this project from which the block is an excerpt. Empty for any other block."""
        return self.comments.get("same as", "")

    @property
    def tests(self) -> list[str]:
        """The names of the block's tests."""
        return [name for name in _functions(self.code) if name.startswith("test_")]

    @property
    def needs_stack(self) -> bool:
        """Whether it takes an emulator and an applied stack to run the block."""
        if self.language != "python":
            return "run" in self.comments
        asked = {fixture for fixtures in _functions(self.code).values() for fixture in fixtures}
        return bool(asked & STACK_FIXTURES) or self.is_program


def _functions(code: str) -> dict[str, list[str]]:
    """Return the functions of a module, with the names of their arguments."""
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.parse(code).body
        if isinstance(node, ast.FunctionDef)
    }


def documents() -> list[Path]:
    """Return README.md and every page of the documentation."""
    return [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]


def collected() -> list[Snippet]:
    """Return all snippets of all documents, in their order."""
    return [snippet for file in documents() for snippet in snippets(_name(file), file.read_text("utf-8"))]


def snippets(page: str, text: str) -> Iterator[Snippet]:
    """Return the fenced blocks of one page."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        if fence := _FENCE.match(lines[at]):
            end = lines.index(fence[1], at + 1)
            title = _TITLE.search(fence[3])
            yield Snippet(
                page=page,
                line=at + 1,
                language=fence[2],
                title=title[1] if title else "",
                comments=_comments(lines[:at]),
                code="\n".join(lines[at + 1 : end]) + "\n",
            )
            at = end
        at += 1


def _name(file: Path) -> str:
    return file.relative_to(PROJECT).as_posix()


def _comments(before: list[str]) -> dict[str, str]:
    """Return the comments at the end of `before`, back to the first line without one."""
    found = {}
    for line in reversed([line for line in before if line]):
        comment = _COMMENT.match(line)
        if comment is None:
            break
        found[comment[1]] = comment[2]
    return found
