"""The lifecycle of S3, where an emulator carries it out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from harness import eventually
from harness.aws import clients
from harness.terraform.needs import fidelity

if TYPE_CHECKING:
    from harness import Endpoint

BUCKET = "expiry"
# The rule of the system's own bucket, but due already. See terraform/modules/s3/lifecycle.tf.
RULE: dict[str, Any] = {
    "ID": "expire-superseded",
    "Status": "Enabled",
    "Filter": {"Tag": {"Key": "superseded", "Value": "true"}},
    "Expiration": {"Date": datetime(2020, 1, 1, tzinfo=UTC)},
}


def test_superseded_objects_expire_and_no_others(endpoint: Endpoint) -> None:
    if fidelity.levels()["lifecycle of S3"].get(endpoint.backend) != "carried out":
        pytest.skip(f"{endpoint.backend} stores a lifecycle, and does not carry it out")
    s3 = clients.client(endpoint, "s3")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": endpoint.region})
    s3.put_object(Bucket=BUCKET, Key="hello_world_old", Body=b"", Tagging="superseded=true")
    s3.put_object(Bucket=BUCKET, Key="hello_world_new", Body=b"")
    s3.put_object(Bucket=BUCKET, Key="latest.json", Body=b"", Tagging="superseded=false")

    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [RULE]})

    def keys() -> list[str]:
        return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]

    eventually(keys, until=lambda found: len(found) < 3, what="the end of an object", timeout=90)
    assert keys() == ["hello_world_new", "latest.json"]
