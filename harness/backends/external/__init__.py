"""An endpoint that already runs, here or elsewhere. The harness uses it and never stops it."""

from __future__ import annotations

import configparser
import logging
import ssl
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, SSLError
from botocore.parsers import ResponseParserError

from harness.aws import clients
from harness.backends import emulator
from harness.backends.backend import Availability, Backend
from harness.backends.external import known
from harness.errors import BackendError, SettingsError
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.settings import Settings

log = logging.getLogger(__name__)

SETTING = "HARNESS_ENDPOINT_URL"
_CA, _KEYS = "HARNESS_ENDPOINT_CA", "HARNESS_ENDPOINT_CREDENTIALS"
_START_ONE = f"start one there, such as `harness emulator`, or correct {SETTING}"
_NO_ACCOUNT = "it names no account when GetCallerIdentity asks"
_LONGEST = 200  # characters of another server's answer
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


@contextmanager
def external(settings: Settings) -> Iterator[Endpoint]:
    """Use the emulator at `settings.endpoint_url`.

    Raises:
        BackendError: No AWS answers there, or it is not trusted, or it refuses the keys.
        SettingsError: The URL is missing or belongs to real AWS, or the file of another setting is
            incomplete.
    """
    endpoint = endpoint_of(settings)
    check_answers(endpoint)
    log.info("using the endpoint that runs at %s", endpoint.url)
    yield endpoint


def endpoint_of(settings: Settings) -> Endpoint:
    """Return the configured endpoint, with its certificates and keys.

    Raises:
        SettingsError: See `external`.
    """
    endpoint = Endpoint(backend="external", url=url_of(settings), region=settings.region)
    if settings.endpoint_ca:
        endpoint = replace(endpoint, ca=_certificates(settings.endpoint_ca))
    if settings.endpoint_credentials:
        access_key, secret_key = _keys(settings.endpoint_credentials)
        endpoint = replace(endpoint, access_key=access_key, secret_key=secret_key)
    return endpoint


def check_answers(endpoint: Endpoint) -> None:
    """Check that an AWS answers at `endpoint`. Every emulator serves GetCallerIdentity.

    Raises:
        BackendError: No AWS answers there, or it is not trusted, or it refuses the keys.
    """
    if not emulator.answers(endpoint):
        raise BackendError("external", f"nothing answers at {endpoint.url}; {_START_ONE}")
    try:
        identity = clients.client(endpoint, "sts").get_caller_identity()
    except SSLError as problem:
        raise BackendError("external", _no_tls(endpoint, problem)) from problem
    except ClientError as problem:
        if problem.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.FORBIDDEN:
            reason = f"{endpoint.url} refuses the keys ({problem}); name the file of its own in {_KEYS}"
            raise BackendError("external", reason) from problem
        raise _no_aws(endpoint, str(problem)) from problem
    except BotoCoreError as problem:
        raise _no_aws(endpoint, " ".join(str(problem).split())) from problem
    except (ResponseParserError, KeyError) as problem:  # botocore expects parts that the answer does not have
        raise _no_aws(endpoint, _NO_ACCOUNT) from problem
    if "Account" not in identity:
        raise _no_aws(endpoint, _NO_ACCOUNT)


def _no_aws(endpoint: Endpoint, problem: str) -> BackendError:
    return BackendError("external", f"no AWS answers at {endpoint.url} ({problem[:_LONGEST]}); {_START_ONE}")


def _no_tls(endpoint: Endpoint, problem: SSLError) -> str:
    """Return why no TLS is spoken with `endpoint`: most emulators serve plain HTTP only."""
    plain = replace(endpoint, url="http:" + endpoint.url.removeprefix("https:"))
    if emulator.answers(plain):
        return f"{endpoint.url} speaks no TLS, only http; set {SETTING}={plain.url}"
    return f"{endpoint.url} is not trusted ({_last_cause(problem)}); name its CA's certificates in {_CA}"


def _last_cause(problem: BaseException) -> BaseException:
    """Return the root cause of a TLS error. The errors around it only repeat it."""
    while deeper := problem.__cause__ or problem.__context__:
        problem = deeper
    return problem


def _certificates(file: Path) -> str:
    try:
        ssl.create_default_context(cafile=str(file))
    except (OSError, ssl.SSLError):
        raise SettingsError(_CA, expected="a PEM file with certificates", got=str(file)) from None
    return str(file)


def _keys(file: Path) -> tuple[str, str]:
    """Return the keys of the profile `default`, or of the only one there is."""
    parser = configparser.RawConfigParser(default_section="")
    try:
        parser.read_string(file.read_text("utf-8"))
        profile = "default" if parser.has_section("default") else next(iter(parser.sections()), "")
        return parser[profile]["aws_access_key_id"], parser[profile]["aws_secret_access_key"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError):
        expected = "a file with aws_access_key_id and aws_secret_access_key in a profile"
        raise SettingsError(_KEYS, expected=expected, got=str(file)) from None


def url_of(settings: Settings) -> str:
    """Return the configured URL.

    Raises:
        SettingsError: No URL is set, or it belongs to real AWS.
    """
    if not settings.endpoint_url:
        raise SettingsError(SETTING, expected="the URL of an emulator that runs", got=None)
    host = urlsplit(settings.endpoint_url).hostname or ""
    if f".{host}".endswith(_AWS_DOMAINS):
        expected = "an emulator; for real AWS there is HARNESS_BACKEND=aws"
        raise SettingsError(SETTING, expected=expected, got=settings.endpoint_url)
    return settings.endpoint_url


def _examine(settings: Settings) -> Availability:
    if not settings.endpoint_url:
        return Availability(ok=False, state="not set up", remedy=f"name a running emulator in {SETTING}")
    endpoint = endpoint_of(settings)
    try:
        check_answers(endpoint)
    except BackendError as problem:
        if folder := known.files_of_awss_own(endpoint.url, settings.environ):
            remedy = f"set {_CA}={folder / 'ca.pem'} and {_KEYS}={folder / 'credentials'}"
            return Availability(ok=False, state=problem.reason, remedy=remedy)
        raise
    what = known.recognise(endpoint, settings.environ) or "an emulator that the harness does not know"
    return Availability(ok=True, state=f"answers at {endpoint.url}: {what}")


EXTERNAL = Backend(name="external", start=external, examine=_examine)
