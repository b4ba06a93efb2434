"""Coverage of Terraform, compared with a hand-made truth table of the whole model system."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from harness import eventually
from harness.coverage import Level
from harness.coverage.measured import coverage_of
from tests.system import levels

if TYPE_CHECKING:
    from harness import Settings
    from tests.system import Scenario

pytestmark = pytest.mark.anywhere

CREATED, UNKNOWN, _, ASSERTED = Level


def differences(
    scenario: Scenario, settings: Settings, since: float, expected: dict[str, Level]
) -> dict[str, str]:
    """Return the resources with an unexpected level, each with its level and the reason."""
    coverage = coverage_of(scenario, settings.terraform_dir, settings.project, since=since)
    assert {each.address for each in coverage.items} == set(expected)
    return {
        each.address: f"{each.level.name}: {each.why}"
        for each in coverage.items
        if each.level is not expected[each.address]
    }


def test_each_resource_has_the_level_that_a_person_would_give_it(
    scenario: Scenario, harness_settings: Settings
) -> None:
    backend = scenario.endpoint.backend
    if backend not in {"host", "container", "localemu", "ministack"}:
        pytest.skip("there is a table of the backends with a request log")
    outputs = {f"output.{name}": UNKNOWN for name in scenario.outputs.values}
    expected = {**levels.after_an_event_and_a_read(backend), **outputs}
    begun = time.time()

    scenario.fire_and_wait()
    scenario.latest()

    eventually(  # logs come a moment later than answers
        lambda: differences(scenario, harness_settings, begun, expected),
        until=lambda others: not others,
        what="the levels of the table",
        timeout=20,
    )


def test_without_the_test_of_the_api_its_resources_are_only_created(
    scenario: Scenario, harness_settings: Settings
) -> None:
    if scenario.endpoint.backend in {"aws", "external"}:
        pytest.skip(f"the backend {scenario.endpoint.backend} need not keep a request log")
    begun = time.time()

    scenario.fire_and_wait()

    coverage = coverage_of(scenario, harness_settings.terraform_dir, harness_settings.project, since=begun)
    found = {each.address: each.level for each in coverage.items}
    assert {found[address] for address in levels.BY_THE_API} == {CREATED}
    assert {address for address in levels.VARIABLES if found[address] is CREATED} == {
        address for address in levels.VARIABLES if ".retrieve_function." in address
    }
    assert found["module.system.module.s3.aws_s3_bucket.objects"] is ASSERTED
    places = {each.address: (each.file, each.line) for each in coverage.items}
    file = "terraform/modules/api_gateway/main.tf"
    text = (harness_settings.project / file).read_text("utf-8").splitlines()
    line = text.index('resource "aws_api_gateway_method" "read" {') + 1
    assert places['module.system.module.api_gateway.aws_api_gateway_method.read["HEAD"]'] == (file, line)
    statement = "module.system.module.s3.aws_s3_bucket_policy.objects statement DenyOverwrite"
    file, line = places[statement]
    assert file == "terraform/modules/s3/policy.tf"
    assert "statement" in (harness_settings.project / file).read_text("utf-8").splitlines()[line - 1]
