"""The drill: the home region fails, the standby takes over, home comes back, by the runbook's commands."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import Deployment, Endpoint, Settings, deployed_at
from harness.aws.rest import ApiClient
from harness.base import process
from harness.terraform.hcl import input_variables
from tests.system import Scenario, assert_latest
from tests.system.outage import Regions, regions_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.once

ACCOUNT = "555555555555"
HOME, STANDBY = "eu-north-1", "eu-west-1"
RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
VARIABLES = {
    "schedule_expression": "rate(1 hour)",  # so that no tick comes in between
    "api_authorization": "NONE",
    "force_destroy": "true",
    "deletion_protection": "false",
    # What takes long and has nothing to do with it.
    "tagging_enabled": "false",
    "kms_rotation_enabled": "false",
    "dead_letter_queues_enabled": "false",
    "access_logs_enabled": "false",
    "monitoring_enabled": "false",
    "retention": "null",
}


@pytest.fixture
def regions(endpoint: Endpoint) -> Iterator[Regions]:
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"takes an account by number: not on the backend {endpoint.backend}")
    with regions_of(endpoint.url) as regions:
        yield regions


@pytest.fixture
def home(harness_settings: Settings, endpoint: Endpoint, regions: Regions) -> Iterator[Scenario]:
    """Provide production on an emulator whose regions can fail."""
    root = harness_settings.terraform_dir.parent / "prod"
    place = replace(endpoint, access_key=ACCOUNT)
    with deployed_at(replace(harness_settings, terraform_dir=root, variables=VARIABLES), place) as applied:
        yield Scenario.of(through(regions, applied))


def through(regions: Regions, prod: Deployment) -> Deployment:
    """Return an applied root whose clients go through the regions that can fail."""
    place, terraform = prod.endpoint, prod.terraform
    environ = {name: text.replace(place.url, regions.url) for name, text in terraform.environ.items()}
    return replace(
        prod, endpoint=replace(place, url=regions.url), terraform=replace(terraform, environ=environ)
    )


@pytest.fixture
def standby(home: Scenario) -> Scenario:
    """Provide the same system in the other region."""
    outputs, place = home.outputs, replace(home.endpoint, region=STANDBY)
    system = replace(
        home.system,
        region=STANDBY,
        bucket_name=outputs["replica_bucket_name"],
        kms_key_arn=outputs["standby_kms_key_arn"],
        api_url=outputs["standby_api_url"],
    )
    return replace(home, endpoint=place, system=system, latest_api=ApiClient.of(place, system.api_url))


@pytest.mark.slow
def test_home_fails_the_standby_takes_over_and_nothing_is_lost(
    home: Scenario, standby: Scenario, regions: Regions
) -> None:
    fail_over, catch_up, fail_back = commands()
    before = [home.fire_and_wait() for _ in range(3)]
    replicate(home, standby)

    with regions.without(HOME, apis=frozenset({home.system.api_id})):
        assert home.latest().status == 503
        regions.refused.clear()
        assert_latest(standby.latest(), before[-1])
        run(fail_over, home)
        during = [standby.fire_and_wait() for _ in range(2)]
        assert_latest(standby.latest(), during[-1])
    assert regions.refused == []  # to fail over, nothing has to be asked of the region that fails
    assert schedules(home, standby) == ("ENABLED", "ENABLED")

    run(catch_up, home)
    assert schedules(home, standby) == ("DISABLED", "ENABLED")
    replicate(standby, home)
    assert_latest(home.latest(), during[-1])

    run(fail_back, home)
    assert schedules(home, standby) == ("ENABLED", "DISABLED")
    after = home.fire_and_wait()
    assert_latest(home.latest(), after)
    # A schedule that is turned on may tick once more.
    assert {stored.key for stored in (*before, *during, after)} <= set(home.keys())
    assert {stored.key for stored in (*before, *during)} <= set(standby.keys())


def commands() -> list[str]:
    """Return the runbook's Terraform commands for a failed region, in their order."""
    section = RUNBOOK.read_text("utf-8").partition("## The region fails\n")[2].partition("\n## ")[0]
    return re.findall(r"^ *(terraform apply.*)$", section, re.MULTILINE)


def run(command: str, prod: Scenario) -> None:
    """Run a command of the runbook, with the names of this deployment filled in."""
    terraform = prod.terraform
    _, verb, *rest = shlex.split(command)
    own = input_variables.arguments(terraform.root, terraform.variables)
    argv = [terraform.program, verb, "-auto-approve", "-input=false", "-no-color", *own, *rest]
    process.run(argv, cwd=terraform.root, env=terraform.environ, timeout=terraform.timeout)


def schedules(home: Scenario, standby: Scenario) -> tuple[str, str]:
    """Return the states of the two schedules."""
    names = home.outputs["schedule_rule_name"], home.outputs["standby_schedule_name"]
    here, there = (
        where.client("events").describe_rule(Name=name)["State"]
        for where, name in zip((home, standby), names, strict=True)
    )
    return here, there


def replicate(source: Scenario, target: Scenario) -> None:
    """Copy the pointer and missing objects to the other bucket, as S3 does on AWS but not on emulators."""
    theirs = set(contents(target))
    for key, body in contents(source).items():
        if key == source.system.pointer_key:
            target.client("s3").put_object(Bucket=target.system.bucket_name, Key=key, Body=body)
        elif key not in theirs:
            target.put([key], body)


def contents(place: Scenario) -> dict[str, bytes]:
    """Return the contents of a bucket."""
    s3, bucket = place.client("s3"), place.system.bucket_name
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
