from __future__ import annotations

from harness.permissions import Permissions, judge_roles
from harness.permissions.reports import lines
from tests.unit.coverage.calls import resource
from tests.unit.permissions.stacks import BUCKET, LOG, QUEUE, TABLE, allow, judge, made, stack

LOGS = allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"{LOG}:*")
PUT = made("s3:PutObject", f"{BUCKET}/texts/1.txt")


def test_each_role_is_a_row_and_one_that_needs_no_change_has_no_more() -> None:
    role = judge(stack(LOGS, allow("s3:PutObject", f"{BUCKET}/texts/*")), PUT)

    assert lines(Permissions((role,))) == [
        "Role                  Allowed      Used    Unused  Too wide   Unknown   Missing",
        "-" * 79,
        "aws_iam_role.writer         3         3         0         0         0         0",
    ]


def test_what_is_unused_too_wide_unknown_or_missing_is_told_with_a_policy_that_would_do() -> None:
    role = judge(
        stack(
            LOGS, allow("s3:*", "*", Sid="All"), allow("sqs:SendMessage", QUEUE), allow("iam:PassRole", "*")
        ),
        PUT,
        made("dynamodb:PutItem", TABLE),
    )

    told = lines(Permissions((role,)))

    put = "dynamodb:PutItem by function:writer"
    assert told[2].split() == ["aws_iam_role.writer", "5", "3", "1", "1", "1", "1"]
    for expected in (
        "aws_iam_role.writer, of writer",
        "  too wide  aws_iam_role_policy.writer: All: s3:* on * (used: s3:PutObject)",
        f"  unused    aws_iam_role_policy.writer: statement 3: sqs:SendMessage on {QUEUE}",
        "  unknown   aws_iam_role_policy.writer: statement 4: iam:PassRole on * (no call tells of it)",
        f"  missing   dynamodb:PutItem on {TABLE}: would be denied on AWS ({put})",
        '  +    "Action": "s3:PutObject",',
        f'  +    "Resource": "{BUCKET}/texts/*",',
    ):
        assert expected in told


def test_of_an_action_that_is_missing_on_many_resources_few_are_named() -> None:
    calls = [made("s3:GetObject", f"{BUCKET}/{number}") for number in range(5)]

    told = lines(Permissions((judge(stack(LOGS), *calls),)))

    assert [line for line in told if "s3:GetObject on" in line][2:] == [
        f"  missing   s3:GetObject on {BUCKET}/2: would be denied on AWS (s3:GetObject by function:writer)",
        "  missing   s3:GetObject on 2 more: would be denied on AWS",
    ]


def test_roles_of_no_function_are_counted() -> None:
    alone = resource("aws_iam_role.other", name="other", arn="arn:other")

    told = lines(Permissions(tuple(judge_roles([alone], []))))

    assert told[-1] == "1 more of no function: the request log can't show their use"
