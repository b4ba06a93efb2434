"""Assertions about a running system. Each failure names the expected and the actual result."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.aws.inventory import SERVICES, inventory
from harness.base.polling import eventually
from harness.stack.assertions.expect import expect

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from harness.values import Change, Endpoint, StoredObject

_INTERVAL = 0.5  # seconds between two looks at an account


def assert_encrypted(stored: StoredObject, *, key_arn: str) -> None:
    """Check that `stored` is encrypted with SSE-KMS under exactly `key_arn`.

    Raises:
        ExpectationError: The object is not encrypted under the key.
    """
    expect(f"encryption of {stored.key}", "aws:kms", stored.encryption)
    expect(f"KMS key of {stored.key}", key_arn, stored.kms_key)


def assert_no_drift(changes: Sequence[Change]) -> None:
    """Check that a plan proposes nothing.

    Raises:
        ExpectationError: The plan proposes changes.
    """
    expect("changes of a second plan", [], list(changes))


@contextmanager
def assert_nothing_left(
    endpoint: Endpoint, *, services: Collection[str] = SERVICES, timeout: float = 10.0
) -> Iterator[None]:
    """Check that an account holds nothing new after the context.

    ```python
    with assert_nothing_left(endpoint), deployed_at(settings, endpoint) as stack:
        stack.rule().fire()
    ```

    Args:
        endpoint: The account.
        services: The services to ask, by boto3's names.
        timeout: Seconds that the last deletions may take to show.

    Raises:
        NotReachedError: Something is left. `last` lists it as `service:name`.
        SettingsError: A service is unknown.
    """
    before = inventory(endpoint, services=services)
    yield
    eventually(
        lambda: sorted(inventory(endpoint, services=services) - before),
        until=lambda left: not left,
        what="the end of everything that was not there before",
        timeout=timeout,
        interval=_INTERVAL,
    )
