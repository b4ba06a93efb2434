"""What `env/prod` has on top: alarms, dead-letter queues, access logs, lifecycle, a replica elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import (
    Endpoint,
    Scenario,
    Settings,
    assert_encrypted,
    assert_latest,
    assert_no_drift,
    deployed_at,
)
from tests.inventory import inventory

ACCOUNT = "333333333333"
VARIABLES = {
    "schedule_enabled": "false",
    "force_destroy": "true",
    "tagging_enabled": "false",  # LocalStack does not give back the tags of alarms, which then look changed
}


@pytest.mark.slow
@pytest.mark.differs("ministack", "MiniStack 1.5.33 gives alarms back changed: a second plan updates them")
def test_production_works_shows_no_drift_and_leaves_nothing(
    harness_settings: Settings, endpoint: Endpoint
) -> None:
    account = replace(endpoint, access_key=ACCOUNT)
    root = harness_settings.terraform_dir.parent / "prod"
    before = inventory(account)

    with deployed_at(replace(harness_settings, terraform_dir=root, variables=VARIABLES), account) as applied:
        prod = Scenario.of(applied)
        stored = prod.fire_and_wait()
        assert_encrypted(stored, key_arn=prod.system.kms_key_arn)
        assert_latest(prod.latest(), stored)
        assert_no_drift(prod.plan())
        assert len(prod.client("cloudwatch").describe_alarms()["MetricAlarms"]) > 5
        assert prod.system.api_url.endswith("/prod/retrieve_most_recent_object_prod")

    assert inventory(account) == before
