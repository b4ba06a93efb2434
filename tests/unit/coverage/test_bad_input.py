"""Incomplete or broken logs and stacks. Each level is right, or unknown."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.aws.calls import calls_in
from harness.coverage import Level
from harness.coverage.judge import judge_resources
from tests.unit.coverage.calls import HERE, TERRAFORM, TEST, WRITER, call, resource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.aws.calls import Call
    from harness.values import Resource

CREATED, UNKNOWN, USED, ASSERTED = Level
BUCKET = resource("aws_s3_bucket.b", bucket="b", arn="arn:aws:s3:::b")
WRITE, READ = call("s3:PutObject", WRITER, "arn:aws:s3:::b/1"), call("s3:GetObject", TEST, "arn:aws:s3:::b/1")
HEAD = '"time": "2026-11-29T00:00:00+00:00", "service": "s3"'
LINE = f'{{{HEAD}, "by": "%s", "operation": "%s", "resources": ["%s"]}}'
MOST_SECONDS = 30  # a second's calls are judged in two, on a machine that has time


def level(found: Resource, calls: Sequence[Call]) -> Level:
    return judge_resources([found], calls)[found.address][0]


def test_a_log_that_was_cut_off_shows_what_it_has_and_no_more() -> None:
    lines = [LINE % (WRITER, "PutObject", "arn:aws:s3:::b/1"), LINE % (TEST, "GetObject", "arn:aws:s3:::b/1")]

    assert level(BUCKET, list(calls_in(lines))) is ASSERTED
    assert level(BUCKET, list(calls_in([lines[0], lines[1][:-20]]))) is USED
    assert level(BUCKET, list(calls_in([lines[0][:40], "", "\x00\x00", "[1]", "{}"]))) is CREATED


def test_calls_about_nothing_of_the_stack_change_nothing() -> None:
    others = ["arn:aws:s3:::bb/1", "arn:aws:s3:::b-2", "arn:aws:s3:::", "", "b", "arn:aws:sqs:eu-north-1:0:b"]

    calls = [call("s3:PutObject", WRITER, each) for each in others]

    assert level(BUCKET, [*calls, call("s3:GetObject", TEST)]) is CREATED


def test_a_resource_with_a_generated_name_is_known_by_the_states_arn() -> None:
    name = "receipts-20261130080000000100000001"
    generated = resource(
        "aws_s3_bucket.b", bucket_prefix="receipts-", bucket=name, arn=f"arn:aws:s3:::{name}"
    )

    assert level(generated, [call("s3:PutObject", WRITER, f"arn:aws:s3:::{name}/1")]) is USED
    assert level(generated, [call("s3:PutObject", WRITER, "arn:aws:s3:::receipts-/1")]) is CREATED


def test_a_resource_without_an_arn_is_used_by_no_call() -> None:
    for nothing in (None, ""):
        assert level(
            resource("aws_s3_bucket.b", arn=nothing), [WRITE, READ, call("s3:GetObject", TEST, "")]
        ) is (CREATED)


def test_of_two_stacks_in_one_emulator_each_has_its_own_calls() -> None:
    queues = [resource("aws_sqs_queue.q", arn=f"arn:aws:sqs:{HERE}:{name}") for name in ("one", "one-more")]
    calls = [
        call("sqs:SendMessage", WRITER, f"arn:aws:sqs:{HERE}:one"),
        call("sqs:SendMessage", TERRAFORM, ""),
    ]

    levels = [judge_resources([each], calls)[each.address][0] for each in queues]

    assert levels == [USED, UNKNOWN]  # whether something was delivered to the other, this log does not tell


def test_ten_thousand_calls_a_second_are_judged() -> None:
    stack = [resource(f"aws_s3_bucket.b{n}", arn=f"arn:aws:s3:::b{n}") for n in range(100)]
    calls = [replace(WRITE, resources=(f"arn:aws:s3:::b{n % 99}/{n}",)) for n in range(10_000)]
    begun = time.monotonic()

    levels = [level for level, _ in judge_resources(stack, calls).values()]

    assert levels == [USED] * 99 + [CREATED]
    assert time.monotonic() - begun < MOST_SECONDS
