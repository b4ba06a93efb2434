"""How Lambda hands on a batch of a stream that a function fails on.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    type Record = dict[str, Any]
    type Result = dict[str, Any]

_FOR_EVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a mapping says of failures.

    Attributes:
        retries: How often a failed batch is tried again. -1 for ever.
        halves: Whether a failed batch is split in two.
        reports: Whether the function's answer names the record that failed.
    """

    retries: int = _FOR_EVER
    halves: bool = False
    reports: bool = False

    @classmethod
    def of(cls, mapping: dict[str, Any]) -> Policy:
        """Return the policy of a mapping, as CreateEventSourceMapping takes it."""
        retries = mapping.get("MaximumRetryAttempts")
        return cls(
            retries=_FOR_EVER if retries is None else int(retries),
            halves=bool(mapping.get("BisectBatchOnFunctionError")),
            reports="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
        )


@dataclass(slots=True)
class Progress:
    """How far a function has come in a batch, which comes again while `deliver` returns a failure."""

    _done: set[str] = field(default_factory=set)
    _splits: set[str] = field(default_factory=set)
    _failures: Counter[str] = field(default_factory=Counter)

    def deliver(
        self,
        records: Sequence[Record],
        policy: Policy,
        *,
        invoke: Callable[[list[Record]], Result],
        discard: Callable[[list[Record], Result], None],
    ) -> Result:
        """Invoke the function until all records are done with, or one part has to be tried again later.

        Args:
            records: The batch.
            policy: What the mapping says of failures.
            invoke: Invokes the function with some of the records.
            discard: Takes the records that failed too often, with the last result.
        """
        result: Result = {"body": None, "error": False}
        while part := self._next_part(records):
            result = invoke(part)
            failed = _failed(part, result, policy)
            self._done |= {number_of(each) for each in part if each not in failed}
            if not failed:
                continue
            if len(failed) < len(part):
                self._splits.add(number_of(failed[0]))
            elif policy.halves and len(failed) > 1:
                self._splits.add(number_of(failed[len(failed) // 2]))
                continue
            if not self._is_spent(failed, policy):
                return {**result, "error": True}
            discard(failed, result)
            self._done |= {number_of(each) for each in failed}
        return {**result, "error": False}

    def _next_part(self, records: Sequence[Record]) -> list[Record]:
        """Return the first records that are left, up to a split."""
        part: list[Record] = []
        for record in records:
            number = number_of(record)
            if number in self._done:
                continue
            if part and number in self._splits:
                break
            part.append(record)
        return part

    def _is_spent(self, failed: list[Record], policy: Policy) -> bool:
        first = number_of(failed[0])
        self._failures[first] += 1
        return policy.retries != _FOR_EVER and self._failures[first] > policy.retries


def number_of(record: Record) -> str:
    """Return a record's sequence number."""
    source = record.get("kinesis") or record["dynamodb"]
    return str(source.get("sequenceNumber") or source["SequenceNumber"])


def _failed(part: list[Record], result: Result, policy: Policy) -> list[Record]:
    """Return the records that have to be tried again: all from the first one that failed."""
    if result.get("error"):
        return part
    body = result.get("body")
    named = body.get("batchItemFailures") if policy.reports and isinstance(body, dict) else None
    if not named:
        return []
    numbers = {str(each.get("itemIdentifier")) for each in named}
    first = next((at for at, record in enumerate(part) if number_of(record) in numbers), 0)
    return part[first:]
