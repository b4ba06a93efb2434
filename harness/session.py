"""The whole flow in one place: start, package, apply, hand over; then destroy and stop."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness import backends
from harness.base import lambda_zip
from harness.deployment import Deployment
from harness.terraform import commands as terraform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings
    from harness.values import Endpoint


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
    with terraform.applied(settings, endpoint, packaged(settings)) as stack:
        yield Deployment.at(endpoint, stack, stack.outputs())


def packaged(settings: Settings) -> dict[str, str]:
    """Build the Lambda zip, where the project has one, and return the Terraform variable that names it."""
    if settings.package is not None:
        lambda_zip.build(settings, settings.package)
    return zip_variable(settings)


def zip_variable(settings: Settings) -> dict[str, str]:
    """Return the Terraform variable that names the Lambda zip, where the project has one."""
    return {} if settings.package is None else {settings.package.variable: str(settings.package.output)}
