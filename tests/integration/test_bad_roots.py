"""Errors in a root are reported in Terraform's own words, with the line, and nothing is left behind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, Settings, TerraformError, deployed_at
from harness.terraform.apply import applied

if TYPE_CHECKING:
    from pathlib import Path

    from harness.terraform.commands import Terraform

NOWHERE = Endpoint(backend="host", url="http://127.0.0.1:9", region="eu-west-1")
ALONE = 'output "said" { value = "hello" }'


@pytest.fixture
def settings(harness_settings: Settings, tmp_path: Path) -> Settings:
    root = tmp_path / "root"
    root.mkdir()
    return replace(harness_settings, terraform_dir=root, package=None, variables={})


def failure(settings: Settings, root: str) -> str:
    """Return the reason why a root can't be applied."""
    (settings.terraform_dir / "main.tf").write_text(root, "utf-8")
    with pytest.raises(TerraformError) as failed, deployed_at(settings, NOWHERE):
        pytest.fail("it was applied")
    assert [path.name for path in settings.terraform_dir.iterdir()] == ["main.tf"]
    return " ".join(str(failed.value).split())


def test_a_provider_that_cannot_be_had_is_named_with_what_was_asked_for(settings: Settings) -> None:
    root = (
        'terraform {\n required_providers {\n  aws = { source = "hashicorp/aws", version = ">= 99.0" }\n }\n}'
    )

    told = failure(settings, root)

    reason = "no available releases match the given constraints >= 99.0.0"
    assert told == f"terraform init failed: error: the provider hashicorp/aws can't be had: {reason}"


def test_a_module_that_cannot_be_had_is_told_with_its_line(settings: Settings) -> None:
    told = failure(settings, '\nmodule "vpc" {\n source = "git::file:///nowhere/vpc.git"\n}')

    assert told.startswith("terraform init failed: error: (main.tf:2): the module vpc can't be had:")
    assert "file:///nowhere/vpc.git" in told


def test_a_value_of_another_type_is_told_with_where_it_was_set(settings: Settings) -> None:
    told = failure(replace(settings, variables={"zones": "many"}), 'variable "zones" { type = number }')

    assert told.startswith("terraform apply failed: error: ([tool.harness.variables]): Invalid value")
    assert told.endswith("var.zones declared at main.tf:1,1-17: a number is required.")


def test_a_root_that_does_not_parse_is_told_with_its_line(settings: Settings) -> None:
    assert "error: (main.tf:2): Unterminated template" in failure(settings, '\noutput "x" { value = "a }')


@pytest.mark.parametrize(("link", "target"), [("gone.txt", "/nowhere/x"), ("gone.tf", "x.tf"), ("loop", ".")])
def test_a_link_that_leads_nowhere_stops_nothing(settings: Settings, link: str, target: str) -> None:
    (settings.terraform_dir / "main.tf").write_text(ALONE, "utf-8")
    (settings.terraform_dir / link).symlink_to(target)

    with deployed_at(settings, NOWHERE) as stack:
        assert stack.outputs.values == {"said": "hello"}


def test_a_root_without_an_aws_provider_is_applied(settings: Settings) -> None:
    root = 'resource "terraform_data" "x" { input = "a" }\noutput "x" { value = terraform_data.x.output }'
    (settings.terraform_dir / "main.tf").write_text(root, "utf-8")

    with deployed_at(settings, NOWHERE) as stack:
        assert stack.outputs.values == {"x": "a"}
        assert stack.plan() == []


def test_a_failed_apply_shows_no_sensitive_value(settings: Settings) -> None:
    root = """
variable "place" {
  sensitive = true
}
resource "terraform_data" "x" {
  provisioner "local-exec" {
    command     = "ps -ef"
    working_dir = var.place
  }
}
"""

    told = failure(replace(settings, variables={"place": "/nowhere/hunter22"}), root)

    assert "chdir [redacted]: no such file or directory" in told
    assert "hunter22" not in told


def test_a_failed_command_is_told_with_the_line_of_its_provisioner(settings: Settings) -> None:
    command = 'provisioner "local-exec" {\n    command = "echo no >&2; exit 3"\n  }'
    root = f'resource "terraform_data" "x" {{\n  {command}\n}}'

    told = failure(settings, root)

    assert "error: terraform_data.x (main.tf:2): local-exec provisioner error" in told
    assert "exit status 3. Output: no" in told


def test_a_state_that_was_put_into_a_workspace_is_taken_up(settings: Settings) -> None:
    root = 'terraform {\n  backend "s3" {}\n}\nresource "terraform_data" "x" { input = "a" }'
    (settings.terraform_dir / "main.tf").write_text(root, "utf-8")
    settings = replace(settings, workspace="dev")
    with deployed_at(settings, NOWHERE) as stack:
        state = stack.terraform.state.read_bytes()

    def bring_up(terraform: Terraform) -> None:
        terraform.state.parent.mkdir(parents=True)
        terraform.state.write_bytes(state)
        terraform.init()

    with applied(settings, NOWHERE, {}, bring_up=bring_up) as terraform:
        assert terraform.plan() == []


def test_a_prevented_destroy_is_one_error_unless_the_emulator_ends(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    root = 'resource "terraform_data" "x" {\n lifecycle {\n  prevent_destroy = true\n }\n}'
    (settings.terraform_dir / "main.tf").write_text(root, "utf-8")

    with pytest.raises(TerraformError) as failed, deployed_at(settings, NOWHERE):
        pass

    (error,) = failed.value.diagnostics
    assert error.summary == "Instance cannot be destroyed"
    assert "terraform_data.x has lifecycle.prevent_destroy set" in error.detail

    with deployed_at(settings, replace(NOWHERE, is_temporary=True)):
        pass
    assert "the rest ends with the emulator" in caplog.text
