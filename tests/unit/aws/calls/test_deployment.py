from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from harness import Deployment, Endpoint
from harness.aws.calls import Call, RequestLog
from harness.base import caller
from harness.values import Outputs

if TYPE_CHECKING:
    from harness.terraform.commands import Terraform


def call(operation: str, second: int = 0, account: str = "000000000000", by: str = "terraform") -> Call:
    moment = datetime(2026, 11, 29, 12, 0, second, tzinfo=UTC)
    resources = (f"arn:aws:s3:::{operation.lower()}/k",)
    return Call(time=moment, by=by, service="s3", operation=operation, account=account, resources=resources)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    made = (
        call("CreateBucket", 0),
        call("PutObject", 5, by="function:writer"),
        call("GetObject", 6, by="function:reader"),
        call("HeadObject", 7, account="111111111111"),
        replace(call("Invoke", 8, account=""), service="execute-api"),
    )
    monkeypatch.setattr(RequestLog, "calls", lambda _: made)
    monkeypatch.setattr(caller, "_CURRENT", [caller.Caller("harness")])
    endpoint = Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1")
    return Deployment(endpoint=endpoint, terraform=cast("Terraform", None), outputs=Outputs({}))


def operations(calls: list[Call]) -> list[str]:
    return [each.operation for each in calls]


def test_a_stack_has_the_calls_of_its_own_account_and_those_that_name_none(stack: Deployment) -> None:
    other = replace(stack, endpoint=replace(stack.endpoint, access_key="111111111111"))

    assert operations(stack.calls()) == ["CreateBucket", "PutObject", "GetObject", "Invoke"]
    assert operations(other.calls()) == ["HeadObject", "Invoke"]


def test_calls_are_found_by_service_operation_caller_and_resource(stack: Deployment) -> None:
    assert operations(stack.calls(service="execute-api")) == ["Invoke"]
    assert operations(stack.calls(operation="GetObject")) == ["GetObject"]
    assert operations(stack.calls(by="function:writer")) == ["PutObject"]
    assert operations(stack.calls(resource="arn:aws:s3:::putobject")) == ["PutObject"]
    assert stack.calls(by="function:writer", operation="GetObject") == []


def test_by_default_they_are_those_since_the_test_began(
    stack: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = call("", 6).time.timestamp()
    monkeypatch.setattr(caller, "_CURRENT", [caller.Caller("test:t", begun)])

    assert operations(stack.calls()) == ["GetObject", "Invoke"]
    assert "CreateBucket" in operations(stack.calls(since=0))
