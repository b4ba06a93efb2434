"""The ARNs of a call's resources, derived from its parameters.

The forms: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html. A call that this
table does not know has the ARNs that stand in its parameters.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

type Parameters = Mapping[str, Any]
KMS_OF_AN_OBJECT = "x-amz-server-side-encryption-aws-kms-key-id"
_MOST = 100  # of one call
_API_PATHS = (
    re.compile(r"/_aws/execute-api/(?P<api>[^/]+)(?:/(?P<stage>[^/]+)(?P<path>/.*)?)?"),
    re.compile(r"/restapis/(?P<api>[^/]+)/(?P<stage>[^/]+)/_user_request_(?P<path>/.*)?"),
)
_API_HOST = re.compile(r"(?P<api>[^.]+)\.execute-api\.")
_NAMED = {
    # service: (parameter, prefix of the name)
    "kinesis": ("StreamName", "stream/"),
    "lambda": ("FunctionName", "function:"),
    "secretsmanager": ("SecretId", "secret:"),
    "logs": ("logGroupName", "log-group:"),
}


def arns_of(
    service: str, parameters: Parameters, answer: Parameters, *, region: str, account: str
) -> tuple[str, ...]:
    """Return the ARNs of a call's resources, without duplicates.

    Args:
        service: the service, under boto3's name.
        parameters: the call's parameters, under the API's names.
        answer: the known part of the answer.
        region: the region of the call.
        account: whose resources it was for.
    """
    prefix = f"arn:aws:{service}:{region}:{account}:"
    told = _READERS.get(service, _nothing)(parameters, prefix)
    if name := _NAMED.get(service):
        told = [_full(str(parameters.get(name[0]) or ""), prefix + name[1])]
    every = [*told, *_arns_in(parameters), *_of_the_answer(service, answer)]
    return tuple(dict.fromkeys(filter(None, every)))[:_MOST]


def api_call(method: str, host: str, path: str) -> str:
    """Return the ARN of a request to an API's method, or an empty text for other requests.

    It has neither a region nor an account, because such a request names none.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
    """
    for form in _API_PATHS:
        if found := form.fullmatch(path):
            stage, rest = found["stage"] or "$default", found["path"] or "/"
            return f"arn:aws:execute-api:::{found['api']}/{stage}/{method}{rest}"
    if found := _API_HOST.match(host):
        stage, _, rest = path.lstrip("/").partition("/")
        return f"arn:aws:execute-api:::{found['api']}/{stage or '$default'}/{method}/{rest}"
    return ""


def _full(name: str, prefix: str) -> str:
    return name if not name or name.startswith("arn:") else prefix + name


def _nothing(_parameters: Parameters, _prefix: str) -> list[str]:
    return []


def _s3(parameters: Parameters, _prefix: str) -> list[str]:
    bucket, key = parameters.get("Bucket"), parameters.get("Key")
    if not bucket:
        return []
    return [f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"]


def _sqs(parameters: Parameters, prefix: str) -> list[str]:
    parts = [part for part in urlsplit(str(parameters.get("QueueUrl") or "")).path.split("/") if part]
    name = parts[-1] if parts else parameters.get("QueueName")
    return [f"{prefix}{name}"] if name else []


def _events(parameters: Parameters, prefix: str) -> list[str]:
    buses = [str(entry.get("EventBusName") or "default") for entry in _objects(parameters.get("Entries"))]
    return [_full(bus, f"{prefix}event-bus/") for bus in buses]


def _kms(parameters: Parameters, prefix: str) -> list[str]:
    key = str(parameters.get("KeyId") or "")
    return [_full(key, prefix if key.startswith("alias/") else f"{prefix}key/")]


def _ssm(parameters: Parameters, prefix: str) -> list[str]:
    names = [parameters.get("Name"), *_list(parameters.get("Names"))]
    return [
        _full(str(name), f"{prefix}parameter/").replace("parameter//", "parameter/") for name in names if name
    ]


def _dynamodb(parameters: Parameters, prefix: str) -> list[str]:
    requested = parameters.get("RequestItems")
    tables = [parameters.get("TableName"), *(requested if isinstance(requested, Mapping) else ())]
    for item in _objects(parameters.get("TransactItems")):
        tables += [inner.get("TableName") for inner in item.values() if isinstance(inner, Mapping)]
    return [_full(str(table), f"{prefix}table/") for table in tables if table]


def _cloudwatch(parameters: Parameters, prefix: str) -> list[str]:
    listed = (value for name, value in parameters.items() if name.startswith("AlarmNames.member."))
    names = [parameters.get("AlarmName"), *_list(parameters.get("AlarmNames")), *listed]
    return [f"{prefix}alarm:{name}" for name in names if name]


_READERS: Mapping[str, Callable[[Parameters, str], list[str]]] = {
    "cloudwatch": _cloudwatch,
    "s3": _s3,
    "sqs": _sqs,
    "events": _events,
    "kms": _kms,
    "ssm": _ssm,
    "dynamodb": _dynamodb,
}


def _arns_in(parameters: Parameters) -> Iterator[str]:
    for value in parameters.values():
        if isinstance(value, str) and value.startswith("arn:") and " " not in value:
            yield value


def _of_the_answer(service: str, answer: Parameters) -> Iterable[str]:
    """Return the key that a call of KMS or of S3 has used: its parameters have an alias, or nothing."""
    keys = [answer.get(KMS_OF_AN_OBJECT), answer.get("KeyId") if service == "kms" else None]
    return [key for key in keys if isinstance(key, str) and key.startswith("arn:")]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[Parameters]:
    return [each for each in _list(value) if isinstance(each, Mapping)]
