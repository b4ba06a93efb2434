"""Permissions against hand-made tables of statements, calls and the right judgement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.permissions import Outcome, Use, judge_roles
from tests.unit.coverage.calls import HERE, call, resource
from tests.unit.permissions.stacks import (
    BUCKET,
    FUNCTION,
    KEY,
    LOG,
    QUEUE,
    REGION,
    ROLE,
    RUN,
    SECRET,
    TABLE,
    allow,
    encrypted,
    judge,
    made,
    stack,
)

if TYPE_CHECKING:
    from harness.aws.calls import Call
    from harness.permissions import RolePermissions

UNUSED, UNKNOWN, USED = Use
NOT_FOUND, FORBIDDEN = {"status": 404, "error": "NoSuchKey"}, {"status": 403, "error": "AccessDenied"}
ONE = f"{BUCKET}/a/1.txt"
VIA_S3 = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
TAGGED = {"StringEquals": {"s3:RequestObjectTag/kind": "x"}}
INDEX = f"{TABLE}/index/by_name"


def uses(role: RolePermissions) -> dict[str, Use]:
    return {
        f"{each.action} {each.resource}": each.use
        for statement in role.statements
        for each in statement.grants
    }


def missing(role: RolePermissions) -> dict[tuple[str, str], Outcome]:
    """Return the missing permissions, except for the log, which has no statements in these tests."""
    return {
        (each.action, each.resource): each.outcome
        for each in role.missing
        if not each.action.startswith("logs:")
    }


@pytest.mark.parametrize(
    ("action", "on", "made_call", "expected"),
    [
        # Operations whose action has the same name, and those where it has another.
        ("s3:PutObject", f"{BUCKET}/*", made("s3:PutObject", ONE), USED),
        ("s3:GetObject", f"{BUCKET}/*", made("s3:HeadObject", ONE), USED),
        ("s3:ListBucket", BUCKET, made("s3:ListObjectsV2", BUCKET), USED),
        ("S3:listbucket", BUCKET, made("s3:ListObjectsV2", BUCKET), USED),
        ("s3:*", "*", made("s3:PutObject", ONE), USED),
        ("sqs:SendMessage", QUEUE, made("sqs:SendMessageBatch", QUEUE), USED),
        ("lambda:InvokeFunction", f"{FUNCTION}2", made("lambda:Invoke", f"{FUNCTION}2"), USED),
        (
            "states:StartExecution",
            "*",
            made("stepfunctions:StartExecution", f"arn:aws:states:{HERE}:s"),
            USED,
        ),
        ("cloudwatch:PutMetricData", "*", made("cloudwatch:PutMetricData"), USED),
        ("dynamodb:PutItem", TABLE, made("dynamodb:PutItem", TABLE), USED),
        # What AWS knows by another ARN than the caller.
        (
            "secretsmanager:GetSecretValue",
            SECRET,
            made("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:s"),
            USED,
        ),
        ("kms:Decrypt", KEY, made("kms:Decrypt", f"arn:aws:kms:{HERE}:alias/k", KEY), USED),
        # Another action, another resource, somebody else's call, a call that failed for another reason.
        ("s3:PutObject", f"{BUCKET}/*", made("s3:GetObject", ONE), UNUSED),
        ("s3:PutObject", f"{BUCKET}/other/*", made("s3:PutObject", ONE), UNUSED),
        ("s3:PutObject", f"{BUCKET}/*", call("s3:PutObject", "function:other", ONE), UNUSED),
        ("s3:PutObject", f"{BUCKET}/*", call("s3:PutObject", "terraform", ONE), UNUSED),
        ("dynamodb:PutItem", TABLE, made("dynamodb:PutItem", TABLE, status=400, error="Conditional"), USED),
        # What the log does not tell: a version, tags, an alias, an index, the items of a transaction.
        ("s3:GetObjectVersion", f"{BUCKET}/*", made("s3:GetObject", ONE), UNKNOWN),
        ("s3:PutObjectTagging", f"{BUCKET}/*", made("s3:PutObject", ONE), UNKNOWN),
        ("s3:GetObject", f"{BUCKET}/*", made("s3:CopyObject", ONE), UNKNOWN),
        ("s3:DeleteObject", f"{BUCKET}/*", made("s3:DeleteObjects", BUCKET), UNKNOWN),
        ("dynamodb:Query", INDEX, made("dynamodb:Query", TABLE), UNKNOWN),
        ("dynamodb:UpdateItem", TABLE, made("dynamodb:TransactWriteItems", TABLE), UNKNOWN),
        ("lambda:InvokeFunction", f"{FUNCTION}2:live", made("lambda:Invoke", f"{FUNCTION}2"), UNKNOWN),
        ("s3:PutObject", BUCKET + "/${aws:userid}/*", made("s3:PutObject", ONE), UNKNOWN),
        ("s3:GetObject", f"arn:aws:s3:{HERE}:accesspoint/p/object/*", made("s3:GetObject", ONE), UNKNOWN),
        # An operation that is not known: any action of its service, and of no other.
        ("s3:GetObject", f"{BUCKET}/*", made("s3:SelectObjectContent", ONE), UNKNOWN),
        ("sqs:SendMessage", QUEUE, made("s3:SelectObjectContent", ONE), UNUSED),
        ("rekognition:DetectText", "*", made("rekognition:DetectText"), UNKNOWN),
        ("s3:GetObject", f"{BUCKET}/*", made("rekognition:DetectText"), UNUSED),
    ],
)
def test_a_permission_is_used_by_a_call_that_asks_for_it(
    action: str, on: str, made_call: Call, expected: Use
) -> None:
    role = judge(stack(allow(action, on)), made_call)

    assert uses(role) == {f"{action} {on}": expected}


def test_each_action_on_each_resource_is_a_permission_of_its_own() -> None:
    both = allow(["s3:PutObject", "s3:GetObject"], [f"{BUCKET}/a/*", f"{BUCKET}/b/*"])

    role = judge(stack(both), made("s3:PutObject", ONE), made("s3:GetObject", f"{BUCKET}/b/1"))

    assert uses(role) == {
        f"s3:PutObject {BUCKET}/a/*": USED,
        f"s3:PutObject {BUCKET}/b/*": UNUSED,
        f"s3:GetObject {BUCKET}/a/*": UNUSED,
        f"s3:GetObject {BUCKET}/b/*": USED,
    }


def test_what_no_call_can_ask_for_is_no_permission() -> None:
    usual = allow(["s3:ListBucket", "s3:GetObject"], [BUCKET, f"{BUCKET}/*"])

    assert list(uses(judge(stack(usual)))) == [f"s3:ListBucket {BUCKET}", f"s3:GetObject {BUCKET}/*"]


def test_a_call_with_a_role_that_was_taken_proves_nothing() -> None:
    role = judge(stack(allow("s3:PutObject", "*")), made("sts:AssumeRole"), made("s3:PutObject", ONE))

    assert uses(role) == {"s3:PutObject *": UNKNOWN}
    assert missing(role) == {}


@pytest.mark.parametrize(
    ("condition", "enforces", "expected"),
    [
        ({}, False, USED),
        (TAGGED, False, UNKNOWN),
        (TAGGED, True, USED),  # nothing else would have let it pass
        ({"StringEquals": {"aws:RequestedRegion": REGION}}, False, USED),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, False, UNUSED),
    ],
)
def test_a_condition_is_judged_or_it_is_unknown(
    condition: dict[str, Any], *, enforces: bool, expected: Use
) -> None:
    statement = allow("s3:PutObjectTagging", f"{BUCKET}/*", Condition=condition)

    role = judge(stack(statement), made("s3:PutObjectTagging", ONE), enforces=enforces)

    assert uses(role) == {f"s3:PutObjectTagging {BUCKET}/*": expected}


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([made("s3:PutObject", ONE)], {"kms:GenerateDataKey": USED, "kms:Decrypt": UNUSED}),
        ([made("s3:GetObject", ONE)], {"kms:GenerateDataKey": UNUSED, "kms:Decrypt": USED}),
        ([made("s3:HeadObject", ONE)], {"kms:GenerateDataKey": UNKNOWN, "kms:Decrypt": UNKNOWN}),
        ([made("s3:GetObject", ONE, **NOT_FOUND)], {"kms:GenerateDataKey": UNUSED, "kms:Decrypt": UNUSED}),
    ],
)
@pytest.mark.parametrize("condition", [{}, {"Condition": VIA_S3}])
def test_the_key_of_a_bucket_is_needed_behind_its_calls(
    calls: list[Call], expected: dict[str, Use], condition: dict[str, Any]
) -> None:
    keys = allow(["kms:GenerateDataKey", "kms:Decrypt"], KEY, **condition)
    every = allow("s3:*", "*")

    role = judge([*stack(keys, every), encrypted()], *calls)

    assert {name.split()[0]: use for name, use in uses(role).items() if "kms" in name} == expected


@pytest.mark.parametrize(
    ("encryption", "outcome"),
    [
        ([encrypted()], {("kms:GenerateDataKey", KEY): Outcome.NOT_ALLOWED}),
        ([encrypted(key="alias/k")], {("kms:GenerateDataKey", KEY): Outcome.NOT_ALLOWED}),
        ([encrypted("AES256", "")], {}),
        ([encrypted(key="")], {}),  # S3's own key, which needs no permission
        ([encrypted(key="arn:aws:kms:eu-north-1:1:key/elsewhere")], {}),  # nothing is known of it
        ([], {}),
    ],
)
@pytest.mark.parametrize("enforces", [True, False])  # emulators do not ask for keys
def test_a_key_without_a_permission_would_be_denied(
    encryption: list[Any], outcome: dict[tuple[str, str], Outcome], *, enforces: bool
) -> None:
    resources = [*stack(allow("s3:PutObject", f"{BUCKET}/*")), *encryption]

    assert missing(judge(resources, made("s3:PutObject", ONE), enforces=enforces)) == outcome


def test_a_queue_with_a_key_needs_that_too() -> None:
    resources = stack(allow("sqs:SendMessage", QUEUE))
    queue = resource("aws_sqs_queue.q", arn=QUEUE, kms_master_key_id="alias/k")

    role = judge([queue, *resources], made("sqs:SendMessage", QUEUE))

    assert missing(role) == dict.fromkeys(
        (("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY)), Outcome.NOT_ALLOWED
    )


def test_a_missing_object_needs_the_listing_or_it_is_refused() -> None:
    role = judge(stack(allow("s3:GetObject", f"{BUCKET}/*")), made("s3:GetObject", ONE, **NOT_FOUND))

    assert missing(role) == {("s3:ListBucket", BUCKET): Outcome.NOT_ALLOWED}


@pytest.mark.parametrize(
    ("call_made", "enforces", "outcome"),
    [
        (made("s3:DeleteObject", ONE), False, Outcome.NOT_ALLOWED),
        (made("s3:DeleteObject", ONE, **FORBIDDEN), True, Outcome.DENIED),
        (made("s3:DeleteObject", ONE), True, Outcome.UNKNOWN),  # it has let pass what we hold for forbidden
        (made("s3:DeleteObject", "arn:aws:s3:::elsewhere/1"), False, Outcome.UNKNOWN),
    ],
)
def test_what_no_statement_allows_is_missing(call_made: Call, *, enforces: bool, outcome: Outcome) -> None:
    role = judge(stack(allow("s3:GetObject", "*")), call_made, enforces=enforces)

    assert list(missing(role).values()) == [outcome]


def test_a_refused_head_has_no_error_code() -> None:
    role = judge(stack(), made("s3:HeadObject", ONE, status=403), enforces=True)

    assert missing(role) == {("s3:GetObject", ONE): Outcome.DENIED}


@pytest.mark.parametrize(
    "attached",
    [
        resource(
            "aws_s3_bucket_policy.b",
            policy=json.dumps({"Statement": [allow("s3:*", "*", Principal={"AWS": ROLE})]}),
        ),
        resource("aws_iam_role_policy_attachment.x", role="writer", policy_arn="arn:aws:iam::aws:policy/X"),
    ],
)
def test_what_something_unseen_may_allow_is_unknown(attached: Any) -> None:  # noqa: ANN401 - a resource
    role = judge([*stack(), attached], made("s3:PutObject", ONE))

    assert missing(role) == {("s3:PutObject", ONE): Outcome.UNKNOWN}


def test_a_denial_wins_over_a_permission() -> None:
    denied = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}

    role = judge(stack(allow("s3:*", "*"), denied), made("s3:DeleteObject", ONE))

    assert uses(role) == {"s3:* *": UNKNOWN}
    assert missing(role) == {("s3:DeleteObject", ONE): Outcome.NOT_ALLOWED}


def test_policies_of_the_stack_and_of_aws_count_where_they_are_attached() -> None:
    policy = json.dumps({"Statement": allow("sqs:SendMessage", QUEUE)})
    basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    attached = [
        resource("aws_iam_policy.send", arn="arn:p", policy=policy),
        resource("aws_iam_policy.other", arn="arn:o", policy=policy),
        resource("aws_iam_role_policy_attachment.send", role="writer", policy_arn="arn:p"),
        resource("aws_iam_role_policy_attachment.basic", role="writer", policy_arn=basic),
    ]

    role = judge([*stack(), *attached], made("sqs:SendMessage", QUEUE))

    assert [each.policy for each in role.statements] == [basic, "aws_iam_policy.send"]
    assert uses(role) == {
        f"sqs:SendMessage {QUEUE}": USED,
        "logs:CreateLogGroup *": UNKNOWN,
        "logs:CreateLogStream *": USED,
        "logs:PutLogEvents *": USED,
    }
    assert not role.missing


@pytest.mark.parametrize(
    ("function", "others", "action", "on"),
    [
        ({}, [], "logs:PutLogEvents", f"{LOG}:*"),
        ({"logging_config": [{"log_group": "own"}]}, [], "logs:PutLogEvents", "*:log-group:own:*"),
        ({"tracing_config": [{"mode": "Active"}]}, [], "xray:PutTraceSegments", "*"),
        ({"vpc_config": [{"subnet_ids": ["s"]}]}, [], "ec2:CreateNetworkInterface", "*"),
        ({"dead_letter_config": [{"target_arn": QUEUE}]}, [], "sqs:SendMessage", QUEUE),
        (
            {},
            [
                resource(
                    "aws_lambda_event_source_mapping.m", function_name="writer:live", event_source_arn=QUEUE
                )
            ],
            "sqs:ReceiveMessage",
            QUEUE,
        ),
        (
            {},
            [
                resource(
                    "aws_lambda_function_event_invoke_config.c",
                    function_name="writer",
                    destination_config=[{"on_failure": [{"destination": QUEUE}]}],
                )
            ],
            "sqs:SendMessage",
            QUEUE,
        ),
    ],
)
def test_lambda_itself_uses_what_the_function_is_configured_for(
    function: dict[str, Any], others: list[Any], action: str, on: str
) -> None:
    role = judge([*stack(allow(action, on), function=function), *others])

    assert uses(role) == {f"{action} {on}": USED}


def test_of_a_function_that_has_not_run_nothing_is_said() -> None:
    (role,) = judge_roles(stack(allow("s3:*", "*")), [])

    assert uses(role) == {"s3:* *": UNKNOWN}
    assert (role.missing, role.notes) == ((), ("none of its functions has run",))


def test_of_a_role_that_no_function_has_nothing_is_said() -> None:
    other = resource("aws_iam_role.other", name="other", arn="arn:other")
    policy = json.dumps({"Statement": [allow("s3:*", "*")]})
    attached = resource("aws_iam_role_policy.other", role="other", policy=policy)

    _, role = judge_roles([*stack(), other, attached], [RUN])

    assert uses(role) == {"s3:* *": UNKNOWN}


def test_of_namesakes_in_two_regions_with_two_roles_nothing_is_said() -> None:
    there = FUNCTION.replace(REGION, "eu-west-1")
    other = resource("aws_lambda_function.other", function_name="writer", arn=there, role="arn:other")

    role = judge([*stack(allow("s3:PutObject", "*")), other], made("s3:PutObject", ONE))

    assert uses(role) == {"s3:PutObject *": UNKNOWN}


def test_a_role_that_two_functions_share_is_judged_when_both_have_run() -> None:
    arn = f"{FUNCTION}2"
    other = resource("aws_lambda_function.other", function_name="writer2", arn=arn, role=ROLE)
    resources = [*stack(allow(["s3:PutObject", "s3:GetObject"], "*")), other]
    calls = [made("s3:PutObject", ONE), call("lambda-runtime:Invocation", "emulator", arn)]

    assert uses(judge(resources, *calls[:1])) == {"s3:PutObject *": USED, "s3:GetObject *": UNKNOWN}
    assert uses(judge(resources, *calls)) == {"s3:PutObject *": USED, "s3:GetObject *": UNUSED}


def test_all_but_some_can_not_be_taken_apart() -> None:
    statement = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}

    role = judge(stack(statement), made("s3:PutObject", ONE))

    assert uses(role) == {" ": USED}
