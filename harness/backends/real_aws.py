"""Real AWS, with the credentials of the caller: only on request, and only in accounts that are allowed."""

from __future__ import annotations

import logging
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.aws.clients import FAILURES, client
from harness.backends.backend import Availability, Backend
from harness.errors import BackendError, SettingsError
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings

log = logging.getLogger(__name__)

SETTING = "HARNESS_AWS_ACCOUNTS"
_ENDPOINT = "AWS_ENDPOINT_URL"  # for all services; for one with `_` and its name behind it


@contextmanager
def aws(settings: Settings) -> Iterator[Endpoint]:
    """Use the account of the caller's credentials, with a unique name for this run's resources.

    Raises:
        BackendError: AWS does not accept the credentials, or the account is not allowed.
        SettingsError: No account is allowed, or an endpoint is set: one service's is enough.
    """
    _check_settings(settings)
    endpoint = Endpoint(
        backend="aws", url="", region=settings.region, access_key="", secret_key="", name=unique_name()
    )
    account = _check_account(settings, endpoint)
    log.warning(
        "REAL AWS: account %s, region %s, names with %r. What is created costs money until it is destroyed",
        account,
        endpoint.region,
        endpoint.name,
    )
    yield endpoint


def unique_name() -> str:
    """Return a name for one run, that a bucket, a role and a stage may have: `t` and 8 hex digits."""
    return f"t{secrets.token_hex(4)}"


def _check_settings(settings: Settings) -> None:
    if not settings.aws_accounts:
        expected = "the numbers of the accounts that this may deploy to and pay with"
        raise SettingsError(SETTING, expected=expected, got=None)
    for name, url in sorted(settings.environ.items()):
        if name.startswith(_ENDPOINT) and url:
            raise SettingsError(name, expected="to be unset for the backend aws", got=url)


def _check_account(settings: Settings, endpoint: Endpoint) -> str:
    try:
        identity = client(endpoint, "sts").get_caller_identity()
    except FAILURES as problem:
        raise BackendError("aws", f"sts:GetCallerIdentity failed: {problem}") from problem
    account = str(identity["Account"])
    if account not in settings.aws_accounts:
        allowed = ", ".join(settings.aws_accounts)
        raise BackendError(
            "aws", f"the credentials are of account {account}, and {SETTING} allows only {allowed}"
        )
    return account


def _examine(settings: Settings) -> Availability:
    if not settings.aws_accounts:
        remedy = f"list the accounts it may use in {SETTING}"
        return Availability(ok=False, state="no account is allowed", remedy=remedy)
    allowed = ", ".join(settings.aws_accounts)
    return Availability(ok=True, state=f"allowed in {allowed}, but not contacted")


AWS = Backend(name="aws", start=aws, examine=_examine, has_accounts=False, names_stacks=True)
