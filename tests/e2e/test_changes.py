"""A running stack is changed in place, and rolled back."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from harness import Settings, assert_no_drift, eventually
from harness.functions import packages
from tests.system import Scenario, assert_latest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Deployment

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def _restored(deployment: Deployment) -> Iterator[None]:
    """Apply the settings again after the last test. Each change undoes the one before it by itself."""
    yield
    deployment.terraform.apply()


@pytest.fixture
def changed(_restored: None, scenario: Scenario) -> Scenario:
    """Provide the deployed system, to be changed."""
    return scenario


@pytest.fixture
def other_zip(harness_settings: Settings, tmp_path: Path) -> Path:
    """Return the Lambda zip with one more line, which identifies it in the log."""
    assert harness_settings.package is not None
    built = packages.build(harness_settings, harness_settings.package)
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(built) as source, zipfile.ZipFile(other, "w") as target:
        for entry in source.infolist():
            line = b"\nprint('the other code')\n" if entry.filename == "s3_lambda_api/writer.py" else b""
            target.writestr(entry, source.read(entry) + line)
    return other


def _ran_other_code(scenario: Scenario) -> bool:
    """Fire an event, and return whether the other code handled it."""
    before = len(scenario.logs(scenario.system.create_function_name))
    scenario.fire_and_wait()
    lines = eventually(  # the object is there before the function has ended, and its log comes after that
        lambda: scenario.logs(scenario.system.create_function_name)[before:],
        until=lambda seen: any(line.startswith("REPORT ") for line in seen),
        what="the log of the writer's run",
    )
    return "the other code" in lines


def test_changed_code_is_deployed_in_place_and_rolled_back_by_moving_the_alias(
    changed: Scenario, other_zip: Path
) -> None:
    assert not _ran_other_code(changed)

    changed.terraform.apply(lambda_zip=str(other_zip))
    assert _ran_other_code(changed)

    changed.terraform.apply(lambda_zip=str(other_zip), create_live_version="1")
    assert not _ran_other_code(changed)


def test_a_changed_path_is_really_redeployed_and_a_changed_schedule_is_updated(changed: Scenario) -> None:
    stored = changed.fire_and_wait()
    old = changed.latest()
    path = {"api_path_part": "newest"}
    schedule = {"schedule_enabled": "true", "schedule_expression": "rate(5 minutes)"}

    changed.terraform.apply(**path, **schedule)

    assert_latest(old, stored)
    assert changed.latest().status == 403
    moved = Scenario.of(changed.refreshed())
    assert moved.system.api_url.endswith("/dev/newest")
    assert_latest(moved.latest(), stored)
    rule = moved.client("events").describe_rule(Name=moved.system.schedule_rule_name)
    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", "rate(5 minutes)")
    assert_no_drift(moved.plan(**path, **schedule))
