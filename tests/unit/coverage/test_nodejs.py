"""The lines of JavaScript files, by the counts of V8, which are made up here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.coverage.nodejs.lines import lines_of_code, lines_run
from harness.coverage.nodejs.reporter import NodeJs

if TYPE_CHECKING:
    from pathlib import Path

FILE = ["const a = 1;", "function f() {", "  return a;", "}", "a;"]


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_the_lines_of_a_function_that_was_not_called_have_not_run(end: str) -> None:
    text = end.join(FILE)
    begin, close = text.index("function"), text.index("}") + 1

    assert lines_run([(0, len(text), 1), (begin, close, 0)], text) == {1, 5}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#!/usr/bin/env node\n\n// one\ncode();", {4}),
        ("/* one\n   two */\ncode();", {3}),
        ("/* one\n   two */ code();", {2}),
        ("/* one */ code();\n/** @type {X} */ (y) = 1;", {1, 2}),
        ("/* one */ /* two\n*/ // three", set()),
    ],
)
def test_a_line_with_nothing_but_comments_is_no_code(text: str, expected: set[int]) -> None:
    assert lines_of_code(text) == expected


def test_a_file_that_is_not_in_utf_8_is_reported_too(tmp_path: Path) -> None:
    file = tmp_path / "app.js"
    file.write_bytes("// é\ncode();\n".encode("latin-1"))

    assert NodeJs().file_reporter(str(file)).lines() == {2}
