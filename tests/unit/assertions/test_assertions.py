from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import (
    ApiResponse,
    Change,
    Endpoint,
    ExpectationError,
    NotReachedError,
    StoredObject,
    assert_encrypted,
    assert_no_drift,
    assertions,
)
from harness.assertions import assert_nothing_left, wait_for_log, wait_for_metric
from harness.aws import outbox
from tests.system import assert_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import Deployment

STORED = StoredObject(key="k", body=b"hello", etag='"1"', encryption="aws:kms", kms_key="arn:key")
RESPONSE = ApiResponse(status=200, headers={}, body=b"hello", elapsed=0.1)


def test_what_is_right_passes() -> None:
    assert_encrypted(STORED, key_arn="arn:key")
    assert_latest(RESPONSE, STORED)
    assert_no_drift([])


@pytest.mark.parametrize(
    "stored",
    [
        replace(STORED, encryption=""),
        replace(STORED, encryption="AES256"),
        replace(STORED, kms_key="arn:other"),
        replace(STORED, kms_key=""),
    ],
)
def test_another_encryption_or_key_fails(stored: StoredObject) -> None:
    with pytest.raises(ExpectationError, match=r"of k: expected '(aws:kms|arn:key)', got"):
        assert_encrypted(stored, key_arn="arn:key")


@pytest.mark.parametrize("response", [replace(RESPONSE, status=404), replace(RESPONSE, body=b"older")])
def test_another_answer_fails(response: ApiResponse) -> None:
    with pytest.raises(ExpectationError, match="of the API: expected"):
        assert_latest(response, STORED)


def test_any_change_is_drift() -> None:
    with pytest.raises(ExpectationError, match="aws_s3_bucket"):
        assert_no_drift([Change(address="aws_s3_bucket.this", action="update")])


@dataclass
class Logs:
    """The logs of functions in memory: pairs of milliseconds and message."""

    events: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    exceptions: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(ResourceNotFoundException=KeyError)
    )

    def lost(self) -> Callable[[], str]:
        return str

    def client(self, service: str) -> Logs:
        assert service == "logs"
        return self

    def get_paginator(self, operation: str) -> Logs:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **given: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3's arguments
        for moment, message in self.events[given["logGroupName"].removeprefix("/aws/lambda/")]:
            if moment >= given["startTime"]:
                yield {"events": [{"logStreamName": "s", "timestamp": moment, "message": f"{message}\n"}]}


def emf(**values: object) -> str:
    directive = {
        "Namespace": "shop",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name} for name in values],
    }
    return json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, "service": "orders", **values})


LOGS = cast(
    "Deployment",
    Logs(
        {"writer": [(2000, "second"), (1000, "first"), (3000, emf(Events=2)), (4000, emf(Events=1, Late=0))]}
    ),
)
SECOND = datetime.fromtimestamp(2, UTC)


def test_a_line_that_fits_is_returned() -> None:
    assert wait_for_log(LOGS, "writer", "^f.rst$", timeout=0) == "first"


def test_a_line_from_before_does_not_count() -> None:
    assert wait_for_log(LOGS, "writer", "second", timeout=0, since=SECOND) == "second"
    with pytest.raises(NotReachedError, match="a line like 'first' in the log of writer"):
        wait_for_log(LOGS, "writer", "first", timeout=0, since=SECOND)


def test_a_line_that_never_comes_fails_with_the_last_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_begun", 2.0)  # seconds
    with pytest.raises(NotReachedError) as caught:
        wait_for_log(LOGS, "writer", "moon", timeout=0)
    assert caught.value.__notes__[0].startswith(
        "log of writer:\n  [1 older line, from before the test]\n  second\n"
    )

    with pytest.raises(NotReachedError) as caught:
        wait_for_log(LOGS, "nowhere", "moon", timeout=0)
    assert caught.value.__notes__ == ["log of nowhere:\n  empty"]


def test_a_metric_is_summed_up() -> None:
    assert wait_for_metric(LOGS, "writer", "Events", minimum=3, timeout=0) == 3
    assert wait_for_metric(LOGS, "writer", "Events", dimensions={"service": "orders"}, timeout=0) == 3
    assert wait_for_metric(LOGS, "writer", "Events", since=datetime.fromtimestamp(4, UTC), timeout=0) == 1
    assert wait_for_metric(LOGS, "writer", "Late", minimum=0, timeout=0) == 0


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "Events", "minimum": 4},
        {"name": "Orders"},
        {"name": "Orders", "minimum": 0},
        {"name": "Events", "dimensions": {}},
        {"name": "Events", "dimensions": {"service": "other"}},
    ],
)
def test_a_metric_that_is_not_reached_fails_with_those_that_were_seen(wanted: dict[str, Any]) -> None:
    with pytest.raises(
        NotReachedError, match=r"shop/Events\{service=orders\} = 3, shop/Late\{service=orders\} = 0"
    ):
        wait_for_metric(LOGS, "writer", **wanted, timeout=0)


def test_no_metric_at_all_is_said() -> None:
    with pytest.raises(NotReachedError, match="last seen: no metric"):
        wait_for_metric(LOGS, "nowhere", "Events", timeout=0)


def test_only_what_was_not_there_before_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    account = Endpoint(backend="any", url="http://any", region="eu-north-1")
    monkeypatch.setattr(assertions, "inventory", lambda *_, **__: {"s3:old", "sqs:new", "kms:new"})

    assert_nothing_left(account, before={"s3:old", "sqs:new", "kms:new", "iam:gone"}, timeout=0)
    with pytest.raises(NotReachedError) as caught:
        assert_nothing_left(account, before={"s3:old"}, timeout=0)
    assert caught.value.last == ["kms:new", "sqs:new"]
