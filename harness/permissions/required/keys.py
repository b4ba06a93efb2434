"""The KMS keys behind other services, and the permissions that a caller needs on them.

S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
Secrets Manager: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
Systems Manager: https://docs.aws.amazon.com/kms/latest/developerguide/services-parameter-store.html
Kinesis: https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.aws.calls import Call
    from harness.values import Resource

DECRYPT, DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"
_BOTH = (DECRYPT, DATA_KEY)
_OPERATIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "s3": {
        "GetObject": (DECRYPT,),
        "PutObject": (DATA_KEY,),
        "CopyObject": _BOTH,
        "CreateMultipartUpload": _BOTH,
        "UploadPart": _BOTH,
        "UploadPartCopy": _BOTH,
        "CompleteMultipartUpload": (DECRYPT,),
    },
    "sqs": {"SendMessage": _BOTH, "SendMessageBatch": _BOTH, "ReceiveMessage": (DECRYPT,)},
    "sns": {"Publish": _BOTH, "PublishBatch": _BOTH},
    "kinesis": {"PutRecord": (DATA_KEY,), "PutRecords": (DATA_KEY,), "GetRecords": (DECRYPT,)},
    "secretsmanager": {"GetSecretValue": (DECRYPT,), "PutSecretValue": _BOTH, "UpdateSecret": _BOTH},
    "ssm": {
        "GetParameter": (DECRYPT,),
        "GetParameters": (DECRYPT,),
        "GetParametersByPath": (DECRYPT,),
        "PutParameter": (DATA_KEY, "kms:Encrypt"),
    },
}
# The log does not show everything that decides whether these operations need the key.
_UNCLEAR = frozenset({"ssm", "dynamodb", "firehose", "logs", "lambda", "stepfunctions", "events"})
_UNCLEAR_OPERATIONS = frozenset({"HeadObject", "GetObjectAttributes", "CopyObject", "UploadPartCopy"})
# The attribute of a kind of resource that has its key.
_ATTRIBUTES: Mapping[str, str] = {
    "aws_sqs_queue": "kms_master_key_id",
    "aws_sns_topic": "kms_master_key_id",
    "aws_kinesis_stream": "kms_key_id",
    "aws_secretsmanager_secret": "kms_key_id",
    "aws_ssm_parameter": "key_id",
}
_SERVICE_NAMES: Mapping[str, str] = {
    "s3": "s3",
    "sqs": "sqs",
    "sns": "sns",
    "kinesis": "kinesis",
    "secretsmanager": "secretsmanager",
    "ssm": "ssm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """An action on a key that a call also needed.

    Attributes:
        action: The action.
        key: The key's ARN. Empty if unknown.
        via: The service that asks for it, as in `kms:ViaService`.
        is_sure: Whether it was certainly needed.
    """

    action: str
    key: str
    via: str
    is_sure: bool


def uses_of(call: Call, resources: Sequence[Resource]) -> Iterator[KeyUse]:
    """Yield the needs of a call on keys, judged by its encryption in the log and the state."""
    if call.service in _UNCLEAR or call.operation in _UNCLEAR_OPERATIONS:
        yield from (KeyUse(action=each, key="", via="", is_sure=False) for each in (*_BOTH, "kms:Encrypt"))
        return
    actions = _OPERATIONS.get(call.service, {}).get(call.operation, ())
    if not actions or not call.succeeded:
        return
    key, is_known = _key_of(call, resources)
    via = f"{_SERVICE_NAMES[call.service]}.{call.region}.amazonaws.com"
    if key:
        yield from (KeyUse(action=each, key=key, via=via, is_sure=True) for each in actions)
    elif not is_known:
        yield from (KeyUse(action=each, key="", via="", is_sure=False) for each in actions)


def key_arn(name: str, resources: Sequence[Resource]) -> str:
    """Return the ARN of a key of the stack by its id, ARN or alias, or an empty text."""
    by_alias = {
        str(each.values.get(attribute)): str(each.values.get("target_key_arn") or "")
        for each in resources
        if each.type == "aws_kms_alias"
        for attribute in ("name", "arn")
    }
    wanted = by_alias.get(name, name)
    found = (each.values for each in resources if each.type == "aws_kms_key")
    return next((str(key["arn"]) for key in found if wanted in {key.get("key_id"), key.get("arn")}), "")


def _key_of(call: Call, resources: Sequence[Resource]) -> tuple[str, bool]:
    """Return the key of a call's resource, and whether that is sure.

    The key is empty if it is not the stack's.
    """
    in_log = [arn for arn in call.resources if ":kms:" in arn]
    if in_log:
        keys = [key for arn in in_log if (key := key_arn(arn, resources))]
        return (keys[0], True) if keys else ("", False)
    if call.service == "s3":
        return _key_of_a_bucket(call, resources)
    for each in resources:
        attribute = _ATTRIBUTES.get(each.type)
        if attribute and call.concerns(str(each.values.get("arn"))):
            named = str(each.values.get(attribute) or "")
            key = key_arn(named, resources)
            return key, not named or bool(key) or named.startswith("alias/aws/")
    return "", False


def _key_of_a_bucket(call: Call, resources: Sequence[Resource]) -> tuple[str, bool]:
    """Return the default key of a bucket.

    A bucket without one is encrypted with S3's own key.
    """
    buckets = [
        str(each.values.get("bucket"))
        for each in resources
        if each.type == "aws_s3_bucket" and call.concerns(str(each.values.get("arn")))
    ]
    if not buckets:
        return "", False
    for each in resources:
        is_encryption = each.type == "aws_s3_bucket_server_side_encryption_configuration"
        if is_encryption and each.values.get("bucket") == buckets[0]:
            named = "".join(_default_keys(each))
            key = key_arn(named, resources)
            return key, not named or bool(key)
    return "", True


def _default_keys(encryption: Resource) -> Iterator[str]:
    for rule in encryption.values.get("rule") or ():
        for default in rule.get("apply_server_side_encryption_by_default") or ():
            if str(default.get("sse_algorithm")).startswith("aws:kms"):
                yield str(default.get("kms_master_key_id") or "")
