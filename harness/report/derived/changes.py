"""The changes made by each action of a test, derived from the AWS calls during it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.base.telemetry.actions import Action
    from harness.report.results import AwsCall, Part, TestResult

# The effect of a call. `{name}` is the resource, `{inner}` the part of it.
_EFFECTS: Mapping[str, str] = {
    "dynamodb BatchWriteItem": "items written to or deleted from the table {name}",
    "dynamodb DeleteItem": "- item of the table {name}",
    "dynamodb PutItem": "+ item in the table {name}",
    "dynamodb TransactWriteItems": "items written to or deleted from the table {name}",
    "dynamodb UpdateItem": "item of the table {name} updated",
    "kinesis PutRecord": "+ record in the stream {name}",
    "kinesis PutRecords": "+ records in the stream {name}",
    "s3 CompleteMultipartUpload": "+ object {inner} in the bucket {name}",
    "s3 CopyObject": "+ object {inner} in the bucket {name}",
    "s3 DeleteObject": "- object {inner} of the bucket {name}",
    "s3 DeleteObjects": "- objects of the bucket {name}",
    "s3 PutObject": "+ object {inner} in the bucket {name}",
    "secretsmanager PutSecretValue": "value of the secret {name} written",
    "sns Publish": "+ message to the topic {name}",
    "sns PublishBatch": "+ messages to the topic {name}",
    "sqs DeleteMessage": "- message of the queue {name}",
    "sqs DeleteMessageBatch": "- messages of the queue {name}",
    "sqs PurgeQueue": "- all messages of the queue {name}",
    "sqs SendMessage": "+ message in the queue {name}",
    "sqs SendMessageBatch": "+ messages in the queue {name}",
    "ssm PutParameter": "parameter {name} written",
    "stepfunctions StartExecution": "+ execution of the state machine {name}",
}
_WITH_KIND = frozenset({"dynamodb", "kinesis", "secretsmanager", "ssm", "states"})  # such as table/NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of the stack's state.

    Attributes:
        what: The change. It begins with `+` for an addition and `-` for a removal.
        by: The caller, as in the request log.
        times: How often.
    """

    what: str
    by: str
    times: int = 1


def shown(test: TestResult) -> Iterator[tuple[Part, list[tuple[Action, list[Change]]]]]:
    """Yield the parts of a test, each with its actions and the changes until the next action.

    Args:
        test: The test, with the AWS calls of its time.
    """
    begun = sorted({action.begun for part in test.parts for action in part.actions})
    ends = dict(pairwise([*begun, inf]))
    made = [(call, what) for call in test.calls if (what := _effect(call))]
    for part in test.parts:
        yield (
            part,
            [(action, _between(made, action.begun, ends[action.begun])) for action in part.actions],
        )


def _between(made: Sequence[tuple[AwsCall, str]], begun: float, end: float) -> list[Change]:
    """Return the changes of calls in a period, with equal changes together."""
    counted = Counter((what, call.by) for call, what in made if begun <= call.begun < end)
    return [Change(what=what, by=by, times=times) for (what, by), times in counted.items()]


def _effect(call: AwsCall) -> str:
    """Return the effect of a call, or an empty text if it failed or has no known effect."""
    effect = _EFFECTS.get(call.name) if call.ok else None
    if effect is None or call.resource.count(":") < 5:  # noqa: PLR2004 - an ARN's
        return ""
    service, rest = call.resource.split(":", 5)[2::3]
    if service in _WITH_KIND:
        rest = rest.replace(":", "/").partition("/")[2]
    name, _, inner = rest.partition("/") if service == "s3" else (rest, "", "")
    return effect.format(name=name, inner=inner)
