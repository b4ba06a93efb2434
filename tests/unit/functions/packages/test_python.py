from __future__ import annotations

import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from harness import Settings
from harness.base import process
from harness.errors import PackageError
from harness.functions import packages
from harness.settings import PackageSettings

PROJECT = Path(__file__).parents[4]
# Builds this project's zip from a copy of its sources; the arguments are a umask and a directory.
BUILD = """
import os, shutil, sys
from dataclasses import replace
from pathlib import Path
from harness import Settings
from harness.functions import packages

os.umask(int(sys.argv[1], 8))
home = Path(sys.argv[2])
settings = Settings.from_env(os.environ, Path.cwd())
source = home / settings.package.source.name
shutil.copytree(settings.package.source, source, copy_function=shutil.copyfile)
packages.build(settings, replace(settings.package, source=source, output=home / "own.zip"))
"""


@pytest.fixture
def described(tmp_path: Path) -> PackageSettings:
    source = tmp_path / "src" / "app"
    (source / "__pycache__").mkdir(parents=True)
    (source / "inner").mkdir()
    for name in ("__init__.py", "handler.py", "py.typed", "inner/__init__.py", "__pycache__/handler.pyc"):
        (source / name).write_text(f"# {name}\n", "utf-8")
    return PackageSettings(source=source, output=tmp_path / "build" / "app.zip")


def test_the_zip_holds_the_package_under_its_name_and_no_byproducts(
    settings: Settings, described: PackageSettings
) -> None:
    built = packages.build(settings, described)

    assert zipfile.ZipFile(built).namelist() == ["app/__init__.py", "app/handler.py", "app/inner/__init__.py"]


