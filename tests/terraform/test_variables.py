"""The roots' refusals and their messages: each variable has a bad value that stops a plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness import TerraformError
from tests.terraform.planning import offline
from tests.terraform.test_files import ENVIRONMENTS, TERRAFORM, blocks

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Settings

MODULES = sorted((TERRAFORM / "modules").iterdir())
REFUSED = [
    ("project", "A", "project must be 3-18 lower-case letters"),
    ("project", "a" * 19, "project must be 3-18 lower-case letters"),
    ("environment", "d", "environment must be 2-10 lower-case letters"),
    ("environment", "pre-prod", "environment must be 2-10 lower-case letters"),
    ("region", "eu-north", "region must be the name of an AWS region"),
    ("bucket_name", "a.bucket", "a dot would break TLS"),
    ("replica_region", "null", "after -var it is text"),
    ("replica_region", "eu-north-1", "replica_region must be another region than region"),
    ("domain", '{name="a b",zone_id="Z1"}', "domain_name must be a host name"),
    ("retention", "{superseded_days=0,noncurrent_days=1}", "retention periods must be at least 1 day"),
    ("lambda_zip", "missing.zip", "uv run harness package"),
    ("log_level", "LOUD", "log_level must be DEBUG, INFO, WARNING, ERROR or CRITICAL"),
    ("kms_deletion_window_days", "6", "deletion_window_days must be between 7 and 30"),
    ("operator_arns", '["me"]', "operator_arns must be ARNs of IAM roles or users"),
    ("permissions_boundary_arn", "boundary", "permissions_boundary_arn must be the ARN of an IAM policy"),
    ("architecture", "mips", "architecture must be arm64 or x86_64"),
    ("function_environment", '{"BUCKET-NAME"="x"}', "environment_variables must have names of letters"),
    ("create_timeout_seconds", "29", "below API Gateway's limit of 29"),
    ("retrieve_timeout_seconds", "0", "timeout_seconds must be at least 1"),
    ("create_reserved_concurrency", "-2", "reserved_concurrency must be -1"),
    ("retrieve_reserved_concurrency", "-2", "reserved_concurrency must be -1"),
    ("create_live_version", "$LATEST", "live_version must be the number of a published version"),
    ("retrieve_live_version", "newest", "live_version must be the number of a published version"),
    ("gradual_deployment", "", "deployment_config must be the name of a deployment configuration"),
    ("alarm_emails", '["nobody"]', "alarm_emails must be mail addresses"),
    ("log_retention_days", "31", "one of the periods that CloudWatch Logs offers"),
    ("scheduler", "cron", "scheduler must be rule or scheduler"),
    ("schedule_expression", "cron(0 * * * ? *)", "schedule_expression must be rate"),
    ("schedule_expression", "rate(25 hours)", "at most a day with monitoring_enabled"),
    ("event_bus_name", "a:bus", "event_bus_name must be 1-256 letters"),
    ("api_path_part", "a/b", "one segment, without slashes"),
    ("api_authorization", "CUSTOM", "authorization must be NONE or AWS_IAM"),
    ("api_throttling", "{rate_per_second=0,burst=1}", "rate_per_second above 0"),
]


@pytest.fixture(scope="module")
def refusals(harness_settings: Settings, environments: Path, zip_file: Path) -> dict[tuple[str, str], str]:
    """Return the errors of a plan for each value.

    One plan judges the values of as many variables as it can. A second value waits for the next plan. So does
    a value that depends on a refused variable, because the plan does not reach it.
    """
    said: dict[tuple[str, str], str] = {}
    pending = REFUSED
    with offline(harness_settings, environments / "prod", zip_file) as terraform:
        while pending:
            values = {name: value for name, value, _ in reversed(pending)}
            with pytest.raises(TerraformError) as failure:
                terraform.plan(**values)
            assert {problem.summary for problem in failure.value.diagnostics} == {
                "Invalid value for variable"
            }
            said |= dict.fromkeys(values.items(), " ".join(str(failure.value).split()))
            left = [one for one in pending if one[2] not in said.get(one[:2], "")]
            if left == pending:
                break
            pending = left
    return said


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_a_bad_value_is_refused_in_clear_words(
    refusals: dict[tuple[str, str], str], name: str, value: str, message: str
) -> None:
    assert message in refusals.get((name, value), "")


@pytest.mark.parametrize("root", ENVIRONMENTS, ids=lambda root: root.name)
def test_every_variable_of_a_root_has_a_value_that_is_refused(root: Path) -> None:
    assert not _judged(root) - {name for name, _, _ in REFUSED}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_variable_of_a_module_has_a_value_that_its_tests_see_refused(module: Path) -> None:
    tests = "".join(file.read_text("utf-8") for file in module.glob("tests/*.tftest.hcl"))
    expected = re.findall(r"expect_failures = \[(.*?)\]", tests, re.DOTALL)
    refused = set(re.findall(r"var\.(\w+)", str(expected)))

    assert not _judged(module) - refused - _handed_on(module)


def _judged(folder: Path) -> set[str]:
    """Return the variables that may have a bad value of the right type."""
    return {name for name, body in blocks(folder, "variable") if body["type"].strip("${}") != "bool"}


def _handed_on(folder: Path) -> set[str]:
    """Return the variables that the root passes to a child module, which judges them.

    A variable may be passed as a whole, in parts, or in a local.
    """
    called = str(blocks(folder, "module"))
    used = set(re.findall(r"\blocal\.(\w+)", called))
    locals_ = str([value for name, value in blocks(folder, "locals") if name in used])
    return set(re.findall(r"\bvar\.(\w+)", called + locals_))
