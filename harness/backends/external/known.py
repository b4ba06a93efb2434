"""Emulators that can be recognised by one of their routes, with notes about them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.values import Endpoint

_TIMEOUT = 2.0  # seconds
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEmulator:
    """An emulator.

    Attributes:
        name: Its proper name.
        route: A path at which it alone answers JSON.
        note: A note about it, in one clause.
    """

    name: str
    route: str
    note: str


# LocalStack is asked last, as others answer its route too.
_KNOWN = (
    KnownEmulator(
        name="LocalEmu",
        route="/_localemu/health",
        note="a fork of LocalStack; it enforces IAM if it was started with IAM_ENFORCEMENT=1",
    ),
    KnownEmulator(
        name="MiniStack",
        route="/_ministack/health",
        note="it enforces IAM and bucket policies if it was started with AUTH=true",
    ),
    KnownEmulator(
        name="floci",
        route="/_floci/health",
        note="it runs functions in Docker containers; the harness was not tried on it",
    ),
    KnownEmulator(
        name="moto",
        route="/moto-api/data.json",
        note="EventBridge and API Gateway reach no function there, so use another one for a whole system",
    ),
    KnownEmulator(
        name="LocalStack",
        route="/_localstack/health",
        note="it enforces neither IAM nor bucket policies",
    ),
)


def recognise(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    """Return the name and the note of the emulator at an endpoint, or an empty text if it is unknown."""
    with urllib3.PoolManager(retries=False, ca_certs=endpoint.ca or None) as http:
        for known in _KNOWN:
            answer = _version_at(http, endpoint.url + known.route)
            if answer is not None:
                return f"{' '.join(filter(None, (known.name, answer)))}: {known.note}"
    if files_of_awss_own(endpoint.url, environ):
        return "AWS Emulator, by its files: the harness was not tried on it"
    return ""


def files_of_awss_own(url: str, environ: Mapping[str, str]) -> Path | None:
    """Return the folder of AWS's own emulator with certificates and keys, if it runs at `url`.

    https://docs.aws.amazon.com/emulator/latest/userguide/point-sdk-to-emulator.html
    """
    port = urlsplit(url).port
    folder = Path(environ.get("HOME", "/")) / ".aws" / "emulator" / str(port)
    return folder if url.startswith("https:") and (folder / "ca.pem").is_file() else None


def _version_at(http: urllib3.PoolManager, url: str) -> str | None:
    """Return the version in the answer of a route, which may be empty, or None if there is no such route."""
    try:
        answer = http.request("GET", url, timeout=_TIMEOUT, redirect=False)
        health = json.loads(answer.data) if answer.status == _OK else None
    except (urllib3.exceptions.HTTPError, ValueError):
        return None
    return str(health.get("version", "")) if isinstance(health, dict) else None
