"""The operations that read or write data. All others are about the resources themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.aws.calls import Call

# By boto3's name of the service, as in https://docs.aws.amazon.com/service-authorization/latest/reference/.
_READS: Mapping[str, str] = {
    "s3": "GetObject HeadObject GetObjectAttributes ListObjects ListObjectsV2 ListObjectVersions",
    "sqs": "ReceiveMessage",
    "dynamodb": "GetItem BatchGetItem Query Scan TransactGetItems ExecuteStatement",
    "secretsmanager": "GetSecretValue BatchGetSecretValue",
    "ssm": "GetParameter GetParameters GetParametersByPath",
    "kms": "Decrypt Verify VerifyMac",
    "kinesis": "GetRecords",
    "logs": "FilterLogEvents GetLogEvents StartQuery",
    "stepfunctions": "DescribeExecution GetExecutionHistory StartSyncExecution",
}
_WRITES: Mapping[str, str] = {
    "s3": "PutObject CopyObject DeleteObject DeleteObjects UploadPart CompleteMultipartUpload",
    "sqs": "SendMessage SendMessageBatch DeleteMessage DeleteMessageBatch",
    "sns": "Publish PublishBatch",
    "dynamodb": "PutItem UpdateItem DeleteItem BatchWriteItem TransactWriteItems ExecuteTransaction",
    "secretsmanager": "PutSecretValue UpdateSecret",
    "ssm": "PutParameter",
    "kms": "Encrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext Sign GenerateMac",
    "kinesis": "PutRecord PutRecords",
    "logs": "PutLogEvents",
    "events": "PutEvents",
    "stepfunctions": "StartExecution StartSyncExecution",
    "lambda": "Invoke InvokeAsync InvokeWithResponseStream",
}


def reads(call: Call) -> bool:
    """Whether a call has read data."""
    return call.succeeded and call.operation in _READS.get(call.service, "").split()


def writes(call: Call) -> bool:
    """Whether a call has handed data over, or deleted some."""
    return call.succeeded and call.operation in _WRITES.get(call.service, "").split()


def is_of_a_test(call: Call) -> bool:
    """Whether a test made a call."""
    return call.by.startswith("test:")


def is_of_the_system(call: Call) -> bool:
    """Whether a function made a call, or the emulator for a rule, a topic, or a function's log."""
    for_another = call.by == "emulator" and (call.source.startswith("arn:") or call.service == "logs")
    return call.by.startswith("function:") or (for_another and writes(call))
