from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.coverage import Level
from harness.coverage.judge import judge_resources
from tests.unit.coverage.calls import EMULATOR, HARNESS, HERE, TERRAFORM, TEST, WRITER, call, resource

if TYPE_CHECKING:
    from harness.aws.calls import Call
    from harness.values import Resource

CREATED, UNKNOWN, USED, ASSERTED = Level
BUCKET = resource("aws_s3_bucket.b", arn="arn:aws:s3:::jobs")
OBJECT = "arn:aws:s3:::jobs/k"
PUT, GET = call("s3:PutObject", WRITER, OBJECT), call("s3:GetObject", TEST, OBJECT)
QUEUE = resource("aws_sqs_queue.q", arn=f"arn:aws:sqs:{HERE}:jobs")
FUNCTION = resource(
    "aws_lambda_function.f", arn=f"arn:aws:lambda:{HERE}:function:writer", function_name="writer", role="R"
)
ALIAS = resource("aws_lambda_alias.live", arn=f"arn:aws:lambda:{HERE}:function:writer:live")
RULE = resource("aws_cloudwatch_event_rule.r", arn=f"arn:aws:events:{HERE}:rule/r")
TARGET = resource(
    "aws_cloudwatch_event_target.t", rule="r", event_bus_name="default", arn=FUNCTION.values["arn"]
)
BETWEEN_SERVICES = call("sts:AssumeRole", EMULATOR, source="lambda")


def level(of: Resource, *calls: Call) -> Level:
    return judge_resources([of], calls)[of.address][0]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], CREATED),
        ([PUT], USED),
        ([GET], USED),
        ([PUT, GET], ASSERTED),
        ([GET, PUT], USED),
        # The bucket was emptied meanwhile: what the test read is not what the function wrote.
        ([PUT, call("s3:DeleteObjects", HARNESS, BUCKET.values["arn"]), GET], USED),
        # Not the data plane, not successful, not in this bucket, not by the system or a test.
        ([call("s3:GetBucketPolicy", TEST, BUCKET.values["arn"])], CREATED),
        ([call("s3:PutObject", WRITER, OBJECT, status=403, error="AccessDenied")], CREATED),
        ([call("s3:PutObject", WRITER, "arn:aws:s3:::jobs-archive/k")], CREATED),
        ([call("s3:PutObject", WRITER)], CREATED),
        ([call("s3:PutObject", TERRAFORM, OBJECT)], CREATED),
        ([call("s3:PutObject", HARNESS, OBJECT)], CREATED),
        ([call("s3:PutObject", "unknown", OBJECT)], CREATED),
        ([call("s3:GetObject", EMULATOR, OBJECT)], CREATED),
        ([call("s3:PutObject", TEST, OBJECT), GET], USED),
    ],
)
def test_a_bucket_is_judged_by_what_functions_and_tests_did_to_its_objects(
    calls: list[Call], expected: Level
) -> None:
    assert level(BUCKET, *calls) is expected


def test_what_the_state_has_no_arn_of_is_never_used() -> None:
    assert level(resource("aws_s3_bucket.b"), PUT, GET) is CREATED


def test_a_queue_that_only_the_emulator_delivers_to_is_used_where_the_log_tells_it() -> None:
    arn = QUEUE.values["arn"]

    assert level(QUEUE) is UNKNOWN
    assert level(QUEUE, BETWEEN_SERVICES) is CREATED
    assert level(QUEUE, call("sqs:SendMessage", EMULATOR, arn, source=f"arn:aws:sns:{HERE}:t")) is USED
    assert level(QUEUE, BETWEEN_SERVICES, call("sqs:ReceiveMessage", EMULATOR, arn)) is CREATED  # it polls


def test_a_key_is_used_by_an_object_that_is_encrypted_under_it() -> None:
    key = resource("aws_kms_key.k", arn=f"arn:aws:kms:{HERE}:key/1")

    assert level(key, PUT) is UNKNOWN
    assert level(key, call("s3:PutObject", WRITER, OBJECT, key.values["arn"])) is USED


