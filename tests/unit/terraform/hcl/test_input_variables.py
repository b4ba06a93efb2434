from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Settings, SettingsError
from harness.settings import PackageSettings
from harness.terraform.hcl import input_variables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def of(tmp_path: Path) -> Callable[..., Settings]:
    """Return a function that returns the settings of a root with the files given."""

    def settings(files: dict[str, str], **environ: str) -> Settings:
        root = tmp_path / "terraform"
        root.mkdir()
        for name, text in files.items():
            (root / name).write_text(text, "utf-8")
        return Settings.from_env({"HARNESS_CACHE_DIR": str(tmp_path / "cache"), **environ}, tmp_path)

    return settings


def test_a_name_that_the_root_does_not_declare_is_told_with_the_nearest(of: Callable[..., Settings]) -> None:
    settings = replace(of({"main.tf": 'variable "region" {}'}), variables={"regoin": "x"})

    with pytest.raises(SettingsError, match=r"the root \(region\), got 'regoin'; did you mean region\?"):
        input_variables.check(settings)


def test_the_variable_of_the_zip_is_one_of_the_roots(of: Callable[..., Settings], tmp_path: Path) -> None:
    package = PackageSettings(source=tmp_path / "app", output=tmp_path / "app.zip")

    with pytest.raises(SettingsError, match=r"\[tool\.harness\.package\] variable: .*it declares none"):
        input_variables.check(replace(of({"main.tf": ""}), package=package))


def test_the_variables_of_packages_with_names_are_checked_and_count_as_set(
    of: Callable[..., Settings], tmp_path: Path
) -> None:
    package = PackageSettings(name="x", source=tmp_path / "x", output=tmp_path / "x.zip", variable="x_zip")
    settings = of({"main.tf": 'variable "x_zip" {}'})

    input_variables.check(replace(settings, packages=(package,)))
    with pytest.raises(SettingsError, match=r"\[tool\.harness\.package\.x\] variable: .*got 'y_zip'"):
        input_variables.check(replace(settings, packages=(package, replace(package, variable="y_zip"))))


def test_a_variable_without_a_default_needs_a_value(of: Callable[..., Settings]) -> None:
    with pytest.raises(SettingsError, match=r"terraform variable 'size': expected a value, .*TF_VAR_size"):
        input_variables.check(of({"main.tf": 'variable "size" {}\nvariable "colour" { default = "red" }'}))


def test_all_that_lack_a_value_are_named_at_once(of: Callable[..., Settings]) -> None:
    with pytest.raises(SettingsError, match=r"terraform variable 'colour', 'size': .*TF_VAR_colour"):
        input_variables.check(of({"main.tf": 'variable "size" {}\nvariable "colour" {}'}))


def test_the_name_of_a_run_is_a_value_only_where_the_harness_gives_one(of: Callable[..., Settings]) -> None:
    settings = of({"main.tf": 'variable "environment" {}'})

    input_variables.check(settings, is_named=True)
    with pytest.raises(SettingsError, match="terraform variable 'environment': expected a value"):
        input_variables.check(settings)


@pytest.mark.parametrize(
    ("files", "environ"),
    [
        ({"terraform.tfvars": "# sizes\nsize = {\n  a = 1\n}\n"}, {}),
        ({"terraform.tfvars.json": '{"size": 1}'}, {}),
        ({"eu.auto.tfvars": "size=1"}, {}),
        ({"eu.auto.tfvars.json": '{"size": 1}'}, {}),
        ({"eu.tfvars": "size=1"}, {"HARNESS_VAR_FILES": "terraform/eu.tfvars"}),
        ({}, {"TF_VAR_size": "1"}),
    ],
)
def test_a_value_may_come_from_wherever_terraform_takes_one(
    of: Callable[..., Settings], files: dict[str, str], environ: dict[str, str]
) -> None:
    input_variables.check(of({"main.tf": 'variable "size" {}', **files}, **environ))


def test_a_variable_in_json_counts(of: Callable[..., Settings]) -> None:
    with pytest.raises(SettingsError, match="'size'"):
        input_variables.check(
            of({"main.tf.json": '{"variable": {"size": {}, "colour": {"default": "red"}}}'})
        )
