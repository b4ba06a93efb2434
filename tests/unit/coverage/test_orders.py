"""The example `orders`, with MiniStack's log of its tests, against hand-made truth tables.

`orders/` has the log, with the first and last of repeated calls, and the necessary parts of the state.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws import capabilities
from harness.calls import calls_in
from harness.coverage import Level
from harness.coverage.measured import coverage_of
from harness.permissions import assert_least_privilege
from harness.terraform import state
from harness.values import Outputs

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.calls import Call

CREATED, UNKNOWN, USED, ASSERTED = Level
HELD = Path(__file__).with_name("orders")
PROJECT = Path(__file__).parents[3] / "examples" / "orders"
POLICY = "aws_iam_role_policy.function"
# A message was sent, the function stored it, and the test read the item. This log has no deliveries, so
# nobody knows what reached the other queue, or was written to a log. MiniStack does not check Lambda's own
# permissions either.
FIRST_TEST = {
    "aws_lambda_function.orders": USED,
    "aws_lambda_function.orders environment TABLE_NAME": UNKNOWN,
    "aws_lambda_event_source_mapping.orders": UNKNOWN,
    "aws_cloudwatch_log_group.function": UNKNOWN,
    "aws_sqs_queue.orders": USED,
    "aws_sqs_queue.failed": UNKNOWN,
    "aws_dynamodb_table.orders": ASSERTED,
    "aws_iam_role.function": USED,
    POLICY: USED,
    f"{POLICY} statement TakeOrders": UNKNOWN,
    f"{POLICY} statement StoreOrders": USED,
    f"{POLICY} statement WriteOwnLog": UNKNOWN,
    "output.queue_url": UNKNOWN,
    "output.failed_queue_url": UNKNOWN,
    "output.table_name": UNKNOWN,
    "output.function_name": UNKNOWN,
}
# The others read the queue of failed messages, and one reads the function's log.
ALL_TESTS = {**FIRST_TEST, "aws_sqs_queue.failed": USED, "aws_cloudwatch_log_group.function": USED}
NO_TEST = {
    **dict.fromkeys(FIRST_TEST, UNKNOWN),
    "aws_lambda_function.orders": CREATED,
    "aws_lambda_function.orders environment TABLE_NAME": CREATED,
    "aws_dynamodb_table.orders": CREATED,
}


def stack(calls: list[Call]) -> Any:  # noqa: ANN401 - stands for a Deployment
    """Return the stack with these calls."""
    told = HELD / "state.json"
    terraform = SimpleNamespace(
        resources=lambda: state.resources(told), outputs=lambda: Outputs(state.outputs(told))
    )
    return SimpleNamespace(endpoint=None, terraform=terraform, calls=lambda since: calls)  # noqa: ARG005


def until(test: str) -> list[Call]:
    """Return the calls before those of a test, or all calls if there is no such test."""
    calls = list(calls_in((HELD / "calls.jsonl").read_text("utf-8").splitlines()))
    first = next((n for n, call in enumerate(calls) if call.by.endswith(f"::{test}")), len(calls))
    return calls[:first]


@pytest.fixture(autouse=True)
def _enforces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "missing", lambda *_: [])


def levels(calls: list[Call]) -> dict[str, Level]:
    found = coverage_of(stack(calls), PROJECT / "terraform", PROJECT, since=0)
    assert all(each.file for each in found.items)
    return {each.address: each.level for each in found.items}


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (lambda: until("none"), ALL_TESTS),
        (lambda: until("test_the_same_message_twice_is_one_item"), FIRST_TEST),
        (lambda: until("test_a_message_becomes_an_item"), NO_TEST),
    ],
    ids=["all tests", "the first test", "no test"],
)
def test_each_item_has_the_level_that_a_person_would_give_it(
    calls: Callable[[], list[Call]], expected: dict[str, Level]
) -> None:
    assert levels(calls()) == expected


def test_the_roles_policy_is_minimal() -> None:
    assert_least_privilege(stack(until("none")))