def test_a_function_is_used_by_a_run_and_asserted_by_a_test_that_waited_for_its_answer() -> None:
    run = call("lambda-runtime:Invocation", EMULATOR, ALIAS.values["arn"])

    assert level(FUNCTION) is CREATED
    assert level(FUNCTION, call("lambda:UpdateFunctionCode", TEST, FUNCTION.values["arn"])) is CREATED
    assert level(FUNCTION, run) is USED
    assert level(FUNCTION, run, call("lambda:Invoke", TEST, ALIAS.values["arn"], status=202)) is USED
    assert level(FUNCTION, run, call("lambda:Invoke", TEST, ALIAS.values["arn"], status=200)) is ASSERTED


def test_an_alias_is_used_by_a_run_that_names_it_and_unknown_where_no_run_names_one() -> None:
    run = call("lambda-runtime:Invocation", EMULATOR, FUNCTION.values["arn"])
    by_alias = call("lambda-runtime:Invocation", EMULATOR, ALIAS.values["arn"])

    assert level(ALIAS) is CREATED
    assert level(ALIAS, run) is UNKNOWN
    assert level(ALIAS, run, BETWEEN_SERVICES) is CREATED
    assert level(ALIAS, by_alias) is USED


def test_a_rule_and_its_target_are_used_by_the_call_that_was_made_for_them() -> None:
    made = call("lambda:Invoke", EMULATOR, ALIAS.values["arn"], source=RULE.values["arn"])
    elsewhere = call("sqs:SendMessage", EMULATOR, QUEUE.values["arn"], source=RULE.values["arn"])

    assert [level(each) for each in (RULE, TARGET)] == [UNKNOWN, UNKNOWN]
    assert [level(each, BETWEEN_SERVICES) for each in (RULE, TARGET)] == [CREATED, CREATED]
    assert [level(each, made) for each in (RULE, TARGET)] == [USED, USED]
    assert [level(each, elsewhere) for each in (RULE, TARGET)] == [USED, CREATED]


def test_a_role_is_used_by_its_functions_calls_where_permissions_are_enforced() -> None:
    role, policy = resource("aws_iam_role.r", arn="R"), resource("aws_iam_role_policy.p", role="r")

    told = judge_resources([role, policy, FUNCTION], [PUT], enforces=True)

    assert told["aws_iam_role.r"][0] is USED
    assert told["aws_iam_role_policy.p"][0] is UNKNOWN
    assert judge_resources([role, FUNCTION], [PUT])["aws_iam_role.r"][0] is UNKNOWN


def test_a_kind_that_no_rule_knows_is_unknown_whatever_was_called() -> None:
    assert level(resource("aws_fancy_new_thing.x", arn="arn:aws:s3:::jobs"), PUT, GET) is UNKNOWN


def test_a_judgement_says_what_it_was_made_by() -> None:
    assert judge_resources([BUCKET], [PUT])["aws_s3_bucket.b"] == (USED, "s3:PutObject by function:writer")


ALARM = "arn:aws:cloudwatch:eu-north-1:000000000000:alarm:late"
SET = call("cloudwatch:SetAlarmState", TEST, ALARM)
READ = call("cloudwatch:DescribeAlarms", TEST, ALARM)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([], UNKNOWN),
        ([SET], USED),
        ([READ], USED),
        ([call("sns:Publish", EMULATOR, source=ALARM)], USED),
        ([SET, READ], ASSERTED),
        ([call("sns:Publish", EMULATOR, source=ALARM), READ], ASSERTED),
        ([call("cloudwatch:DescribeAlarms", TERRAFORM, ALARM)], UNKNOWN),
        ([call("cloudwatch:PutMetricAlarm", TEST, ALARM)], UNKNOWN),
        ([call("cloudwatch:DescribeAlarms", TEST)], UNKNOWN),
        ([call("cloudwatch:SetAlarmState", TEST, f"{ALARM}-too")], UNKNOWN),
        ([call("cloudwatch:SetAlarmState", TEST, ALARM, status=404, error="ResourceNotFound")], UNKNOWN),
    ],
)
def test_an_alarm_is_used_by_what_has_set_it_and_by_what_it_has_called(
    calls: list[Call], expected: Level
) -> None:
    assert level(resource("aws_cloudwatch_metric_alarm.late", arn=ALARM), *calls) is expected
