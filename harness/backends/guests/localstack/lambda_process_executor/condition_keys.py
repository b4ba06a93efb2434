"""Condition keys of S3 that an emulator's enforcement of policies lacks, derived from the request.

A key that no request ever carries makes a policy that asks for it either useless or fatal:
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

_PUT_OBJECT_HEADERS = {
    "if-match": "s3:if-match",
    "if-none-match": "s3:if-none-match",
    "x-amz-server-side-encryption": "s3:x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm": "s3:x-amz-server-side-encryption-customer-algorithm",
    "x-amz-storage-class": "s3:x-amz-storage-class",
}
_TAG = "s3:RequestObjectTag/"
_TAGS = "s3:RequestObjectTagKeys"

type Keys = dict[str, str | list[str]]


def put_object_keys(headers: Mapping[str, str]) -> Keys:
    """Return the condition keys of a PutObject with these headers."""
    found: Keys = {key: headers[header] for header, key in _PUT_OBJECT_HEADERS.items() if headers.get(header)}
    return found | tag_keys(dict(parse_qsl(headers.get("x-amz-tagging", ""))))


def tag_keys(tags: Mapping[str, str]) -> Keys:
    """Return the condition keys of a request that sets these tags of an object."""
    each: Keys = {_TAG + name: value for name, value in tags.items()}
    return each | {_TAGS: list(tags)} if tags else each
