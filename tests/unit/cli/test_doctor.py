from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness.backends import container
from harness.cli import doctor
from harness.cli.main import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness import Settings
    from harness.cli.doctor import Finding


@pytest.fixture(autouse=True)
def _no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "unavailable", lambda _: "no Docker engine answers")


@pytest.fixture
def terraform(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that writes a program in place of Terraform, and returns its path."""

    def make(script: str) -> str:
        program = tmp_path / "terraform"
        program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
        program.chmod(0o755)
        return str(program)

    return make


@pytest.fixture
def healthy(settings: Settings, tmp_path: Path, terraform: Callable[[str], str]) -> Settings:
    root = tmp_path / "stack"
    root.mkdir()
    (root / "main.tf").touch()
    program = terraform("""echo '{"terraform_version": "1.10.0"}'""")
    return replace(settings, terraform=program, terraform_dir=root, backend="auto", provider_mirror=None)


def finding(settings: Settings, subject: str) -> Finding:
    (found,) = [each for each in doctor.examine(settings) if each.subject == subject]
    return found


def test_a_machine_that_has_all_can_run_and_uses_the_first_backend_that_can(healthy: Settings) -> None:
    findings = doctor.examine(healthy)

    assert doctor.can_run(findings)
    assert [each.subject for each in findings if each.needed] == [
        "terraform",
        "terraform root",
        "terraform variables",
        "backend host",
    ]
    assert doctor.report(findings).endswith("\nthe main job can run")


def test_docker_is_taken_where_it_can_run(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "unavailable", lambda _: "")

    assert finding(healthy, "backend container").needed
    assert not finding(healthy, "backend host").needed


def test_what_auto_takes_for_this_root_is_told_with_the_reason(healthy: Settings) -> None:
    assert finding(healthy, "auto").state.startswith("host: ")
    assert not [each for each in doctor.examine(replace(healthy, backend="host")) if each.subject == "auto"]

    (healthy.terraform_dir / "main.tf").write_text('resource "aws_apigatewayv2_api" "a" {}\n', "utf-8")

    why = "host lacks HTTP and WebSocket APIs (API Gateway v2) (aws_apigatewayv2_api.a, main.tf:1)"
    assert finding(healthy, "auto").state == f"ministack: {why}"


def test_a_root_in_json_is_one(healthy: Settings) -> None:
    (healthy.terraform_dir / "main.tf").rename(healthy.terraform_dir / "main.tf.json")

    assert finding(healthy, "terraform root").state == f"1 file of Terraform in {healthy.terraform_dir}"


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("""echo '{"terraform_version": "1.9.8"}'""", "1.9.8 at "),
        ("echo nonsense", "Expecting value"),
        ("exit 3", "failed with exit code 3"),
    ],
)
def test_a_terraform_that_will_not_do_is_told_with_the_remedy(
    healthy: Settings, terraform: Callable[[str], str], script: str, told: str
) -> None:
    found = finding(replace(healthy, terraform=terraform(script)), "terraform")

    assert not found.ok
    assert told in found.state
    assert "developer.hashicorp.com/terraform/install" in str(found)


def test_terraform_is_asked_without_the_callers_credentials(
    healthy: Settings, terraform: Callable[[str], str]
) -> None:
    script = """echo '{"terraform_version": "'${AWS_SECRET_ACCESS_KEY:-1.11.4}'"}'"""
    environ = {**healthy.environ, "AWS_SECRET_ACCESS_KEY": "secret"}

    found = finding(replace(healthy, terraform=terraform(script), environ=environ), "terraform")

    assert found.state.startswith("1.11.4 at ")


def test_a_missing_terraform_stops_the_main_job(healthy: Settings) -> None:
    findings = doctor.examine(replace(healthy, terraform="no-such-terraform"))

    assert not doctor.can_run(findings)
    assert "MISSING terraform: 'no-such-terraform' is not on PATH" in doctor.report(findings)


def test_a_root_without_terraform_files_is_told(healthy: Settings, tmp_path: Path) -> None:
    found = finding(replace(healthy, terraform_dir=tmp_path / "nowhere"), "terraform root")

    assert not found.ok
    assert "HARNESS_TERRAFORM_DIR" in found.remedy


def test_a_variable_without_a_value_stops_the_main_job(healthy: Settings) -> None:
    (healthy.terraform_dir / "main.tf").write_text('variable "environment" {}\n', "utf-8")

    findings = doctor.examine(healthy)

    assert not doctor.can_run(findings)
    assert "MISSING terraform variables: terraform variable 'environment'" in doctor.report(findings)


def test_a_mirror_must_hold_the_aws_provider(healthy: Settings, tmp_path: Path) -> None:
    mirrored = replace(healthy, provider_mirror=tmp_path / "mirror")
    assert not finding(mirrored, "provider mirror").ok

    held = tmp_path / "mirror/registry.example/hashicorp/aws"
    for unpacked in ("5.100.0", "5.9.0"):
        (held / unpacked / "linux_amd64").mkdir(parents=True)
    for file in ("index.json", "6.1.0.json", "terraform-provider-aws_6.1.0_linux_amd64.zip"):
        (held / file).touch()

    found = finding(mirrored, "provider mirror")
    assert found.ok
    assert found.state.endswith("registry.example/hashicorp/aws 5.9.0 5.100.0 6.1.0")


def test_what_a_mirror_lacks_is_named(healthy: Settings, tmp_path: Path) -> None:
    (healthy.terraform_dir / "main.tf").write_text('data "archive_file" "zip" {}\n', "utf-8")
    (tmp_path / "mirror/registry.example/hashicorp/aws").mkdir(parents=True)

    found = finding(replace(healthy, provider_mirror=tmp_path / "mirror"), "provider mirror")

    assert found.state.endswith("hashicorp/aws; a registry has to have hashicorp/archive")


def test_a_busy_port_matters_only_where_it_was_asked_for(healthy: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = finding(replace(healthy, port=port), "port")

    assert not found.ok
    assert found.needed
    assert f"{port} is taken" in found.state
    assert not finding(healthy, "port").needed


def test_an_external_endpoint_that_is_silent_is_told(healthy: Settings) -> None:
    silent = replace(healthy, backend="external", endpoint_url="http://127.0.0.1:9")

    found = finding(silent, "backend external")

    assert found.needed
    assert not found.ok
    assert "nothing answers at http://127.0.0.1:9" in found.state


def test_what_the_root_needs_and_the_backend_lacks_is_told_with_a_way_out(healthy: Settings) -> None:
    (healthy.terraform_dir / "main.tf").write_text('resource "aws_apigatewayv2_api" "a" {}\n', "utf-8")

    assert not [each for each in doctor.examine(healthy) if each.subject == "needs of the root"]
    found = finding(replace(healthy, backend="host"), "needs of the root")

    assert found.needed
    assert (
        found.state
        == "host lacks HTTP and WebSocket APIs (API Gateway v2) (aws_apigatewayv2_api.a, main.tf:1)"
    )
    assert found.remedy == "choose ministack or localemu with HARNESS_BACKEND"


def test_real_aws_is_not_asked(healthy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.aws.clients.client", lambda *_: pytest.fail("AWS was asked"))

    found = finding(replace(healthy, backend="aws", aws_accounts=("123456789012",)), "backend aws")

    assert found.ok
    assert found.state == "allowed in 123456789012, but not contacted"


@pytest.mark.parametrize(("name", "ok"), [("harness.backends.host:HOST", True), ("nowhere:nothing", False)])
def test_a_backend_from_outside_is_looked_up(healthy: Settings, name: str, ok: bool) -> None:  # noqa: FBT001
    assert finding(replace(healthy, backend=name), f"backend {name}").ok == ok


@pytest.mark.parametrize(("program", "code"), [("no-such-terraform", 1), (None, 0)])
def test_the_command_prints_json_and_its_exit_code_tells_whether_the_main_job_can_run(
    healthy: Settings, monkeypatch: pytest.MonkeyPatch, program: str | None, code: int
) -> None:
    monkeypatch.chdir(healthy.project)
    given = {
        "HARNESS_TERRAFORM": program or healthy.terraform,
        "HARNESS_TERRAFORM_DIR": str(healthy.terraform_dir),
    }
    monkeypatch.delenv("HARNESS_PROVIDER_MIRROR", raising=False)

    done = CliRunner().invoke(app, ["doctor", "--json"], env={**os.environ, **given})

    assert done.exit_code == code, done.output
    answer = json.loads(done.stdout)
    assert answer["ready"] == (code == 0)
    assert {"terraform", "provider mirror", "port", "backend host"} <= {
        each["subject"] for each in answer["findings"]
    }
