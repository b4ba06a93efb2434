"""An endpoint that already runs, here or elsewhere: it is used, and never stopped."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.aws import clients
from harness.backends import emulator
from harness.backends.backend import Availability, Backend
from harness.errors import BackendError, SettingsError
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings

log = logging.getLogger(__name__)

SETTING = "HARNESS_ENDPOINT_URL"
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


@contextmanager
def external(settings: Settings) -> Iterator[Endpoint]:
    """Use the emulator at `settings.endpoint_url`.

    Raises:
        BackendError: No AWS answers there.
        SettingsError: The setting is missing, or it is a host of real AWS.
    """
    endpoint = Endpoint(backend="external", url=url_of(settings), region=settings.region)
    check_answers(endpoint)
    log.info("using what runs at %s", endpoint.url)
    yield endpoint


def check_answers(endpoint: Endpoint) -> None:
    """Check that an AWS answers at `endpoint`; every emulator serves GetCallerIdentity.

    Raises:
        BackendError: None does.
    """
    remedy = f"start one there, such as `harness emulator`, or correct {SETTING}"
    if not emulator.answers(endpoint):
        raise BackendError("external", f"nothing answers at {endpoint.url}; {remedy}")
    try:
        clients.client(endpoint, "sts").get_caller_identity()
    except clients.FAILURES as problem:
        reason = f"no AWS answers at {endpoint.url} ({problem}); {remedy}"
        raise BackendError("external", reason) from problem


def url_of(settings: Settings) -> str:
    """Return the URL that is set.

    Raises:
        SettingsError: None is, or it is one of real AWS.
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
    endpoint = Endpoint(backend="external", url=url_of(settings), region=settings.region)
    check_answers(endpoint)
    return Availability(ok=True, state=f"answers at {endpoint.url}")


EXTERNAL = Backend(name="external", start=external, examine=_examine)
