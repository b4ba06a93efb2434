"""Two functions of two packages: one in Python for another processor, one in JavaScript, in one root."""

from __future__ import annotations

import json
import platform
import struct
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, Settings, deployed_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness import Deployment

ACCOUNT = "444444444444"
# The processor that this machine does not have, and its number in the header of a library.
OTHER, OTHERS_NUMBER = {"x86_64": ("arm64", 183)}.get(platform.machine(), ("x86_64", 62))

ROOT = """
variable "counts_zip" { type = string }
variable "says_zip" { type = string }

resource "aws_iam_role" "f" {
  name = "packages"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" }
  }] })
}
resource "aws_lambda_function" "counts" {
  function_name    = "packages-counts"
  filename         = var.counts_zip
  source_code_hash = filebase64sha256(var.counts_zip)
  role             = aws_iam_role.f.arn
  handler          = "counts.handler.handler"
  runtime          = "python3.13"
  architectures    = ["OTHER"]
  timeout          = 20
}
resource "aws_lambda_function" "says" {
  function_name    = "packages-says"
  filename         = var.says_zip
  source_code_hash = filebase64sha256(var.says_zip)
  role             = aws_iam_role.f.arn
  handler          = "app.handler"
  runtime          = "nodejs22.x"
  timeout          = 20
}
"""
PROJECT = f"""
[tool.harness]
terraform-dir = "infra"

[tool.harness.package.counts]
source = "src/counts"
output = "build/counts.zip"
requirements = "requirements.txt"
architecture = "{OTHER}"

[tool.harness.package.says]
kind = "nodejs"
source = "says"
output = "build/says.zip"
"""
LOCKED = {
    "version": "2.1.3",
    "resolved": "https://registry.npmjs.org/ms/-/ms-2.1.3.tgz",
    "integrity": (
        "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA=="
    ),
}
MANIFEST = {"name": "says", "version": "1.0.0", "dependencies": {"ms": "2.1.3"}}
FILES = {
    "pyproject.toml": PROJECT,
    "requirements.txt": "orjson==3.11.4\n",
    "infra/main.tf": ROOT.replace("OTHER", OTHER),
    "src/counts/__init__.py": "",
    "src/counts/handler.py": (
        "import orjson\n\ndef handler(event, context):\n    return orjson.dumps(event).decode()\n"
    ),
    "says/package.json": json.dumps(MANIFEST),
    "says/package-lock.json": json.dumps(
        {**MANIFEST, "lockfileVersion": 3, "packages": {"": MANIFEST, "node_modules/ms": LOCKED}}
    ),
    "says/app.mjs": 'import ms from "ms";\nexport const handler = async (event) => ms(event);\n',
}


@pytest.fixture(autouse=True)
def _on_this_machine(on_this_machine: None) -> None:
    """Skip these tests if functions are not processes of this machine."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, harness_settings: Settings) -> Settings:
    """Write the project. It has the backend and the cache of this run."""
    folder = tmp_path_factory.mktemp("packages")
    _write(folder, FILES)
    own = Settings.from_env({**harness_settings.environ, "HARNESS_TERRAFORM_DIR": ""}, folder)
    return replace(
        harness_settings,
        project=folder,
        terraform_dir=own.terraform_dir,
        variables={},
        package=None,
        packages=own.packages,
    )


@pytest.fixture(scope="module")
def stack(project: Settings, endpoint: Endpoint) -> Iterator[Deployment]:
    if endpoint.backend not in {"host", "localemu", "ministack"}:
        pytest.skip("functions are not processes of this machine")
    with deployed_at(project, replace(endpoint, access_key=ACCOUNT)) as deployment:
        yield deployment


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def test_each_function_runs_with_the_dependencies_of_its_package(stack: Deployment) -> None:
    assert stack.function("counts").invoke({"one": 1}).payload == '{"one":1}'
    assert stack.function("says").invoke("2 days").payload == 172_800_000


def test_the_zip_for_aws_has_the_wheels_of_the_functions_processor(
    stack: Deployment, project: Settings
) -> None:
    for_aws, applied = project.packages[0].output, stack.terraform.state
    with zipfile.ZipFile(for_aws) as archive:
        (library,) = [name for name in archive.namelist() if name.endswith(".so")]
        (machine,) = struct.unpack("<H", archive.read(library)[18:20])

    assert machine == OTHERS_NUMBER
    assert str(for_aws) not in applied.read_text("utf-8")
    assert str(project.packages[1].output) in applied.read_text("utf-8")


def test_a_second_apply_would_change_nothing(stack: Deployment) -> None:
    assert stack.plan() == []
