"""The request log has each call that the emulator has answered, with its caller."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness import eventually
from harness.aws.calls import RequestLog, calls_in

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Deployment, Endpoint
    from harness.aws.calls import Call
    from tests.system import Scenario


@pytest.fixture(autouse=True)
def _log(endpoint: Endpoint) -> None:
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"the backend {endpoint.backend} need not keep a request log")


def runs(scenario: Scenario) -> list[Call]:
    """Return the ended runs of the function that writes objects."""
    named = scenario.system
    arn = f"arn:aws:lambda:{named.region}:{named.account_id}:function:{named.create_function_name}"
    return scenario.calls(service="lambda-runtime", operation="Invocation", resource=arn)


def test_each_call_of_a_function_names_it_and_its_invocation(scenario: Scenario) -> None:
    scenario.fire_and_wait()
    (run,) = eventually(lambda: runs(scenario), what="the function's end")

    written = scenario.calls(
        service="s3", operation="PutObject", by="function:create_encrypted_timestamp_dev"
    )

    assert {call.request_id for call in written} == {run.request_id}
    assert all(call.concerns(f"arn:aws:s3:::{scenario.system.bucket_name}") for call in written)
    assert all(call.concerns(scenario.system.kms_key_arn) for call in written)
    assert [call for call in written if not call.succeeded] == []


def test_a_read_of_the_latest_object_takes_two_calls_and_the_test_that_asked_is_named(
    scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    scenario.fire_and_wait()
    scenario.latest()

    read = scenario.calls(service="s3", by="function:retrieve_most_recent_object_dev")
    (asked,) = scenario.calls(service="execute-api", by=f"test:{request.node.nodeid}")

    assert [call.operation for call in read] == ["GetObject", "GetObject"]
    assert (asked.operation, asked.status) == ("Invoke", 200)


def test_what_was_refused_has_its_error_code(stack: Deployment, request: pytest.FixtureRequest) -> None:
    s3 = stack.client("s3")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="no-such-bucket")

    (call,) = stack.calls(by=f"test:{request.node.nodeid}", resource="arn:aws:s3:::no-such-bucket")

    assert (call.operation, call.status, call.error) == ("ListObjectsV2", 404, "NoSuchBucket")


def test_terraform_and_the_harness_itself_are_told_apart_from_tests(scenario: Scenario) -> None:
    scenario.fire_and_wait()
    scenario.plan()

    assert scenario.calls(by="terraform", service="lambda", operation="GetFunction")
    assert {call.service for call in scenario.calls(by="harness")} >= {"s3"}  # the stack was emptied
    assert scenario.calls(by="unknown") == []


def test_the_file_of_a_run_has_the_format_that_is_documented(endpoint: Endpoint, tmp_path: Path) -> None:
    RequestLog.of(endpoint).save(tmp_path / "calls.jsonl")

    lines = (tmp_path / "calls.jsonl").read_text("utf-8").splitlines()

    assert json.loads(lines[0]) == {"format": "harness-request-log", "version": 1}
    assert len(list(calls_in(lines))) == len(lines) - 1
