"""The examples, with MiniStack's logs of their tests, against hand-made truth tables.

`examples/` has the logs, with the first and last of repeated calls, and the necessary parts of the states.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness.aws import capabilities
from harness.aws.calls import calls_in
from harness.coverage import Level
from harness.coverage.measured import coverage_of
from harness.permissions import assert_least_privilege
from harness.terraform import state
from harness.values import Outputs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from harness.aws.calls import Call

CREATED, UNKNOWN, USED, ASSERTED = Level
LOGS = Path(__file__).with_name("examples")
PROJECTS = Path(__file__).parents[3] / "examples"
POLICY = "aws_iam_role_policy.function"
API = "aws_apigatewayv2"

# These logs have no deliveries between services, so nobody knows whether one reached a queue, a topic or a
# log that no test has called. MiniStack does not check Lambda's own permissions, and only the roles of
# functions are known.
TABLES = {
    # Messages are sent, the function stores them, and tests read the items, the failed messages, and the log.
    "orders": {
        "aws_lambda_function.orders": USED,
        "aws_lambda_function.orders environment TABLE_NAME": USED,
        "aws_lambda_event_source_mapping.orders": UNKNOWN,
        "aws_cloudwatch_log_group.function": USED,
        "aws_sqs_queue.orders": USED,
        "aws_sqs_queue.failed": USED,
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
    },
    # The workflow runs `weigh`, and `label` by the topic.
    "shipping": {
        "aws_sfn_state_machine.ship": USED,
        'aws_lambda_function.shipping["weigh"]': USED,
        'aws_lambda_function.shipping["label"]': USED,
        "aws_sns_topic.shipped": UNKNOWN,
        "aws_sns_topic_subscription.label": UNKNOWN,
        "aws_lambda_permission.topic": UNKNOWN,
        "aws_iam_role.functions": UNKNOWN,
        "aws_iam_role_policy_attachment.logs": UNKNOWN,
        "aws_iam_role.workflow": UNKNOWN,
        "aws_iam_role_policy.workflow": UNKNOWN,
        "aws_iam_role_policy.workflow statement 1": UNKNOWN,
        "aws_iam_role_policy.workflow statement 2": UNKNOWN,
    },
    # The tests have answers of the route, and one that no route takes.
    "greetings": {
        "aws_lambda_function.greet": USED,
        f"{API}_api.greetings": ASSERTED,
        f"{API}_integration.greet": ASSERTED,
        f"{API}_route.greet": ASSERTED,
        f"{API}_stage.default": ASSERTED,
        "aws_lambda_permission.api": UNKNOWN,
        "aws_iam_role.greet": UNKNOWN,
        "aws_iam_role_policy_attachment.logs": UNKNOWN,
        "output.url": UNKNOWN,
    },
    # The tests have the function's answers.
    "words": {
        "aws_lambda_function.words": ASSERTED,
        "aws_iam_role.words": UNKNOWN,
        "aws_iam_role_policy_attachment.logs": UNKNOWN,
    },
}
# By the example and the tests that are deleted: all levels that change.
DELETED: list[tuple[str, Collection[str], dict[str, Level]]] = [
    ("orders", ["test_a_message_becomes_an_item"], {}),  # others send messages too
    (
        "orders",
        ["test_a_poison_message_is_set_aside_and_its_neighbours_are_stored"],
        {"aws_cloudwatch_log_group.function": UNKNOWN},
    ),
    ("shipping", ["test_a_light_order_gets_a_label"], {'aws_lambda_function.shipping["label"]': CREATED}),
    ("shipping", ["test_a_heavy_order_is_refused"], {}),
    ("shipping", ["test_an_order_of_what_is_not_sold_stops_where_it_is_weighed"], {}),
    (
        "greetings",
        ["test_a_name_is_greeted_in_the_language_of_the_query"],
        # A refusal with 400 is left. It passed the route, but perhaps not the integration.
        {
            f"{API}_api.greetings": USED,
            f"{API}_integration.greet": CREATED,
            f"{API}_route.greet": USED,
            f"{API}_stage.default": USED,
        },
    ),
    ("greetings", ["test_a_language_that_is_unknown_is_the_callers_mistake"], {}),
    ("greetings", ["test_the_api_has_no_other_route"], {}),
    ("words", ["test_words_are_counted"], {}),
    (
        "words",
        ["test_words_are_counted", "test_what_is_no_text_is_an_error_and_the_next_text_is_counted"],
        {},
    ),
]
WITHOUT_TESTS = {
    "orders": {
        **dict.fromkeys(TABLES["orders"], UNKNOWN),
        "aws_lambda_function.orders": CREATED,
        "aws_lambda_function.orders environment TABLE_NAME": CREATED,
        "aws_dynamodb_table.orders": CREATED,
    },
    "shipping": {
        **TABLES["shipping"],
        "aws_sfn_state_machine.ship": UNKNOWN,
        'aws_lambda_function.shipping["weigh"]': CREATED,
        'aws_lambda_function.shipping["label"]': CREATED,
    },
    "greetings": {
        address: UNKNOWN if level is UNKNOWN else CREATED for address, level in TABLES["greetings"].items()
    },
    "words": {**TABLES["words"], "aws_lambda_function.words": CREATED},
}


def stack(example: str, calls: list[Call]) -> Any:  # noqa: ANN401 - stands for a Deployment
    """Return the stack of an example with these calls."""
    file = LOGS / example / "state.json"
    terraform = SimpleNamespace(
        resources=lambda: state.resources(file), outputs=lambda: Outputs(state.outputs(file))
    )
    return SimpleNamespace(endpoint=None, terraform=terraform, calls=lambda since: calls)  # noqa: ARG005


def segments(example: str) -> Iterator[tuple[str, list[Call]]]:
    """Yield the calls during each test, and after the last one, with the test's name."""
    lines = (LOGS / example / "calls.jsonl").read_text("utf-8").splitlines()
    waiting: list[Call] = []
    for by, calls in itertools.groupby(calls_in(lines), key=lambda call: call.by):
        waiting += calls
        if by.startswith("test:"):
            yield by.rpartition("::")[2].partition("[")[0], waiting
            waiting = []
    yield "", waiting


def calls_without(example: str, tests: Collection[str]) -> list[Call]:
    """Return the calls of an example without those during some tests."""
    return [call for test, calls in segments(example) if test not in tests for call in calls]


@pytest.fixture(autouse=True)
def _enforces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "missing", lambda *_: [])


def levels(example: str, calls: list[Call]) -> dict[str, Level]:
    project = PROJECTS / example
    found = coverage_of(stack(example, calls), project / "terraform", project, since=0)
    assert all(each.file for each in found.items)
    return {each.address: each.level for each in found.items}


@pytest.mark.parametrize("example", TABLES)
def test_each_item_has_the_level_that_a_person_would_give_it(example: str) -> None:
    assert levels(example, calls_without(example, [])) == TABLES[example]


@pytest.mark.parametrize(("example", "tests", "changes"), DELETED)
def test_deleting_a_test_turns_what_it_alone_has_used(
    example: str, tests: Collection[str], changes: dict[str, Level]
) -> None:
    calls = calls_without(example, tests)

    assert len(calls) < len(calls_without(example, []))
    assert levels(example, calls) == TABLES[example] | changes


@pytest.mark.parametrize("example", TABLES)
def test_without_a_test_nothing_is_used(example: str) -> None:
    every = {test for test, _ in segments(example)}

    assert levels(example, calls_without(example, every)) == WITHOUT_TESTS[example]


def test_the_roles_policy_is_minimal() -> None:
    assert_least_privilege(stack("orders", calls_without("orders", [])))
