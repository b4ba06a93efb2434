from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.coverage import Level
from harness.coverage.judge import judge_resources
from harness.coverage.parts import outputs, parts, policies
from harness.permissions import judge_roles as permissions_judged
from tests.unit.coverage.calls import EMULATOR, call, resource
from tests.unit.permissions.stacks import BUCKET, FUNCTION, QUEUE, RUN, allow, made, stack

if TYPE_CHECKING:
    from harness.aws.calls import Call
    from harness.values import Resource

CREATED, UNKNOWN, USED, ASSERTED = Level
PUT = made("s3:PutObject", f"{BUCKET}/receipts/1")
POLICY = "aws_iam_role_policy.writer"
STORE = allow("s3:PutObject", f"{BUCKET}/receipts/*", Sid="Store")
SEND = allow("sqs:SendMessage", QUEUE)
RULE = "arn:aws:events:eu-north-1:000000000000:rule/r"
FIRED = call("lambda:Invoke", EMULATOR, FUNCTION, source=RULE)


def levels(resources: list[Resource], *calls: Call, enforces: bool = False) -> dict[str, Level]:
    """Return the level of each part."""
    roles = permissions_judged(resources, calls, enforces=enforces)
    found = parts(resources, calls, judge_resources(resources, calls, enforces=enforces), roles)
    return {f"{each.owner} {each.name}": each.level for each in found}


def policy(resources: list[Resource], *calls: Call, enforces: bool = False) -> Level:
    roles = permissions_judged(resources, calls, enforces=enforces)
    return policies(roles, resources)[POLICY][0]


def test_a_statement_is_used_if_a_backend_that_enforces_it_has_let_a_call_pass() -> None:
    resources = stack(STORE, SEND)

    found = levels(resources, RUN, PUT, enforces=True)

    assert found == {f"{POLICY} statement Store": USED, f"{POLICY} statement 2": CREATED}
    assert policy(resources, RUN, PUT, enforces=True) is USED


def test_a_statement_that_was_needed_where_none_is_enforced_is_unknown() -> None:
    resources = stack(STORE, SEND)

    assert levels(resources, RUN, PUT) == {
        f"{POLICY} statement Store": UNKNOWN,
        f"{POLICY} statement 2": CREATED,
    }
    assert policy(resources, RUN, PUT) is UNKNOWN
    assert policy(stack(SEND), RUN) is CREATED


def test_what_lambda_needs_by_itself_no_emulator_asks_for() -> None:
    log = allow(
        ["logs:CreateLogStream", "logs:PutLogEvents"], "arn:aws:logs:*:*:log-group:/aws/lambda/writer:*"
    )

    assert levels(stack(log), RUN, enforces=True) == {f"{POLICY} statement 1": UNKNOWN}


def test_a_statement_of_a_resources_own_policy_is_unknown() -> None:
    document = {"Statement": [{"Sid": "DenyPlainHttp", "Effect": "Deny"}, {"Effect": "Allow"}]}
    own = resource("aws_s3_bucket_policy.photos", policy=json.dumps(document))

    assert levels([own], PUT, enforces=True) == {
        "aws_s3_bucket_policy.photos statement DenyPlainHttp": UNKNOWN,
        "aws_s3_bucket_policy.photos statement 2": UNKNOWN,
    }


@pytest.mark.parametrize("policy", ["", None, "no JSON", "{}", "[]"])
def test_a_policy_that_can_not_be_read_has_no_statements(policy: str | None) -> None:
    assert levels([resource("aws_sqs_queue_policy.work", policy=policy)]) == {}


def test_a_call_that_was_refused_has_used_no_statement() -> None:
    refused = made("s3:PutObject", f"{BUCKET}/receipts/1", status=403, error="AccessDenied")

    assert levels(stack(STORE), RUN, refused, enforces=True) == {f"{POLICY} statement Store": UNKNOWN}