def test_the_same_sources_give_the_same_bytes(settings: Settings, described: PackageSettings) -> None:
    first = packages.build(settings, described).read_bytes()
    described.output.unlink()
    for file in described.source.rglob("*.py"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
        file.chmod(0o700)

    assert packages.build(settings, described).read_bytes() == first


def test_machines_that_differ_in_all_but_the_sources_build_the_same_bytes(tmp_path: Path) -> None:
    one = {"LC_ALL": "C", "TZ": "America/St_Johns", "PYTHONHASHSEED": "1", "UV_LINK_MODE": "hardlink"}
    other = {"LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "2", "UV_LINK_MODE": "copy"}

    first, second = built(tmp_path / "one", "022", one), built(tmp_path / "other", "077", other)

    assert first.stat().st_mode != second.stat().st_mode
    assert first.read_bytes() == second.read_bytes()


def built(home: Path, umask: str, environ: dict[str, str]) -> Path:
    """Build this project's zip in a process with a cache of its own."""
    home.mkdir()
    process.run(
        [sys.executable, "-c", BUILD, umask, str(home)],
        env={**os.environ, "HARNESS_CACHE_DIR": str(home / "cache"), **environ},
        cwd=PROJECT,
        timeout=120,
    )
    return home / "own.zip"


def test_a_changed_source_gives_other_bytes(settings: Settings, described: PackageSettings) -> None:
    first = packages.build(settings, described).read_bytes()
    (described.source / "handler.py").write_text("changed = True\n", "utf-8")

    assert packages.build(settings, described).read_bytes() != first


def test_modules_without_a_package_are_at_the_root_of_the_zip(settings: Settings, tmp_path: Path) -> None:
    for name in ("app.py", "shared/db.py", ".venv/lib/other.py", ".env", "data.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    described = PackageSettings(source=tmp_path, output=tmp_path / "app.zip")
    packages.build(settings, described)

    built = packages.build(settings, described)

    assert zipfile.ZipFile(built).namelist() == ["app.py", "data.json", "shared/db.py"]


def test_a_source_without_a_module_is_refused(settings: Settings, tmp_path: Path) -> None:
    described = PackageSettings(source=tmp_path, output=tmp_path / "x.zip")

    with pytest.raises(PackageError, match=r"expected a Python package or modules, found no \.py file"):
        packages.build(settings, described)


def test_a_group_that_is_not_locked_is_one_clear_error(
    settings: Settings, described: PackageSettings
) -> None:
    with pytest.raises(PackageError, match="its dependencies can't be installed"):
        packages.build(settings, replace(described, group="missing"))


def test_dependencies_are_installed_without_the_callers_credentials(
    settings: Settings, described: PackageSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installer = tmp_path / "uv"
    installer.write_text('#!/bin/sh\necho "$@" >>"$NOTED"; exec test -z "$AWS_SECRET_ACCESS_KEY"\n', "utf-8")
    installer.chmod(0o755)
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(installer))
    noted = tmp_path / "noted"
    environ = {**settings.environ, "AWS_SECRET_ACCESS_KEY": "secret", "NOTED": str(noted)}

    packages.build(replace(settings, environ=environ), replace(described, group="lambda"))

    assert [line.split()[0] for line in noted.read_text("utf-8").splitlines()] == ["export", "pip"]


def test_this_projects_zip_carries_its_locked_dependencies_and_can_be_imported(tmp_path: Path) -> None:
    settings = Settings.from_env({**os.environ, "HARNESS_CACHE_DIR": str(tmp_path / "cache")}, PROJECT)
    assert settings.package is not None
    built = packages.build(settings, replace(settings.package, output=tmp_path / "own.zip"))

    names = zipfile.ZipFile(built).namelist()

    assert {"s3_lambda_api/writer.py", "s3_lambda_api/reader.py", "aws_lambda_powertools/__init__.py"} <= set(
        names
    )
    assert not [name for name in names if name.startswith(("boto3/", "harness/")) or "RECORD" in name]


def test_a_mistake_in_a_module_is_told_with_its_line(settings: Settings, described: PackageSettings) -> None:
    (described.source / "handler.py").write_text("import os\n\ndef handler(event, context)\n", "utf-8")
    described = replace(described, python="3.12")

    with pytest.raises(PackageError, match=r"handler\.py:3: expected ':'\n  def handler\(event, context\)"):
        packages.build(settings, described)


def test_syntax_that_only_the_functions_python_knows_is_not_judged(
    settings: Settings, described: PackageSettings
) -> None:
    (described.source / "handler.py").write_text("new syntax", "utf-8")

    assert packages.build(settings, replace(described, python="3.99")).exists()


@pytest.fixture
def requiring(described: PackageSettings, tmp_path: Path) -> PackageSettings:
    """Describe a package with a requirements file that includes another."""
    (tmp_path / "requirements.txt").write_text("-r more.txt\nmarkupsafe==3.0.3\n", "utf-8")
    (tmp_path / "more.txt").write_text("iniconfig==2.3.0\n", "utf-8")
    return replace(described, requirements=tmp_path / "requirements.txt")


def libraries(zip_file: Path) -> list[str]:
    """Return the compiled modules in a zip."""
    return [name for name in zipfile.ZipFile(zip_file).namelist() if name.endswith(".so")]


@pytest.mark.parametrize(
    ("python", "architecture", "ending"),
    [
        ("3.13", "arm64", ".cpython-313-aarch64-linux-gnu.so"),
        ("3.13", "x86_64", ".cpython-313-x86_64-linux-gnu.so"),
        ("3.11", "x86_64", ".cpython-311-x86_64-linux-gnu.so"),
    ],
)
def test_the_wheels_are_those_of_the_functions_python_and_processor(
    settings: Settings, requiring: PackageSettings, python: str, architecture: str, ending: str
) -> None:
    built = packages.build(settings, replace(requiring, python=python, architecture=architecture))

    assert libraries(built) == [f"markupsafe/_speedups{ending}"]


def test_the_zip_of_another_platform_is_beside_it(settings: Settings, requiring: PackageSettings) -> None:
    described = replace(requiring, architecture="arm64")
    built = packages.build(settings, described, packages.Platform("linux", "x86_64"))

    assert built == described.output.with_name("app.linux-x86_64.zip")
    assert libraries(built) == ["markupsafe/_speedups.cpython-313-x86_64-linux-gnu.so"]


def test_requirements_are_installed_again_only_when_one_of_their_files_has_changed(
    settings: Settings, requiring: PackageSettings, commands: list[list[str]]
) -> None:
    packages.build(settings, requiring)
    packages.build(settings, requiring)
    assert len(commands) == 1

    assert requiring.requirements is not None
    requiring.requirements.with_name("more.txt").write_text("iniconfig==2.1.0\n", "utf-8")
    names = zipfile.ZipFile(packages.build(settings, requiring)).namelist()

    assert len(commands) == 2
    assert "iniconfig-2.1.0.dist-info/METADATA" in names


@pytest.mark.parametrize("requirement", ["docopt==0.6.2", "orjson==3.6.0", "pywin32==311"])
def test_a_dependency_without_a_wheel_is_named_in_one_line(
    settings: Settings, requiring: PackageSettings, requirement: str
) -> None:
    assert requiring.requirements is not None
    requiring.requirements.write_text(requirement, "utf-8")

    with pytest.raises(PackageError) as raised:
        packages.build(settings, replace(requiring, architecture="arm64"))

    told = f"expected a wheel of {requirement} for Python 3.13 on linux arm64, found none; choose a version"
    assert told in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_requirements_file_that_is_not_there_is_told(
    settings: Settings, described: PackageSettings, tmp_path: Path
) -> None:
    with pytest.raises(PackageError, match=r"expected the requirements file .*/no\.txt, found none$"):
        packages.build(settings, replace(described, requirements=tmp_path / "no.txt"))
