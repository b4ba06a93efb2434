"""Version 6 of the provider: `terraform validate` on its schema, and what it changed of what is used here."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness import Settings, TerraformError
from harness.base import process
from tests.terraform.planning import offline
from tests.terraform.provider6.bindings import SCHEMA, types_in
from tests.terraform.provider6.server import served
from tests.terraform.test_files import ENVIRONMENTS, FILES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

# What version 6 has removed, and which arguments it no longer requires, of the types in use:
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-6-upgrade
REMOVED = {
    "aws_api_gateway_account.reset_on_delete",
    "aws_api_gateway_deployment.canary_settings",
    "aws_api_gateway_deployment.canary_settings.percent_traffic",
    "aws_api_gateway_deployment.canary_settings.stage_variable_overrides",
    "aws_api_gateway_deployment.canary_settings.use_stage_cache",
    "aws_api_gateway_deployment.execution_arn",
    "aws_api_gateway_deployment.invoke_url",
    "aws_api_gateway_deployment.stage_description",
    "aws_api_gateway_deployment.stage_name",
}
NO_LONGER_REQUIRED = {
    "aws_cloudwatch_metric_alarm.comparison_operator",
    "aws_cloudwatch_metric_alarm.evaluation_periods",
}
ONLY_REMOVED = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = "a"
  stage_name  = "dev"
}
"""


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
    return parsed


@pytest.fixture(scope="module")
def version_6(schema: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Serve the schema, and return what makes Terraform use it."""
    with served(schema) as environ:
        yield environ


@pytest.mark.parametrize("root", ENVIRONMENTS, ids=lambda root: root.name)
def test_the_root_is_valid(
    root: Path, harness_settings: Settings, zip_file: Path, version_6: dict[str, str]
) -> None:
    with offline(harness_settings, root, zip_file) as terraform:
        replace(terraform, environ={**terraform.environ, **version_6}).validate()


def test_what_is_removed_is_not_valid(
    harness_settings: Settings, tmp_path: Path, version_6: dict[str, str]
) -> None:
    (tmp_path / "main.tf").write_text(ONLY_REMOVED, "utf-8")

    with offline(harness_settings, tmp_path, None) as terraform:
        with pytest.raises(TerraformError, match='named "stage_name" is not expected'):
            replace(terraform, environ={**terraform.environ, **version_6}).validate()


def test_the_schema_has_every_type_in_use(schema: dict[str, Any]) -> None:
    assert {(mode, kind) for mode in ("resource", "data") for kind in schema[mode]} == types_in(FILES)


def test_the_schema_differs_from_that_of_version_5_as_documented(
    schema: dict[str, Any], harness_settings: Settings, zip_file: Path
) -> None:
    with offline(harness_settings, ENVIRONMENTS[0], zip_file) as terraform:
        argv = [terraform.program, "providers", "schema", "-json"]
        shown = process.run(argv, cwd=terraform.root, env=terraform.environ, timeout=terraform.timeout)
    schemas = json.loads(shown.stdout)["provider_schemas"]
    (before,) = [each for name, each in schemas.items() if name.endswith("/hashicorp/aws")]

    for mode, schemas_of_5, removed, no_longer_required in (
        ("resource", before["resource_schemas"], REMOVED, NO_LONGER_REQUIRED),
        ("data", before["data_source_schemas"], set(), set()),
    ):
        six = arguments(schema[mode])
        five = arguments({kind: schemas_of_5[kind] for kind in schema[mode]})

        assert five.keys() - six.keys() == removed
        assert {name for name in five.keys() & six.keys() if five[name] != six[name]} == no_longer_required


def arguments(blocks: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return type or nesting of each argument, attribute and block, and whether it is required."""
    found = {}
    for path, block in ((kind, each.get("block", each)) for kind, each in blocks.items()):
        for name, attribute in block.get("attributes", {}).items():
            found[f"{path}.{name}"] = (json.dumps(attribute["type"]), attribute.get("required", False))
        for name, nested in block.get("block_types", {}).items():
            found[f"{path}.{name}"] = (nested["nesting_mode"], nested.get("min_items", 0) > 0)
            found |= arguments({f"{path}.{name}": nested})
    return found
