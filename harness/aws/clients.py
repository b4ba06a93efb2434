"""The only importer of boto3, and of botocore's sessions. A command waits longer for them than for answers.

So nothing is imported before the first client is made. boto3 adds nothing to the clients of botocore, except
to those of S3, which transfer files. Its transfers and resources are loaded for these alone.
"""

from __future__ import annotations

import gzip
import json
import os
import threading
from contextlib import suppress
from functools import lru_cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from harness.base import caller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import boto3
    from botocore.awsrequest import AWSRequest
    from botocore.config import Config
    from botocore.loaders import Loader
    from botocore.session import Session

    from harness.values import Endpoint

_ONE_AT_A_TIME = threading.Lock()  # clients may be shared among threads, and sessions may not
_TIMEOUT = 60.0  # seconds
# A client that gives up a call sends it again, and a function would run twice. The longest call takes 900
# seconds: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_LONGEST_INVOCATION = 930.0
# No profile, and no shared files, in botocore's form: key in these files, variable, default, conversion. A
# profile that AWS_PROFILE names would have to exist.
_NOTHING_OF_THE_USER = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
FAILURES = (BotoCoreError, ClientError)  # errors of a call that is refused or not answered


def client(endpoint: Endpoint, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return a boto3 client of `service` that talks to `endpoint` and to nothing else.

    Neither the profile nor the shared configuration of the user is read, unless the endpoint is real AWS.
    """
    if endpoint.is_aws:
        return _real(endpoint, service)
    with _ONE_AT_A_TIME:
        session = _session(endpoint.access_key, endpoint.secret_key, endpoint.region)
        create: Callable[..., Any] = (
            _with_transfers(session).client if service == "s3" else session.create_client
        )
        timeout = _LONGEST_INVOCATION if service == "lambda" else _TIMEOUT
        made = create(service, endpoint_url=endpoint.url, verify=endpoint.ca or None, config=_config(timeout))
        made.meta.events.register("before-sign", partial(_ask_the_endpoint, urlsplit(endpoint.url).netloc))
        return made


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
def _session(access_key: str, secret_key: str, region: str) -> Session:
    """Return the session for these credentials. It caches its data files, so further clients are cheap."""
    from botocore.session import Session  # noqa: PLC0415

    session = Session(session_vars=_NOTHING_OF_THE_USER)
    session.register_component("data_loader", _quick_loader())
    session.set_config_variable("region", region)
    session.set_credentials(access_key, secret_key)
    session.register("before-send", _tell_caller)
    return session


def _quick_loader() -> Loader:
    """Return a loader of service models that does not open the folders of all services to list them.

    It keeps them in plain dictionaries, which are read in a third of the time of botocore's ordered ones.
    """
    from botocore.loaders import JSONFileLoader, Loader  # noqa: PLC0415

    class PlainFiles(JSONFileLoader):
        def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - a model has many forms
            for suffix, opened in ((".json", open), (".json.gz", gzip.open)):
                with suppress(FileNotFoundError), opened(f"{file_path}{suffix}", "rb") as file:
                    return json.loads(file.read())
            return None

    class QuickLoader(Loader):
        FILE_LOADER_CLASS = PlainFiles

        def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - as it is called
            held = [next(os.walk(path), ("", [], []))[1] for path in self.search_paths]
            return sorted(chain.from_iterable(held))

    return QuickLoader()


@lru_cache(maxsize=32)
def _with_transfers(session: Session) -> boto3.session.Session:
    import boto3  # noqa: PLC0415

    return boto3.session.Session(botocore_session=session)


def _ask_the_endpoint(host: str, request: AWSRequest, **_event: object) -> None:
    """Leave out a prefix of the host: the `sync-` of StartSyncExecution, or the account of S3 Control."""
    asked = urlsplit(str(request.url)).netloc
    if asked != host and asked.endswith(host):
        request.url = str(request.url).replace(asked, host, 1)


def _tell_caller(**event: Any) -> None:  # noqa: ANN401 - botocore's handlers take anything
    """Name the caller in the user agent, which is not part of the signature."""
    request = event["request"]
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
