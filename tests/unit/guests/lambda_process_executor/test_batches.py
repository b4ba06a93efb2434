"""How batches of streams are handed on after failures."""

from __future__ import annotations

from typing import Any

import pytest
from lambda_process_executor.batches import Policy, Progress, number_of


def records(*numbers: int) -> list[dict[str, Any]]:
    return [{"kinesis": {"sequenceNumber": str(number)}} for number in numbers]


class Consumer:
    """A function that fails on any batch with a poisoned record, and notes each batch."""

    def __init__(self, *poison: int, names_it: bool = False) -> None:
        self.poison, self.names_it = set(map(str, poison)), names_it
        self.batches: list[list[int]] = []
        self.discarded: list[list[int]] = []
        self.progress = Progress()

    def invoke(self, part: list[dict[str, Any]]) -> dict[str, Any]:
        self.batches.append([int(number_of(record)) for record in part])
        bad = [number_of(record) for record in part if number_of(record) in self.poison]
        if self.names_it:
            failures = [{"itemIdentifier": number} for number in bad]
            return {"error": False, "body": {"batchItemFailures": failures}}
        return {"error": bool(bad), "body": None}

    def discard(self, part: list[dict[str, Any]], _result: dict[str, Any]) -> None:
        self.discarded.append([int(number_of(record)) for record in part])

    def takes(self, policy: Policy) -> bool:
        """Deliver three records, and return whether all are done with."""
        result = self.progress.deliver(records(1, 2, 3), policy, invoke=self.invoke, discard=self.discard)
        return not result["error"]


def test_a_batch_without_a_failure_comes_whole() -> None:
    consumer = Consumer()

    assert consumer.takes(Policy())
    assert consumer.batches == [[1, 2, 3]]


def test_a_batch_is_tried_again_for_ever_by_default() -> None:
    consumer = Consumer(2)

    assert not any(consumer.takes(Policy()) for _ in range(5))
    assert consumer.batches == [[1, 2, 3]] * 5
    assert not consumer.discarded


def test_a_batch_that_failed_too_often_is_discarded() -> None:
    consumer = Consumer(2)

    assert [consumer.takes(Policy(retries=2)) for _ in range(3)] == [False, False, True]
    assert consumer.discarded == [[1, 2, 3]]


def test_halves_leave_only_the_poison_and_do_not_count_as_retries() -> None:
    consumer = Consumer(2)

    assert [consumer.takes(Policy(retries=1, halves=True)) for _ in range(2)] == [False, True]
    assert consumer.batches == [[1, 2, 3], [1], [2, 3], [2], [2], [3]]
    assert consumer.discarded == [[2]]


def test_the_record_that_the_function_names_is_tried_again_with_those_after_it() -> None:
    consumer = Consumer(2, names_it=True)

    assert not consumer.takes(Policy(reports=True))
    assert not consumer.takes(Policy(reports=True))
    consumer.poison = set()
    assert consumer.takes(Policy(reports=True))
    assert consumer.batches == [[1, 2, 3], [2, 3], [2, 3]]


def test_names_count_only_if_the_mapping_says_so() -> None:
    assert Consumer(2, names_it=True).takes(Policy())


@pytest.mark.parametrize(
    ("mapping", "policy"),
    [
        ({}, Policy()),
        ({"MaximumRetryAttempts": 0, "BisectBatchOnFunctionError": True}, Policy(retries=0, halves=True)),
        (
            {"MaximumRetryAttempts": -1, "FunctionResponseTypes": ["ReportBatchItemFailures"]},
            Policy(reports=True),
        ),
    ],
)
def test_a_policy_is_read_from_its_mapping(mapping: dict[str, Any], policy: Policy) -> None:
    assert Policy.of(mapping) == policy


def test_a_record_of_a_table_has_a_number_too() -> None:
    assert number_of({"dynamodb": {"SequenceNumber": "7"}}) == "7"
