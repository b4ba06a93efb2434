"""Properties of the Terraform files themselves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import hcl2
import pytest

PROJECT = Path(__file__).parents[2]
TERRAFORM = PROJECT / "terraform"
FOLDERS = sorted(file.parent for file in TERRAFORM.glob("*/*/versions.tf"))
FILES = sorted(TERRAFORM.rglob("*.tf"))
EXAMPLES = sorted((PROJECT / "examples").rglob("*.tf"))
ENVIRONMENTS = [TERRAFORM / "env" / "dev", TERRAFORM / "env" / "prod"]
OUTPUTS = {
    "account_id", "api_execution_arn", "api_id", "api_path", "api_stage", "api_url", "bucket_name",
    "create_function_arn", "create_function_name", "environment", "event_bus_name", "event_detail_type",
    "event_source", "kms_key_arn", "object_prefix", "on_demand_rule_name", "pointer_key", "region",
    "retrieve_function_arn", "retrieve_function_name", "schedule_rule_name",
}  # fmt: skip


# What version 6.0 of the provider has removed or renamed, and what it has deprecated that is of use here:
# https://registry.terraform.io/providers/hashicorp/aws/6.0.0/docs/guides/version-6-upgrade
GONE_TYPES = re.compile(r"aws_(opsworks_\w+|simpledb_domain|worklink_\w+|redshift_service_account)")
GONE = {
    "aws_api_gateway_account": {"reset_on_delete"},
    "aws_api_gateway_deployment": {
        "canary_settings", "execution_arn", "invoke_url", "stage_description", "stage_name",
    },
    "aws_batch_compute_environment": {"compute_environment_name", "compute_environment_name_prefix"},
    "aws_batch_job_queue": {"compute_environments"},
    "aws_dms_endpoint": {"s3_settings"},
    "aws_dx_gateway_association": {"vpn_gateway_id"},
    "aws_ecs_task_definition": {"inference_accelerator"},
    "aws_ecs_task_execution": {"inference_accelerator_overrides"},
    "aws_eip": {"vpc"},
    "aws_eks_addon": {"resolve_conflicts"},
    "aws_flow_log": {"log_group_name"},
    "aws_guardduty_organization_configuration": {"auto_enable"},
    "aws_identitystore_group": {"filter"},
    "aws_identitystore_user": {"filter"},
    "aws_instance": {"cpu_core_count", "cpu_threads_per_core"},
    "aws_launch_template": {"elastic_gpu_specifications", "elastic_inference_accelerator"},
    "aws_networkmanager_core_network": {"base_policy_region"},
    "aws_opensearch_domain": {"kibana_endpoint"},
    "aws_quicksight_data_set": {"tags_all"},
    "aws_redshift_cluster": {"logging", "snapshot_copy"},
    "aws_region": {"name"},
    "aws_s3_bucket": {"region"},
    "aws_sagemaker_notebook_instance": {"accelerator_types"},
    "aws_service_discovery_service": {"tags_all"},
    "aws_spot_instance_request": {"block_duration_minutes"},
    "aws_ssm_association": {"instance_id"},
}  # fmt: skip


def gone_in_6(code: str) -> set[str]:
    """Return the types, and the arguments and attributes of types, that version 6 of the provider lacks."""
    parsed = hcl2.loads(code)
    made = [one for kind in ("resource", "data") for block in parsed.get(kind, []) for one in block.items()]
    given = [(kind.strip('"'), set(next(iter(named.values())))) for kind, named in made]
    read = re.findall(r"\b(aws_\w+)\.\w+(?:\[[^\]]*\])?\.(\w+)", code)
    used = [*given, *((kind, {attribute}) for kind, attribute in read)]
    gone = {f"{kind}.{name}" for kind, names in used for name in names & GONE.get(kind, set())}
    return gone | {kind for kind, _ in used if GONE_TYPES.fullmatch(kind)}


def blocks(folder: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """Return name and body of every block of a kind. The name excludes the type of a resource."""
    parsed = [block for file in sorted(folder.glob("*.tf")) for block in _parsed(file).get(kind, [])]
    return [(name.strip('"'), body) for block in parsed for name, body in block.items()]


def _parsed(file: Path) -> dict[str, Any]:
    return hcl2.loads(file.read_text("utf-8"))


def _code(file: Path) -> str:
    return re.sub(r"(?m)(^|\s)#.*$", "", file.read_text("utf-8"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_folder_states_what_it_needs(folder: Path) -> None:  # defect 5
    terraform = _parsed(folder / "versions.tf")["terraform"][0]

    assert terraform["required_version"] == '">= 1.10"'
    assert terraform["required_providers"][0]["aws"]["version"] == '">= 5.100, < 7.0"'


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_variable_is_typed_and_described(folder: Path) -> None:  # defect 26
    assert not [name for name, body in blocks(folder, "variable") if not {"type", "description"} <= set(body)]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_output_is_described(folder: Path) -> None:  # defect 26
    assert not [name for name, body in blocks(folder, "output") if "description" not in body]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TERRAFORM)))
def test_no_file_fixes_partition_domain_or_account(file: Path) -> None:  # defects 9, 10
    code = _code(file)
    # Service principals are the same in every partition, save those with a region in them.
    domains = re.sub(r'["`][a-z0-9]+(\.s3)?\.amazonaws\.com["`]', "", code)

    assert "arn:aws" not in code
    assert "amazonaws.com" not in domains
    assert not re.search(r"\b[0-9]{12}\b", code)


def test_nothing_is_named_after_an_example() -> None:  # defect 26
    names = re.findall(r'(?m)^(?:resource|data) "\w+" "(\w+)"', "".join(map(_code, FILES)))

    assert names
    assert not {"example", "test", "foo"} & set(names)


@pytest.mark.parametrize("file", [*FILES, *EXAMPLES], ids=lambda file: str(file.relative_to(PROJECT)))
def test_nothing_of_provider_6_is_missing(file: Path) -> None:  # defect 5
    assert gone_in_6(file.read_text("utf-8")) == set()


@pytest.mark.parametrize(
    ("code", "gone"),
    [
        ('resource "aws_opsworks_stack" "s" {}', {"aws_opsworks_stack"}),
        ('resource "aws_eip" "a" {\n  vpc = true\n}', {"aws_eip.vpc"}),
        (
            'resource "aws_api_gateway_deployment" "d" {\n  canary_settings {}\n}',
            {"aws_api_gateway_deployment.canary_settings"},
        ),
        (
            "locals {\n  url = aws_api_gateway_deployment.d.invoke_url\n}",
            {"aws_api_gateway_deployment.invoke_url"},
        ),
        ("locals {\n  at = data.aws_region.here.name\n}", {"aws_region.name"}),
        ('resource "aws_api_gateway_stage" "s" {\n  stage_name = "dev"\n}', set()),
    ],
)
def test_what_provider_6_has_removed_is_found(code: str, gone: set[str]) -> None:
    assert gone_in_6(code) == gone


def test_everything_that_a_deployment_is_a_snapshot_of_is_in_its_trigger() -> None:  # defect 6
    module = TERRAFORM / "modules" / "api_gateway"
    (trigger,) = re.findall(r"redeployment = (.*)\n  }", _code(module / "stage.tf"), re.DOTALL)
    used = set(re.findall(r"var\.(\w+)", _code(module / "main.tf"))) - {"name"}

    assert "main.tf" in trigger
    assert used <= set(re.findall(r"var\.(\w+)", trigger))


def test_the_environments_differ_in_variables_only() -> None:
    dev, prod = ({file.name: file.read_bytes() for file in root.glob("*.tf")} for root in ENVIRONMENTS)

    assert dev.keys() == prod.keys()
    assert [name for name in dev if dev[name] != prod[name]] == ["variables.tf"]


@pytest.mark.parametrize("root", ENVIRONMENTS, ids=lambda root: root.name)
def test_what_differs_is_all_that_variables_tf_has(root: Path) -> None:
    (other,) = set(ENVIRONMENTS) - {root}
    here, there = (_parsed(folder / "variables.tf")["variable"] for folder in (root, other))

    assert here
    assert not [one for one in here if one in there]


def test_the_environments_variables_differ_in_defaults_only() -> None:
    dev, prod = (dict(blocks(root, "variable")) for root in ENVIRONMENTS)
    for body in (*dev.values(), *prod.values()):
        body.pop("default", None)

    assert dev == prod


@pytest.mark.parametrize("root", ENVIRONMENTS, ids=lambda root: root.name)
def test_state_is_local_unless_somebody_says_otherwise(root: Path) -> None:  # defect 7
    assert not any(
        "backend" in block for file in root.glob("*.tf") for block in _parsed(file).get("terraform", [])
    )


@pytest.mark.parametrize("root", ENVIRONMENTS, ids=lambda root: root.name)
def test_the_outputs_keep_their_contract(root: Path) -> None:
    assert {name for name, _ in blocks(root, "output")} >= OUTPUTS


def test_no_archive_is_kept_with_the_sources() -> None:  # defect 23
    sources = [PROJECT / name for name in ("terraform", "src", "harness", "tests")]

    assert not [file for folder in sources for file in folder.rglob("*.zip")]
