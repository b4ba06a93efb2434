"""The whole flow in one place: start, package, apply, hand over; then destroy and stop."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness import backends, package, terraform
from harness.deployment import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings
    from harness.types import Endpoint


@contextmanager
def deployed(settings: Settings) -> Iterator[Deployment]:
    """Run the stack of `settings` on the backend of `settings` while the context is open.

    Raises:
        HarnessError: A step failed; the steps before it have been undone.
    """
    with (
        backends.started(settings) as endpoint,
        deployed_at(settings, endpoint) as deployment,
    ):
        yield deployment


@contextmanager
def deployed_at(settings: Settings, endpoint: Endpoint) -> Iterator[Deployment]:
    """Run the stack of `settings` at an `endpoint` that is there already, while the context is open.

    Raises:
        HarnessError: A step failed; the steps before it have been undone.
    """
    with terraform.applied(settings, endpoint, _packaged(settings)) as stack:
        yield Deployment(endpoint=endpoint, terraform=stack, outputs=stack.outputs())


def _packaged(settings: Settings) -> dict[str, str]:
    """Build the Lambda zip, where the project has one, and return the Terraform variable that names it."""
    if settings.package is None:
        return {}
    return {settings.package.variable: str(package.build(settings, settings.package))}
