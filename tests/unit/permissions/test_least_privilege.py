from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from harness import ExpectationError
from harness.aws import capabilities
from harness.permissions import assert_least_privilege, judge_roles, shortcomings
from harness.permissions.least_privilege import findings
from tests.unit.coverage.calls import resource
from tests.unit.permissions.stacks import BUCKET, QUEUE, RUN, allow, made, stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.aws.calls import Call
    from harness.values import Endpoint, Resource

PUT = made("s3:PutObject", f"{BUCKET}/receipts/1")
STORE = allow("s3:PutObject", f"{BUCKET}/receipts/*", Sid="Store")
LOG = allow(["logs:CreateLogStream", "logs:PutLogEvents"], "arn:aws:logs:*:*:log-group:/aws/lambda/writer:*")
POLICY = "aws_iam_role.writer: {:<8}  aws_iam_role_policy.writer: {}"


def short(*statements: dict[str, Any], calls: Sequence[Call] = (RUN, PUT)) -> list[str]:
    return shortcomings(judge_roles(stack(*statements), calls))


def test_a_policy_of_which_everything_was_used_falls_short_of_nothing() -> None:
    assert short(STORE, LOG) == []


def test_each_permission_that_is_unused_or_too_wide_is_named() -> None:
    widened = allow("s3:*", f"{BUCKET}/*", Sid="Store")

    found = short(widened, LOG, allow("sqs:SendMessage", QUEUE, Sid="More"))

    assert found == [
        POLICY.format("too wide", f"Store: s3:* on {BUCKET}/* (used: s3:PutObject)"),
        POLICY.format("unused", f"More: sqs:SendMessage on {QUEUE}"),
    ]


def test_what_aws_would_deny_is_named() -> None:
    (found,) = short(LOG)

    assert found.startswith(
        f"aws_iam_role.writer: missing   s3:PutObject on {BUCKET}/receipts/1: would be denied"
    )


def test_a_permission_that_cannot_be_judged_is_no_shortcoming_and_a_role_without_any_that_can_is_one() -> (
    None
):
    secret = allow("secretsmanager:*", "*", Condition={"Bool": {"aws:SecureTransport": "true"}})
    read = made(
        "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-north-1:000000000000:secret:s-AbCdEf"
    )

    assert short(STORE, LOG, secret, calls=[RUN, PUT, read]) == []
    assert short(STORE, LOG, calls=[]) == [
        "aws_iam_role.writer: unknown   nothing of it could be judged; none of its functions has run"
    ]


def test_a_policy_of_aws_is_told_of_and_fails_nothing() -> None:
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    attached = resource("aws_iam_role_policy_attachment.logs", role="writer", policy_arn=policy)

    (role,) = judge_roles([*stack(STORE), attached], [RUN, PUT])

    assert [each.kind for each in findings(role)] == ["unknown", "too wide", "too wide"]
    assert shortcomings([role]) == []


class Stack:
    """A stack that has run."""

    def __init__(self, resources: Sequence[Resource], endpoint: Endpoint) -> None:
        self.terraform = SimpleNamespace(resources=lambda: resources)
        self.endpoint = endpoint

    def calls(self, *, since: float) -> list[Call]:
        return [each for each in (RUN, PUT) if each.time.timestamp() >= since]


def test_the_assertion_lists_what_is_wrong_by_all_calls_or_by_those_since_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capabilities, "missing", lambda *_: ["none"])
    minimal: Any = Stack(stack(STORE, LOG), None)  # type: ignore[arg-type]
    wide: Any = Stack(stack(STORE, LOG, allow("sqs:*", QUEUE)), None)  # type: ignore[arg-type]

    assert_least_privilege(minimal)
    with pytest.raises(ExpectationError, match=r"unused .*sqs:"):
        assert_least_privilege(wide)
    with pytest.raises(ExpectationError, match="none of its functions has run"):
        assert_least_privilege(minimal, since=RUN.time.timestamp() + 1)
