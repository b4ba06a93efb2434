from __future__ import annotations

from typing import Any

import pytest
from lambda_process_executor.resource_arns import KMS_OF_AN_OBJECT, api_call, arns_of

HERE = "eu-north-1:000000000000"
KEY = f"arn:aws:kms:{HERE}:key/1234"


@pytest.mark.parametrize(
    ("service", "parameters", "arns"),
    [
        ("s3", {"Bucket": "b"}, ["arn:aws:s3:::b"]),
        ("s3", {"Bucket": "b", "Key": "a/c"}, ["arn:aws:s3:::b/a/c"]),
        ("s3", {}, []),
        ("sqs", {"QueueUrl": "http://127.0.0.1:4566/000000000000/jobs"}, [f"arn:aws:sqs:{HERE}:jobs"]),
        ("sqs", {"QueueUrl": "http://sqs.localhost:4566/000000000000/jobs"}, [f"arn:aws:sqs:{HERE}:jobs"]),
        ("sns", {"TopicArn": f"arn:aws:sns:{HERE}:t"}, [f"arn:aws:sns:{HERE}:t"]),
        ("dynamodb", {"TableName": "t"}, [f"arn:aws:dynamodb:{HERE}:table/t"]),
        ("dynamodb", {"TableName": f"arn:aws:dynamodb:{HERE}:table/t"}, [f"arn:aws:dynamodb:{HERE}:table/t"]),
        ("dynamodb", {"RequestItems": {"t": []}}, [f"arn:aws:dynamodb:{HERE}:table/t"]),
        ("dynamodb", {"TransactItems": [{"Put": {"TableName": "t"}}]}, [f"arn:aws:dynamodb:{HERE}:table/t"]),
        ("lambda", {"FunctionName": "f"}, [f"arn:aws:lambda:{HERE}:function:f"]),
        ("events", {"Entries": [{}]}, [f"arn:aws:events:{HERE}:event-bus/default"]),
        ("events", {"Entries": [{"EventBusName": "b"}] * 2}, [f"arn:aws:events:{HERE}:event-bus/b"]),
        ("cloudwatch", {"AlarmName": "a b"}, [f"arn:aws:cloudwatch:{HERE}:alarm:a b"]),
        ("cloudwatch", {"AlarmNames": ["a"]}, [f"arn:aws:cloudwatch:{HERE}:alarm:a"]),
        ("cloudwatch", {"AlarmNames.member.1": "a"}, [f"arn:aws:cloudwatch:{HERE}:alarm:a"]),
        ("cloudwatch", {"MetricName": "a"}, []),
        ("kms", {"KeyId": "1234"}, [KEY]),
        ("kms", {"KeyId": "alias/a"}, [f"arn:aws:kms:{HERE}:alias/a"]),
        ("ssm", {"Name": "/a/b"}, [f"arn:aws:ssm:{HERE}:parameter/a/b"]),
        ("ssm", {"Names": ["a"]}, [f"arn:aws:ssm:{HERE}:parameter/a"]),
        ("logs", {"logGroupName": "/g"}, [f"arn:aws:logs:{HERE}:log-group:/g"]),
        ("stepfunctions", {"stateMachineArn": "arn:aws:states:m", "input": "arn: no"}, ["arn:aws:states:m"]),
    ],
)  # fmt: skip
def test_the_parameters_of_a_call_tell_what_it_is_about(
    service: str, parameters: dict[str, Any], arns: list[str]
) -> None:
    assert list(arns_of(service, parameters, {}, region="eu-north-1", account="000000000000")) == arns


def test_the_key_behind_an_object_and_behind_an_alias_are_in_the_answer() -> None:
    of_object = arns_of("s3", {"Bucket": "b", "Key": "k"}, {KMS_OF_AN_OBJECT: KEY}, region="", account="")
    of_alias = arns_of("kms", {"KeyId": "alias/a"}, {"KeyId": KEY}, region="", account="")

    assert of_object == ("arn:aws:s3:::b/k", KEY)
    assert KEY in of_alias


@pytest.mark.parametrize(
    ("host", "path", "arn"),
    [
        ("h", "/_aws/execute-api/a1/dev/things/1", "arn:aws:execute-api:::a1/dev/GET/things/1"),
        ("h", "/restapis/a1/dev/_user_request_/things", "arn:aws:execute-api:::a1/dev/GET/things"),
        ("a1.execute-api.localhost:4566", "/dev/things", "arn:aws:execute-api:::a1/dev/GET/things"),
        ("h", "/_aws/execute-api/a1", "arn:aws:execute-api:::a1/$default/GET/"),
        ("h", "/bucket/key", ""),
        ("h", "/restapis/a1/stages/dev", ""),
    ],
)
def test_a_request_to_an_api_has_the_arn_that_iam_has_for_it(host: str, path: str, arn: str) -> None:
    assert api_call("GET", host, path) == arn