NEVER = {"Sid": "Never", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
EVERYTHING = allow("s3:*", "*", Sid="Everything")
REFUSED = made("s3:DeleteObject", f"{BUCKET}/receipts/1", status=403, error="AccessDenied")


@pytest.mark.parametrize(
    ("statements", "calls", "enforces", "level"),
    [
        ([EVERYTHING, NEVER], [RUN, REFUSED], True, USED),
        ([STORE, NEVER], [RUN, REFUSED], True, UNKNOWN),  # it would have been refused anyway
        ([EVERYTHING, NEVER], [RUN, made("s3:DeleteObject", f"{BUCKET}/a")], False, UNKNOWN),
        ([EVERYTHING, {**NEVER, "Condition": {"Bool": {"aws:a": "b"}}}], [RUN, REFUSED], True, UNKNOWN),
        ([EVERYTHING, NEVER], [RUN, PUT], True, CREATED),
        ([EVERYTHING, NEVER], [REFUSED], True, USED),
        ([EVERYTHING, NEVER], [], True, UNKNOWN),
    ],
)
def test_a_statement_that_denies_is_used_if_only_it_can_have_had_a_call_refused(
    statements: list[dict[str, Any]],
    calls: list[Call],
    enforces: bool,  # noqa: FBT001
    level: Level,
) -> None:
    found = levels(stack(*statements), *calls, enforces=enforces)

    assert found[f"{POLICY} statement Never"] is level


VARIABLE = "aws_lambda_function.writer environment A"
READ, UNREAD = replace(RUN, variables_read=("A",)), replace(RUN, variables_unread=("A",))


@pytest.mark.parametrize(
    ("calls", "level"),
    [
        ([], CREATED),
        ([RUN], UNKNOWN),
        ([UNREAD], CREATED),
        ([UNREAD, READ], USED),
        ([READ, RUN], USED),
        ([UNREAD, RUN], UNKNOWN),  # one of the runs does not tell
        ([replace(READ, variables_read=("AB",))], UNKNOWN),
        ([UNREAD, replace(READ, resources=(f"{FUNCTION}-2",))], CREATED),  # another function's
    ],
)
def test_a_variable_is_used_if_a_run_of_its_function_has_read_it(calls: list[Call], level: Level) -> None:
    environment = {"environment": [{"variables": {"A": "1"}}], "runtime": "python3.13"}

    assert levels(stack(function=environment), *calls) == {VARIABLE: level}


@pytest.mark.parametrize(
    ("schedule", "calls", "level"),
    [
        ("", [FIRED], USED),
        ("", [PUT], UNKNOWN),  # the log lacks the calls between services
        ("", [call("sqs:SendMessage", EMULATOR, QUEUE, source="arn:aws:sns:::t")], CREATED),
        ("rate(1 hour)", [FIRED], UNKNOWN),
    ],
)
def test_a_pattern_is_used_by_its_rule_unless_a_schedule_may_have_been(
    schedule: str, calls: list[Call], level: Level
) -> None:
    rule = resource("aws_cloudwatch_event_rule.r", arn=RULE, event_pattern="{}", schedule_expression=schedule)

    assert levels([rule], *calls) == {"aws_cloudwatch_event_rule.r event_pattern": level}


def test_a_rule_without_a_pattern_has_no_part() -> None:
    rule = resource(
        "aws_cloudwatch_event_rule.r", arn=RULE, event_pattern=None, schedule_expression="rate(1 day)"
    )

    assert levels([rule], FIRED) == {}


def test_an_output_is_used_by_the_test_that_has_read_it() -> None:
    found = outputs(["url", "name"], {"url": "test:a.py::t"})

    assert found["output.url"] == (USED, "read by test:a.py::t")
    assert found["output.name"] == (CREATED, "no test has read it")


def test_an_output_may_have_been_read_by_a_test_that_takes_all_of_them() -> None:
    found = outputs(["url", "name"], {"url": "test:a.py::t", "*": "test:a.py::all"})

    assert [level for level, _ in found.values()] == [USED, UNKNOWN]
