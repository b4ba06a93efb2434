from __future__ import annotations

from typing import Any

import pytest

from harness.permissions import suggestions
from harness.permissions.suggestion import is_wide
from tests.unit.permissions.stacks import BUCKET, FUNCTION, LOG, QUEUE, TABLE, allow, judge, made, stack

TEXT, JSON = made("s3:PutObject", f"{BUCKET}/texts/1.txt"), made("s3:PutObject", f"{BUCKET}/latest.json")


def suggested(*statements: dict[str, Any], calls: list[Any], known: tuple[str, ...] = ()) -> Any:  # noqa: ANN401 - JSON
    """Return the suggested statements, or None if the policy needs no change."""
    found = suggestions(judge(stack(*statements), *calls), known)
    return list(found[0].suggested) if found else None


@pytest.mark.parametrize(
    ("action", "on", "calls", "expected"),
    [
        # What was used as it stands needs no change, and neither does a prefix that somebody has chosen.
        ("s3:PutObject", f"{BUCKET}/texts/*", [TEXT], None),
        ("s3:PutObject", f"{BUCKET}/te*", [TEXT], None),
        ("sqs:SendMessage", QUEUE, [made("sqs:SendMessage", QUEUE)], None),
        # What was not used is left out.
        ("s3:GetObject", f"{BUCKET}/texts/*", [TEXT], []),
        (
            ["s3:GetObject", "s3:PutObject"],
            f"{BUCKET}/texts/*",
            [TEXT],
            ("s3:PutObject", f"{BUCKET}/texts/*"),
        ),
        (
            "s3:PutObject",
            [f"{BUCKET}/a/*", f"{BUCKET}/texts/*"],
            [TEXT],
            ("s3:PutObject", f"{BUCKET}/texts/*"),
        ),
        # What could not be judged stays.
        ("s3:GetObjectVersion", f"{BUCKET}/*", [made("s3:GetObject", f"{BUCKET}/1")], None),
        # Wildcards for everything become what was used.
        ("s3:*", f"{BUCKET}/texts/*", [TEXT], ("s3:PutObject", f"{BUCKET}/texts/*")),
        ("sqs:*", "*", [made("sqs:SendMessage", QUEUE)], ("sqs:SendMessage", QUEUE)),
        ("s3:PutObject", f"{BUCKET}/*", [TEXT], ("s3:PutObject", f"{BUCKET}/texts/*")),
        ("s3:PutObject", "*", [JSON], ("s3:PutObject", f"{BUCKET}/latest.json")),
        (
            "s3:PutObject",
            f"{BUCKET}/*",
            [JSON, TEXT],
            ("s3:PutObject", [f"{BUCKET}/latest.json", f"{BUCKET}/texts/*"]),
        ),
        (
            "s3:PutObject",
            f"{BUCKET}/*",
            [made("s3:PutObject", f"{BUCKET}/day_2026-{number}.txt") for number in (10, 11)],
            ("s3:PutObject", f"{BUCKET}/day_*"),
        ),
        (
            "dynamodb:PutItem",
            f"{TABLE[:-1]}*",
            [made("dynamodb:PutItem", TABLE)],
            ("dynamodb:PutItem", TABLE),
        ),
        # An action for nothing in particular keeps its star.
        ("cloudwatch:*", "*", [made("cloudwatch:PutMetricData")], ("cloudwatch:PutMetricData", "*")),
    ],
)
def test_a_statement_becomes_what_was_used_of_it(
    action: str | list[str],
    on: str | list[str],
    calls: list[Any],
    expected: Any,  # noqa: ANN401 - JSON
) -> None:
    assert suggested(allow(action, on), calls=calls) == ([allow(*expected)] if expected else expected)


def test_a_pattern_that_stands_in_the_stack_is_taken_before_one_that_is_made_up() -> None:
    known = (f"{BUCKET}/*", f"{BUCKET}/t*", f"{BUCKET}/tex*", f"{BUCKET}/other/*")

    assert suggested(allow("s3:PutObject", f"{BUCKET}/*"), calls=[TEXT], known=known) == [
        allow("s3:PutObject", f"{BUCKET}/tex*")
    ]


def test_resources_with_actions_of_their_own_become_statements_of_their_own() -> None:
    both = allow(["s3:PutObject", "s3:GetObject"], [f"{BUCKET}/a/*", f"{BUCKET}/b/*"], Sid="Both")
    calls = [made("s3:PutObject", f"{BUCKET}/a/1"), made("s3:GetObject", f"{BUCKET}/b/1")]

    assert suggested(both, calls=calls) == [
        allow("s3:GetObject", f"{BUCKET}/b/*", Sid="Both"),
        allow("s3:PutObject", f"{BUCKET}/a/*", Sid="Both2"),
    ]


def test_a_star_for_everything_becomes_a_statement_for_each_thing() -> None:
    assert suggested(allow("*", "*", Sid="All"), calls=[made("sqs:SendMessage", QUEUE)]) == [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{LOG}:*", Sid="All"),
        allow("sqs:SendMessage", QUEUE, Sid="All2"),
    ]


def test_a_condition_stays() -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": "eu-north-1"}}

    assert suggested(allow("s3:*", "*", Condition=condition), calls=[JSON]) == [
        allow("s3:PutObject", f"{BUCKET}/latest.json", Condition=condition)
    ]


def test_the_log_of_lambda_is_that_of_the_function() -> None:
    assert suggested(allow(["logs:CreateLogStream", "logs:PutLogEvents"], "*"), calls=[]) == [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{LOG}:*")
    ]


def test_the_diff_names_the_policy_and_has_what_goes_and_what_comes() -> None:
    role = judge(stack(allow("s3:*", f"{BUCKET}/texts/*")), TEXT)

    diff = suggestions(role, ())[0].diff()

    assert diff[:2] == ["--- aws_iam_role_policy.writer", "+++ suggested"]
    assert [line for line in diff[2:] if line[0] in "+-"] == [
        '-    "Action": "s3:*",',
        '+    "Action": "s3:PutObject",',
    ]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("*", True),
        ("arn:aws:s3:::*", True),
        ("arn:aws:s3:::b*/x", True),
        (f"{BUCKET}/*", True),
        (f"{BUCKET}/x*", False),
        (BUCKET, False),
        ("arn:aws:sqs:*:*:*", True),
        ("arn:aws:sqs:*:*:orders", False),
        ("arn:aws:dynamodb:r:a:table/*", True),
        ("arn:aws:dynamodb:r:a:table/t/index/*", False),
        (f"{LOG}:*", False),
        (f"{FUNCTION}:*", False),
        ("arn:aws:lambda:r:a:function:*", True),
    ],
)
def test_wide_is_what_stands_for_all_of_a_kind(resource: str, expected: bool) -> None:  # noqa: FBT001
    assert is_wide(resource) is expected
