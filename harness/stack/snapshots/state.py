"""The state of a running emulator, as the harness's guest in it hands it out and takes it back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3

from harness.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.values import Endpoint

PATH = "/_harness/state"
_KIND = "application/octet-stream"
_TIMEOUT = 60.0  # seconds
_OK = 200
_NAMES = ("localhost.localstack.cloud", "localhost")
_IN_ARN = re.compile(r"\barn:aws[\w-]*:[\w-]*:[\w-]*:(\d{12}):")


def address_of(endpoint: Endpoint) -> str:
    """Return the `host:port` of an endpoint, which URLs in its state begin with."""
    return urlsplit(endpoint.url).netloc


def replace_address(content: bytes, old: str, new: str) -> bytes:
    """Return `content` with an emulator's addresses at `old` replaced by those at `new`, as `host:port`.

    An emulator also goes by names of its own: LocalStack puts one into the URLs of queues.
    """
    (old_port, new_port) = (address.rpartition(":")[2] for address in (old, new))
    places = {f"{name}:{old_port}": f"{name}:{new_port}" for name in _NAMES} | {old: new}
    for before, after in places.items():
        content = re.sub(re.escape(before.encode()) + rb"(?!\d)", after.encode(), content)
    return content


def accounts_of(endpoint: Endpoint, states: Iterable[str]) -> frozenset[str]:
    """Return the accounts that a stack uses: that of its keys, and those in its ARNs.

    Args:
        endpoint: The endpoint of the stack.
        states: The texts of its Terraform states.
    """
    return frozenset({endpoint.account, *(account for state in states for account in _IN_ARN.findall(state))})


def fetch(endpoint: Endpoint, accounts: Iterable[str]) -> bytes:
    """Return the emulator's state for some accounts.

    Raises:
        BackendError: The emulator can't save its state, or a part of it.
    """
    return _ask(endpoint, "GET", f"?accounts={','.join(sorted(accounts))}")


def put(endpoint: Endpoint, state: bytes) -> None:
    """Replace the emulator's state for some accounts with the result of `fetch`.

    Raises:
        BackendError: The emulator does not accept it.
    """
    _ask(endpoint, "PUT", body=state)


def _ask(endpoint: Endpoint, method: str, query: str = "", body: bytes | None = None) -> bytes:
    try:
        with urllib3.PoolManager(retries=False) as http:
            answer = http.request(
                method,
                f"{endpoint.url}{PATH}{query}",
                body=body,
                timeout=_TIMEOUT,
                headers={"Content-Type": _KIND},
            )
    except urllib3.exceptions.HTTPError as problem:
        raise BackendError(endpoint.backend, f"it does not answer for its state ({problem})") from problem
    if _KIND not in answer.headers.get("content-type", ""):
        raise BackendError(endpoint.backend, "it keeps no state that can be saved")
    if answer.status != _OK:
        raise BackendError(endpoint.backend, answer.data.decode("utf-8", "replace"))
    return answer.data
