from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from lambda_process_executor.interpreter import (
    Interpreter,
    RuntimeMismatchError,
    UnfitInterpreterError,
    compile_tree,
    probe,
)

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = Interpreter(path="/venv/bin/python", version="3.13")


def script(path: Path, body: str) -> str:
    path.write_text("#!/bin/sh\n" + textwrap.dedent(body), "utf-8")
    path.chmod(0o755)
    return str(path)


def test_it_tells_the_version_of_an_interpreter() -> None:
    assert probe(sys.executable) == Interpreter(
        path=sys.executable, version=f"{sys.version_info.major}.{sys.version_info.minor}"
    )


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        UnfitInterpreterError, match=r"no-python does not start.*Set LAMBDA_PROCESS_PYTHON"
    ) as caught:
        probe(str(tmp_path / "no-python"))
    assert caught.value.python.endswith("no-python")


def test_an_interpreter_that_fails_shows_why(tmp_path: Path) -> None:
    with pytest.raises(UnfitInterpreterError, match="bad day"):
        probe(script(tmp_path / "python", "echo bad day >&2; exit 1"))


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    answer = """echo '{"version": "3.13", "found": ["boto3"]}'"""
    with pytest.raises(UnfitInterpreterError, match="lacks awslambdaric"):
        probe(script(tmp_path / "python", answer))


def test_its_own_runtime_fits() -> None:
    PYTHON.check("f", "python3.13", "Zip")


@pytest.mark.parametrize(
    ("runtime", "package_type", "actual"),
    [
        ("python3.12", "Zip", "runtime python3.12"),
        ("nodejs22.x", "Zip", "runtime nodejs22.x"),
        (None, "Image", "package type Image"),
    ],
)
def test_any_other_is_refused_with_what_to_do(runtime: str | None, package_type: str, actual: str) -> None:
    with pytest.raises(RuntimeMismatchError) as caught:
        PYTHON.check("f", runtime, package_type)

    assert (caught.value.expected, caught.value.actual) == ("python3.13", actual)
    assert str(caught.value).startswith(
        f"function f: expected runtime python3.13, which is that of /venv/bin/python, but it has {actual}."
    )
    assert "Set the function's runtime to python3.13" in str(caught.value)


def test_a_tree_is_compiled_but_for_what_does_not_compile(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1", "utf-8")
    (tmp_path / "bad.py").write_text("x =", "utf-8")

    compile_tree(sys.executable, tmp_path)

    assert [path.name.partition(".")[0] for path in tmp_path.glob("__pycache__/*.pyc")] == ["good"]
