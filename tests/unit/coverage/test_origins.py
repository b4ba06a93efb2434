"""The files of a project that are the sources of the files in a zip."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from harness.coverage.origins import Origins

if TYPE_CHECKING:
    from pathlib import Path


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {
        "one/app.py": "ONE = 1\n",
        "one/shared.py": "SHARED = 1\n",
        "two/app.py": "TWO = 2\n",
        "two/shared.py": "SHARED = 1\n",
        "src/package/__init__.py": "",
        "src/package/store/__init__.py": "",
        "src/package/store/items.py": "ITEMS = 1\n",
        ".venv/lib/boto3.py": "",
        "env/pyvenv.cfg": "",
        "env/lib/botocore.py": "",
        "build/app.py": "ONE = 1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_of_files_with_the_same_name_it_is_the_one_with_the_same_content(project: Path) -> None:
    found = Origins([project]).of({"/var/task/app.py": digest("TWO = 2\n")})

    assert found == {"/var/task/app.py": project / "two/app.py"}


def test_of_files_with_the_same_content_it_is_the_one_beside_the_others(project: Path) -> None:
    for name, text in {"one": "ONE = 1\n", "two": "TWO = 2\n"}.items():
        files = {"/var/task/app.py": digest(text), "/var/task/shared.py": digest("SHARED = 1\n")}
        assert Origins([project]).of(files)["/var/task/shared.py"] == project / name / "shared.py"


def test_files_in_packages_and_layers_are_found(project: Path) -> None:
    files = {
        "/var/task/package/__init__.py": digest(""),
        "/var/task/package/store/__init__.py": digest(""),
        "/var/task/package/store/items.py": digest("ITEMS = 1\n"),
        "/opt/python/shared.py": digest("SHARED = 1\n"),
    }
    found = Origins([project]).of(files)

    assert found["/var/task/package/__init__.py"] == project / "src/package/__init__.py"
    assert found["/var/task/package/store/__init__.py"] == project / "src/package/store/__init__.py"
    assert found["/opt/python/shared.py"].name == "shared.py"
    assert Origins([project]).roots(files)[0] == ("/var/task", str(project / "src"))


def test_what_is_not_the_project_s_is_left_out(project: Path) -> None:
    origins = Origins([project])

    assert origins.of({"/var/task/boto3.py": digest(""), "/var/task/botocore.py": digest("")}) == {}
    assert origins.of({"/var/task/app.py": digest("other")}) == {}
    assert origins.later_edition("/var/task/package/store/items.py") == project / "src/package/store/items.py"
    assert origins.later_edition("/var/task/botocore.py") is None
    assert {"package", "app.py", "one"} <= origins.names
