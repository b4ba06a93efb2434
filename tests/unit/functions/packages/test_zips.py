from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Settings, SettingsError, backends
from harness.functions import packages
from harness.functions.packages import Platform
from harness.session import zip_variables
from harness.settings import PackageSettings

if TYPE_CHECKING:
    from pathlib import Path

HERE = Platform.here()
OTHER = "arm64" if HERE.architecture == "x86_64" else "x86_64"


@pytest.fixture
def several(settings: Settings, tmp_path: Path) -> Settings:
    """Return the settings of a project with an unnamed package, and one for another processor."""
    for name in ("app", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"name = {name!r}\n", "utf-8")
    own = PackageSettings(
        source=tmp_path / "app", output=tmp_path / "app.zip", architecture=HERE.architecture
    )
    other = PackageSettings(
        name="other",
        source=tmp_path / "other",
        output=tmp_path / "other.zip",
        variable="other_zip",
        architecture=OTHER,
    )
    return replace(settings, package=own, packages=(other,))


def test_every_zip_is_built_and_one_for_this_machine_where_that_is_another(
    several: Settings, tmp_path: Path
) -> None:
    packages.build_all(several, HERE)

    built = {file.name for file in tmp_path.glob("*.zip")}
    assert built == {"app.zip", "other.zip", f"other.{HERE}.zip"}


@pytest.mark.parametrize("backend", ["host", "ministack"])
def test_functions_that_are_processes_of_this_machine_have_its_zips(
    several: Settings, tmp_path: Path, backend: str
) -> None:
    settings = replace(several, backend=backend)

    assert zip_variables(settings) == {
        "lambda_zip": str(tmp_path / "app.zip"),
        "other_zip": str(tmp_path / f"other.{HERE}.zip"),
    }
    assert zip_variables(several, running=backend) == zip_variables(settings)


@pytest.mark.parametrize("backend", ["aws", "external", "mine"])
def test_functions_that_run_on_what_they_declare_have_their_own_zips(
    several: Settings, tmp_path: Path, backend: str
) -> None:
    assert zip_variables(several, running=backend)["other_zip"] == str(tmp_path / "other.zip")


def test_in_localstacks_container_functions_run_on_linux_or_in_containers_of_their_own(
    several: Settings,
) -> None:
    docker = replace(several, backend="container", lambda_executor="docker")

    in_process = backends.functions_run_on(docker, running="container")
    assert in_process is None
    assert backends.functions_run_on(replace(docker, lambda_executor="process")) == Platform(
        "linux", HERE.architecture
    )


def test_no_backend_is_asked_where_all_is_built_for_this_machine(several: Settings) -> None:
    settings = replace(several, packages=(), backend="nothing.such:backend")
    if HERE.system == "linux":
        assert list(zip_variables(settings)) == ["lambda_zip"]
    with pytest.raises(SettingsError, match="HARNESS_BACKEND"):
        zip_variables(replace(several, backend="nothing.such:backend"))


def test_packages_are_selected_by_name(several: Settings) -> None:
    assert [package.name for package in packages.select(several, [])] == ["", "other"]
    assert [package.name for package in packages.select(several, ["other"])] == ["other"]
    with pytest.raises(SettingsError, match=r"with a name \(other\), got 'othr'; did you mean other\?"):
        packages.select(several, ["othr"])


def test_all_sources_are_watched_and_no_zip(several: Settings, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    (other,) = several.packages
    settings = replace(several, packages=(replace(other, requirements=requirements),))

    sources, zips = packages.watch_paths(settings)

    assert sources == [tmp_path / "app", tmp_path / "other", requirements]
    assert {file.name for file in zips} >= {"app.zip", "app.lock", "app.new", f"other.{HERE}.zip"}
