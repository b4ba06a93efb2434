"""If somebody destroys production by mistake, it stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, Settings, TerraformError, deployed_at
from harness.aws import reset
from harness.base import process
from tests.system import Scenario, assert_latest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Deployment

pytestmark = pytest.mark.once

ACCOUNT = "444444444444"
GUARD = "module.system.terraform_data.protected"
REGIONS = ("eu-north-1", "eu-west-1")
# What takes long and has nothing to do with it.
WITHOUT_WAITS = {
    "schedule_enabled": "false",
    "api_authorization": "NONE",
    "tagging_enabled": "false",
    "kms_rotation_enabled": "false",
    "dead_letter_queues_enabled": "false",
    "monitoring_enabled": "false",
    "access_logs_enabled": "false",
    "retention": "null",
}


@pytest.fixture
def prod(harness_settings: Settings, endpoint: Endpoint) -> Iterator[Scenario]:
    """Provide production with its protection, which is removed at the end."""
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"takes an account by number: not on the backend {endpoint.backend}")
    root = harness_settings.terraform_dir.parent / "prod"
    settings = replace(harness_settings, terraform_dir=root, variables=WITHOUT_WAITS)
    with deployed_at(settings, replace(endpoint, access_key=ACCOUNT)) as applied:
        try:
            yield Scenario.of(applied)
        finally:
            _unprotect(applied)
            for region, bucket in _buckets(applied).items():
                reset.empty_bucket(_at(applied, region).client("s3"), bucket)


@pytest.mark.slow
def test_a_destroy_of_production_is_refused_and_changes_nothing(prod: Scenario) -> None:
    stored = prod.fire_and_wait()
    before = [_protection(prod, region) for region in REGIONS]

    with pytest.raises(TerraformError, match="Instance cannot be destroyed"):
        prod.terraform.destroy()

    assert [_protection(prod, region) for region in REGIONS] == before
    assert [state["key"] for state in before] == ["Enabled", "Enabled"]
    assert_latest(prod.latest(), stored)

    _unprotect(prod)
    for region, bucket in _buckets(prod).items():
        s3 = _at(prod, region).client("s3")
        s3.put_object(Bucket=bucket, Key=f"hello_world_kept_{region}", Body=b"kept", IfNoneMatch="*")

    with pytest.raises(TerraformError, match="BucketNotEmpty"):
        prod.terraform.destroy()

    # What encrypts an object is there as long as the object is.
    assert [_key_state(prod, region) for region in REGIONS] == ["Enabled", "Enabled"]


def _protection(prod: Deployment, region: str) -> dict[str, object]:
    """Return the protection of the objects in one region."""
    s3, bucket = _at(prod, region).client("s3"), _buckets(prod)[region]
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    return {
        "key": _key_state(prod, region),
        "policy": s3.get_bucket_policy(Bucket=bucket)["Policy"],
        "versioning": s3.get_bucket_versioning(Bucket=bucket)["Status"],
        "encryption": rules,
        "public access": s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
    }


def _key_state(prod: Deployment, region: str) -> str:
    kms = _at(prod, region).client("kms")
    aliases = {alias["AliasName"]: alias for alias in kms.list_aliases()["Aliases"]}
    by_alias = aliases.get("alias/s3_lambda_api_prod")
    keys = [by_alias["TargetKeyId"]] if by_alias else [key["KeyId"] for key in kms.list_keys()["Keys"]]
    (state,) = [kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys]
    return str(state)


def _buckets(prod: Deployment) -> dict[str, str]:
    return dict(zip(REGIONS, (prod.outputs["bucket_name"], prod.outputs["replica_bucket_name"]), strict=True))


def _at(prod: Deployment, region: str) -> Deployment:
    return replace(prod, endpoint=replace(prod.endpoint, region=region))


def _unprotect(prod: Deployment) -> None:
    """Remove the protection as in the runbook, if it is on."""
    terraform = prod.terraform
    if any(resource.address.startswith(GUARD) for resource in terraform.resources()):
        argv = [terraform.program, "state", "rm", GUARD]
        process.run(argv, cwd=terraform.root, env=terraform.environ, timeout=terraform.timeout)
