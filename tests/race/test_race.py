"""The real protocol on a real S3 API."""

from __future__ import annotations

import os
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from harness.aws import clients
from s3_lambda_api.store import WritableStore
from tests.race import driver
from tests.race.driver import parallel, stepped
from tests.race.history import Operation, shortest, violations
from tests.race.mutants import MUTANTS
from tests.race.plan import LAG, Mix, Task, drawn
from tests.s3 import hide_missing_keys, may_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_s3 import S3Client

    from harness import Endpoint

OPERATIONS = int(os.environ.get("RACE_OPERATIONS", "500"))  # of each of the four runs
SEED = int(os.environ.get("RACE_SEED", str(time.time_ns() % 1_000_000)))
CALM = Mix(operations=OPERATIONS)
ROUGH = Mix(operations=OPERATIONS, damage=0.05, impatient=0.1, brisk=0.4, lag=LAG)


class BucketStore(WritableStore):
    """A store whose pointer can be damaged."""

    def put(self, key: str, body: bytes) -> object:
        return self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def delete(self, key: str) -> object:
        return self._client.delete_object(Bucket=self._bucket, Key=key)


@dataclass(frozen=True, slots=True)
class Site:
    """The client, key and region for the buckets of a test."""

    client: S3Client
    kms_key_arn: str
    region: str

    def store(self) -> BucketStore:
        """Make an empty bucket, with versions as the real one has.

        Without, LocalStack 4.14.0 may lock up: a GET that a DELETE overtakes keeps the object's lock.
        """
        name = f"race-{uuid.uuid4()}"
        self.client.create_bucket(
            Bucket=name,
            CreateBucketConfiguration={"LocationConstraint": self.region},  # type: ignore[typeddict-item]
        )
        self.client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return BucketStore(self.client, name, self.kms_key_arn)


@pytest.fixture(scope="module")
def site(endpoint: Endpoint) -> Site:
    if endpoint.is_aws:
        pytest.skip("thousands of objects in buckets that nobody removes: on emulators only")
    key = clients.client(endpoint, "kms").create_key()["KeyMetadata"]["Arn"]
    client = clients.client(endpoint, "s3")
    hide_missing_keys(client, may_list)
    return Site(client, key, endpoint.region)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mix", [CALM, ROUGH], ids=["calm", "damaged pointers"])
def test_turn_by_turn(site: Site, mix: Mix) -> None:
    plan = drawn(SEED, mix)
    store = site.store()
    history = [*primed(store, mix), *stepped(plan, store, seed=SEED)]
    if violations(history, monotone=mix is CALM):
        pytest.fail(
            f"RACE_SEED={SEED} repeats this. The shortest history:\n{least(site, plan, monotone=mix is CALM)}"
        )
    assert_cheap(history, 3 if mix is ROUGH else 2)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mix", [CALM, ROUGH], ids=["calm", "damaged pointers"])
def test_all_at_once(site: Site, mix: Mix) -> None:
    store = site.store()
    history = [*primed(store, mix), *parallel(drawn(SEED, mix), store, width=8)]
    found = violations(history, monotone=mix is CALM)
    assert not found, f"RACE_SEED={SEED} draws this plan again.\n" + "\n".join(map(str, found[:5]))
    assert_cheap(history, 3 if mix is ROUGH else 2)


@pytest.mark.parametrize("name", ["blind put", "give up"])
def test_a_broken_protocol_is_found_out_here_too(site: Site, name: str) -> None:
    def found(seed: int) -> bool:
        plan = drawn(seed, Mix(operations=150))
        history = stepped(plan, site.store(), seed=seed, conduct=MUTANTS[name])
        return bool(violations(history, monotone=False))

    assert any(map(found, range(10)))


def primed(store: BucketStore, mix: Mix) -> list[Operation]:
    """Write a first object if the pointer must be right at all times."""
    return [driver.primed(store)] if mix is CALM else []


def assert_cheap(history: list[Operation], most: int) -> None:
    """Check that no read made more calls than allowed. An empty bucket takes two."""
    reads = [one for one in history if one.kind == "read"]
    assert reads
    assert max(len(one.calls) for one in reads) <= most


def least(site: Site, plan: list[Task], *, monotone: bool) -> str:
    """Describe the first violation of the shortest plan that still shows one."""

    def seen(fewer: Sequence[Task]) -> list[str]:
        history = stepped(fewer, site.store(), seed=SEED)
        return [str(violation) for violation in violations(history, monotone=monotone)]

    return seen(shortest(plan, lambda fewer: bool(seen(fewer))))[0]
