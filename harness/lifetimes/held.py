"""The content of a keeper, a backend or a stack on one, and its use by another process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness import backends
from harness.errors import HarnessError
from harness.lifetimes.keeper import Holding
from harness.session import deployed_for_the_run, zip_variables
from harness.stack.deployment import Deployment
from harness.terraform import commands as terraform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings
    from harness.values import Endpoint


@contextmanager
def backend_held(settings: Settings) -> Iterator[Holding]:
    """Start the backend for a keeper."""
    with backends.started(settings) as endpoint:
        yield Holding(endpoint=endpoint)


@contextmanager
def stack_held(settings: Settings, endpoint: Endpoint) -> Iterator[Holding]:
    """Apply the stack for a keeper."""
    with deployed_for_the_run(settings, endpoint) as deployment:
        yield Holding(endpoint=endpoint, root=deployment.terraform.root, outputs=deployment.outputs)


def attach(settings: Settings, held: Holding) -> Deployment:
    """Return the deployment that a keeper holds.

    Raises:
        HarnessError: The keeper holds no stack, or Terraform is missing.
    """
    if held.root is None:
        raise HarnessError("expected a keeper that holds a stack, got one with only a backend")
    zips = zip_variables(settings, running=held.endpoint.backend)
    commands = terraform.commands_at(held.endpoint, held.root, settings, zips)
    return Deployment.at(held.endpoint, commands, held.outputs)
