"""A function's lines, found in the project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.report.diagnosis.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for file in (
        "src/greeter/__init__.py",
        "lambda/index.mjs",
        "one/main.py",
        "two/main.py",
        ".venv/lib/only_there.py",
        "env/pyvenv.cfg",
        "env/lib/greeter/__init__.py",
        "build/greeter/__init__.py",
        "node_modules/x/lib.js",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return Sources(tmp_path)


@pytest.mark.parametrize(
    ("told", "located"),
    [
        (
            'File "/var/task/greeter/__init__.py", line 13, in handler',
            'File "src/greeter/__init__.py", line 13, in handler',
        ),
        (
            'File "/tmp/lambda-iei2miv1/code/9a2f28eabea42d35-jab1k2iv/greeter/__init__.py", line 13',
            'File "src/greeter/__init__.py", line 13',
        ),
        ("at handler (/var/task/index.mjs:3:9)", "at handler (lambda/index.mjs:3:9)"),
        ("at handler (file:///var/task/index.mjs:3:9)", "at handler (lambda/index.mjs:3:9)"),
        ('File "/var/task/main.py", line 1', 'File "/var/task/main.py", line 1'),  # two fit
        ('File "/var/task/only_there.py", line 1', 'File "/var/task/only_there.py", line 1'),
        ("at f (/var/task/node_modules/x/lib.js:1:1)", "at f (/var/task/node_modules/x/lib.js:1:1)"),
        ("no such key: /var/task/greeter/__init__.py", "no such key: /var/task/greeter/__init__.py"),
    ],
)
def test_a_place_in_the_zip_is_one_in_the_project_if_just_one_can_be_meant(
    sources: Sources, told: str, located: str
) -> None:
    assert sources.with_lines(told) == located


def test_a_place_is_relative_to_the_project_or_none_of_its_own(tmp_path: Path) -> None:
    sources = Sources(tmp_path)

    assert sources.relative(f"{tmp_path / 'tests' / 'test_a.py'}:3") == "tests/test_a.py:3"
    assert sources.relative("tests/test_a.py:3") == "tests/test_a.py:3"
    assert sources.relative(f"{tmp_path / '.venv' / 'site-packages' / 'a.py'}:3") == ""
    assert sources.relative("/elsewhere/a.py:3") == ""
    assert sources.relative("") == ""
