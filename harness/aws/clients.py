"""The only importer of boto3, at the first client, because loading it takes longer than most commands."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from harness.base import caller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import boto3
    from botocore.config import Config

    from harness.values import Endpoint

_ONE_AT_A_TIME = threading.Lock()  # clients may be shared among threads, and sessions may not
_TIMEOUT = 60.0  # seconds
# A client that gives up a call sends it again, and a function would run twice. The longest call takes 900
# seconds: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LONGEST_INVOCATION = 930.0
FAILURES = (BotoCoreError, ClientError)  # errors of a call that is refused or not answered


def client(endpoint: Endpoint, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return a boto3 client of `service` that talks to `endpoint` and to nothing else.

    Neither the profile nor the shared configuration of the user is read, unless the endpoint is real AWS.
    """
    if endpoint.is_aws:
        return _real(endpoint, service)
    with _ONE_AT_A_TIME:
        session = _session(endpoint.access_key, endpoint.secret_key, endpoint.region)
        create: Callable[..., Any] = session.client  # typed by literal names, and `service` is any of them
        timeout = _LONGEST_INVOCATION if service == "lambda" else _TIMEOUT
        return create(service, endpoint_url=endpoint.url, verify=endpoint.ca or None, config=_config(timeout))


@lru_cache(maxsize=2)
def _config(read_timeout: float) -> Config:
    from botocore.config import Config  # noqa: PLC0415 - see above

    return Config(
        connect_timeout=5,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 3},
        # An emulator's host has no wildcard domain, so buckets go into the path.
        s3={"addressing_style": "path"},
        # A proxy of the environment is for the outer world, and the endpoint is not in it.
        proxies={},
    )


@lru_cache(maxsize=32)
def _session(access_key: str, secret_key: str, region: str) -> boto3.session.Session:
    """Return the session for these credentials. It caches its data files, so further clients are cheap."""
    import boto3  # noqa: PLC0415

    session = boto3.session.Session(
        aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region
    )
    session.events.register("before-send", _tell_caller)
    return session


def _tell_caller(request: Any, **_rest: object) -> None:  # noqa: ANN401 - botocore has no types
    """Name the caller in the user agent, which is not part of the signature."""
    own = request.headers.get("User-Agent", "")
    request.headers["User-Agent"] = caller.user_agent(own.decode() if isinstance(own, bytes) else own)


def _real(endpoint: Endpoint, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    import boto3  # noqa: PLC0415

    session = boto3.session.Session(region_name=endpoint.region)
    create: Callable[..., Any] = session.client
    return create(service)


def plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item of DynamoDB as Python values, numbers as `Decimal`."""
    from boto3.dynamodb.types import TypeDeserializer  # noqa: PLC0415

    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def typed_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return an item as DynamoDB's API takes it."""
    from boto3.dynamodb.types import TypeSerializer  # noqa: PLC0415

    return {name: TypeSerializer().serialize(value) for name, value in item.items()}
