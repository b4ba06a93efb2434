"""The additions of `env/prod`: alarms, dead-letter queues, access logs, lifecycle, a replica elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from harness import Endpoint, Settings, assert_encrypted, assert_no_drift, deployed_at
from harness.aws import capabilities
from harness.aws.inventory import inventory
from harness.stack.assertions.permissions import assert_invokable
from tests.system import Scenario, assert_latest

if TYPE_CHECKING:
    from harness import Deployment
    from harness.values import StoredObject

pytestmark = pytest.mark.once

ACCOUNT = "333333333333"
HOME, STANDBY = "eu-north-1", "eu-west-1"
VARIABLES = {
    "schedule_enabled": "false",
    "api_authorization": "NONE",
    "force_destroy": "true",
    "deletion_protection": "false",
    "tagging_enabled": "false",  # LocalStack does not give back the tags of alarms, which then look changed
}


@pytest.mark.slow
def test_production_works_shows_no_drift_and_leaves_nothing(
    harness_settings: Settings, endpoint: Endpoint
) -> None:
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"takes an account by number: not on the backend {endpoint.backend}")
    account = replace(endpoint, access_key=ACCOUNT)
    root = harness_settings.terraform_dir.parent / "prod"
    before = _everything(account)

    with deployed_at(replace(harness_settings, terraform_dir=root, variables=VARIABLES), account) as applied:
        prod = Scenario.of(applied)
        stored = prod.fire_and_wait()
        assert_encrypted(stored, key_arn=prod.system.kms_key_arn)
        assert_latest(prod.latest(), stored)
        assert_no_drift(prod.plan())
        assert len(prod.client("cloudwatch").describe_alarms()["MetricAlarms"]) > 5
        assert prod.system.api_url.endswith("/prod/retrieve_most_recent_object_prod")
        _assert_the_standby_serves_replicas(applied, stored)
        created = {region: found - before[region] for region, found in _everything(account).items()}

    assert {
        f"cloudwatch:{name}" for name in ("s3_lambda_api_prod", "s3_lambda_api_prod_unhealthy")
    } <= created[HOME]
    assert "lambda:retrieve_most_recent_object_prod" in created[STANDBY]
    assert _everything(account) == before


def _assert_the_standby_serves_replicas(applied: Deployment, stored: StoredObject) -> None:
    """Read the replica of `stored` in the standby. If the emulator does not replicate, copy it first."""
    there = replace(applied, endpoint=replace(applied.endpoint, region=STANDBY))
    url: str = applied.outputs["standby_api_url"]
    copies = there.bucket("replica_bucket_name")
    if capabilities.missing(applied.endpoint, ["s3_replication"]):
        there.client("s3").put_object(Bucket=copies.name, Key=stored.key, Body=stored.body, IfNoneMatch="*")

    assert copies.wait_for(stored.key).body == stored.body
    assert_latest(there.api_client(url).get(), stored)
    for method in ("GET", "HEAD"):
        assert_invokable(
            there,
            "retrieve_most_recent_object_prod:live",
            by_service="apigateway.amazonaws.com",
            source_arn=_called(url, method),
        )


def _called(url: str, method: str) -> str:
    """Return the ARN of the call by which API Gateway invokes the function behind `url`."""
    host, path = urlsplit(url).netloc, urlsplit(url).path
    stage, _, rest = path.lstrip("/").partition("/")
    return f"arn:aws:execute-api:{STANDBY}:{ACCOUNT}:{host.split('.')[0]}/{stage}/{method}/{rest}"


def _everything(account: Endpoint) -> dict[str, set[str]]:
    return {region: inventory(replace(account, region=region)) for region in (HOME, STANDBY)}
