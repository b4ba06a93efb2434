from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness import Endpoint, NotReachedError
from harness.aws import outbox
from harness.stack.resources import Function
from harness.values import Outputs, Resource

if TYPE_CHECKING:
    from collections.abc import Iterator

SECOND = datetime.fromtimestamp(2, UTC)


def emf(**values: object) -> str:
    directive = {
        "Namespace": "shop",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name} for name in values],
    }
    return json.dumps({"_aws": {"CloudWatchMetrics": [directive]}, "service": "orders", **values})


EVENTS = [(2000, "second"), (1000, "first"), (3000, emf(Events=2)), (4000, emf(Events=1, Late=0))]


class FakeStack:
    """A stack with the log of its function `writer`. Events are pairs of milliseconds and message."""

    outputs = Outputs({})
    endpoint = Endpoint(backend="fake", url="http://127.0.0.1:1", region="eu-west-1")
    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def client(self, service: str, _region: str = "") -> Any:  # noqa: ANN401 - a boto3 client
        assert service == "logs"
        return self

    def resources(self, _kind: str = "") -> list[Resource]:
        return []

    def get_paginator(self, operation: str) -> FakeStack:
        assert operation == "filter_log_events"
        return self

    def paginate(self, **given: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3's arguments
        for moment, message in {"/aws/lambda/writer": EVENTS}[given["logGroupName"]]:
            if moment >= given["startTime"]:
                yield {"events": [{"logStreamName": "s", "timestamp": moment, "message": f"{message}\n"}]}


def function(name: str) -> Function:
    address = f"aws_lambda_function.{name}"
    resource = Resource(address=address, type="aws_lambda_function", values={"function_name": name})
    return Function(stack=FakeStack(), resource=resource)


WRITER = function("writer")
SILENT = function("silent")


def test_a_line_that_fits_is_returned() -> None:
    assert WRITER.wait_for_log("^f.rst$", timeout=0) == "first"


def test_a_line_from_before_does_not_count() -> None:
    assert WRITER.wait_for_log("second", timeout=0, since=SECOND) == "second"
    with pytest.raises(NotReachedError, match="a line like 'first' in the log group /aws/lambda/writer"):
        WRITER.wait_for_log("first", timeout=0, since=SECOND)


def test_a_line_that_never_comes_fails_with_the_last_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_begun", 2.0)  # seconds
    with pytest.raises(NotReachedError) as caught:
        WRITER.wait_for_log("moon", timeout=0)
    assert "last seen: ['[1 older line, from before the test]', 'second', " in str(caught.value)

    with pytest.raises(NotReachedError) as caught:
        SILENT.wait_for_log("moon", timeout=0)
    assert not caught.value.last


def test_a_metric_is_summed_up() -> None:
    assert WRITER.wait_for_metric("Events", minimum=3, timeout=0) == 3
    assert WRITER.wait_for_metric("Events", dimensions={"service": "orders"}, timeout=0) == 3
    assert WRITER.wait_for_metric("Events", since=datetime.fromtimestamp(4, UTC), timeout=0) == 1
    assert WRITER.wait_for_metric("Late", minimum=0, timeout=0) == 0


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
    seen = r"shop/Events\{service=orders\} = 3, shop/Late\{service=orders\} = 0"

    with pytest.raises(NotReachedError, match=seen):
        WRITER.wait_for_metric(**wanted, timeout=0)


def test_no_metric_at_all_is_said() -> None:
    with pytest.raises(NotReachedError, match="last seen: no metric"):
        SILENT.wait_for_metric("Events", timeout=0)
