"""The assertions on the deployed system: each passes where it should, and fails where it should."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from harness import ExpectationError, NotReachedError
from harness.aws import clients
from harness.stack.assertions import assert_nothing_left
from harness.stack.assertions.encryption import Enforcement, assert_bucket_encrypted
from harness.stack.assertions.permissions import assert_invokable
from tests.iam.roles import EVERYTHING, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Endpoint
    from harness.stack.resources import Function
    from tests.system import Scenario

pytestmark = pytest.mark.anywhere

API_GATEWAY = "apigateway.amazonaws.com"
EVENTBRIDGE = "events.amazonaws.com"
SOON = 1.0  # seconds: what does not hold now won't hold later either


@contextmanager
def other_bucket(scenario: Scenario, *, key_arn: str = "", policy: str = "") -> Iterator[str]:
    """Provide a bucket outside of the stack, with an optional default encryption and policy."""
    s3, bucket = scenario.client("s3"), f"other-{uuid4().hex[:12]}"
    s3.create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": scenario.endpoint.region}
    )
    try:
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
        if key_arn:
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        if policy:
            s3.put_bucket_policy(Bucket=bucket, Policy=policy.replace("BUCKET", bucket))
        yield bucket
        assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    finally:
        s3.delete_bucket_policy(Bucket=bucket)
        s3.delete_bucket(Bucket=bucket)


def writer(scenario: Scenario) -> Function:
    return scenario.function("create_function_name")


def rule_arn(scenario: Scenario, rule: str) -> str:
    described = scenario.client("events").describe_rule(
        Name=rule, EventBusName=scenario.system.event_bus_name
    )
    return str(described["Arn"])


def test_the_stacks_bucket_is_encrypted_and_nothing_is_left_of_the_proof(scenario: Scenario) -> None:
    system = scenario.system

    found = assert_bucket_encrypted(scenario, system.bucket_name, key_arn=system.kms_key_arn)

    assert found in Enforcement
    assert "Versions" not in scenario.client("s3").list_object_versions(Bucket=system.bucket_name)


@pytest.mark.requires("bucket_policy_enforcement")
def test_where_policies_bind_the_encryption_is_enforced(scenario: Scenario) -> None:
    system = scenario.system

    with user(scenario.endpoint, [EVERYTHING]) as administrator:
        bound = replace(scenario, endpoint=administrator)
        found = assert_bucket_encrypted(bound, system.bucket_name, key_arn=system.kms_key_arn)

    assert found is Enforcement.ENFORCED


def test_another_key_than_the_buckets_own_fails(scenario: Scenario) -> None:
    system = scenario.system

    with pytest.raises(ExpectationError, match=r"default encryption of .*'aws:kms', 'arn:.*other'"):
        assert_bucket_encrypted(
            scenario, system.bucket_name, key_arn=f"{system.kms_key_arn}other", timeout=SOON
        )


def test_a_bucket_that_leaves_encryption_to_s3_fails(scenario: Scenario) -> None:
    key_arn = scenario.system.kms_key_arn

    with other_bucket(scenario) as bucket, pytest.raises(ExpectationError, match="default encryption of"):
        assert_bucket_encrypted(scenario, bucket, key_arn=key_arn, timeout=SOON)


def test_a_bucket_that_takes_any_encryption_that_is_asked_for_fails(scenario: Scenario) -> None:
    key_arn = scenario.system.kms_key_arn
    told = "with AES256: expected 'a denial', got 'no policy'"

    with other_bucket(scenario, key_arn=key_arn) as bucket, pytest.raises(ExpectationError, match=told):
        assert_bucket_encrypted(scenario, bucket, key_arn=key_arn, timeout=SOON)


def test_a_policy_that_denies_every_put_is_no_proof_of_encryption(scenario: Scenario) -> None:
    key_arn = scenario.system.kms_key_arn
    closed = {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject"}
    policy = json.dumps(
        {"Version": "2012-10-17", "Statement": {**closed, "Resource": "arn:aws:s3:::BUCKET/*"}}
    )

    with other_bucket(scenario, key_arn=key_arn, policy=policy) as bucket:
        with pytest.raises(ExpectationError, match="without a header"):
            assert_bucket_encrypted(scenario, bucket, key_arn=key_arn, timeout=SOON)


def test_each_function_is_invokable_by_what_calls_it(scenario: Scenario) -> None:
    system = scenario.system
    called = f"{system.api_execution_arn}/{system.api_stage}/GET{system.api_path}"

    assert_invokable(scenario, system.retrieve_function_arn, by_service=API_GATEWAY, source_arn=called)
    for rule in (system.on_demand_rule_name, system.schedule_rule_name):
        source_arn = rule_arn(scenario, rule)
        assert_invokable(scenario, system.create_function_arn, by_service=EVENTBRIDGE, source_arn=source_arn)


def test_a_wrong_source_or_service_fails_with_what_is_permitted(scenario: Scenario) -> None:
    system = scenario.system
    right = rule_arn(scenario, system.on_demand_rule_name)

    for service, source in ((EVENTBRIDGE, f"{right}_of_somebody_else"), (API_GATEWAY, right)):
        with pytest.raises(ExpectationError, match=f"by {service} for {source}") as failure:
            assert_invokable(
                scenario, system.create_function_arn, by_service=service, source_arn=source, timeout=SOON
            )
        assert any(right in permission for permission in failure.value.got)  # type: ignore[attr-defined]


def test_the_permission_is_the_aliass_and_not_the_functions(scenario: Scenario) -> None:
    system = scenario.system
    source_arn = rule_arn(scenario, system.on_demand_rule_name)

    with pytest.raises(ExpectationError, match=f"policy of {system.create_function_name}: expected"):
        assert_invokable(
            scenario,
            system.create_function_name,
            by_service=EVENTBRIDGE,
            source_arn=source_arn,
            timeout=SOON,
        )


def test_a_function_that_is_not_there_is_named(scenario: Scenario) -> None:
    with pytest.raises(ExpectationError, match="function to invoke: expected 'nowhere'"):
        assert_invokable(scenario, "nowhere", by_service=EVENTBRIDGE, source_arn="a:b:c:d::e", timeout=SOON)


def test_a_line_of_the_log_is_waited_for_and_returned(scenario: Scenario) -> None:
    begun = datetime.now(UTC)
    event = scenario.fire()

    line = writer(scenario).wait_for_log(rf'"recorded".*{event.id}', since=begun)

    assert json.loads(line)["correlation_id"] == event.id


def test_a_line_that_never_comes_fails_with_the_last_lines(scenario: Scenario) -> None:
    function = writer(scenario)
    function.wait_for_log(scenario.fire().id)

    with pytest.raises(NotReachedError, match=f"a line like 'the moon' in .*{function.name}") as failure:
        function.wait_for_log("the moon", timeout=SOON)

    assert "recorded" in str(failure.value)


def test_a_line_from_before_does_not_count_since_a_later_moment(scenario: Scenario) -> None:
    function = writer(scenario)
    function.wait_for_log(scenario.fire().id)

    with pytest.raises(NotReachedError, match="a line like"):
        function.wait_for_log("recorded", since=datetime.now(UTC) + timedelta(minutes=1), timeout=SOON)


def test_the_metrics_of_the_writer_are_emitted(scenario: Scenario) -> None:
    begun = datetime.now(UTC)
    for _ in range(2):
        scenario.fire_and_wait()

    assert writer(scenario).wait_for_metric("ObjectsWritten", minimum=2, since=begun) == 2


def test_a_metric_that_is_not_emitted_fails_with_those_that_are(scenario: Scenario) -> None:
    function, begun = writer(scenario), datetime.now(UTC)
    scenario.fire()
    function.wait_for_metric("Events", since=begun)

    with pytest.raises(NotReachedError, match=r"metric RejectedEvents .*/Events\{.*\} = 1"):
        function.wait_for_metric("RejectedEvents", since=begun, timeout=SOON)
    with pytest.raises(NotReachedError, match="metric Events of at least 2"):
        function.wait_for_metric("Events", minimum=2, since=begun, timeout=SOON)
    with pytest.raises(NotReachedError, match="metric Events"):
        function.wait_for_metric("Events", dimensions={"service": "other"}, since=begun, timeout=SOON)


def test_what_is_left_is_named_and_what_was_there_before_is_not(endpoint: Endpoint) -> None:
    account = replace(endpoint, access_key="555555555555")
    sqs, name = clients.client(account, "sqs"), f"left-{uuid4().hex[:12]}"
    with assert_nothing_left(account):
        pass

    with (
        pytest.raises(NotReachedError, match="the end of everything") as failure,
        assert_nothing_left(account, timeout=SOON),
    ):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]

    assert failure.value.last == [f"sqs:{url}"]
    with assert_nothing_left(account):
        sqs.delete_queue(QueueUrl=url)
