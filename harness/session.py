"""The whole flow in one place: start, package, apply, hand over, destroy and stop."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import backends
from harness.errors import SettingsError
from harness.functions import packages
from harness.settings import Settings
from harness.stack.deployment import Deployment
from harness.stack.snapshots import Baseline, RestorableStack
from harness.terraform import apply, rules, state
from harness.terraform import commands as terraform
from harness.terraform.hcl import input_variables, remote_state, scratch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.settings import PackageSettings
    from harness.stack.snapshots import Snapshot
    from harness.values import Endpoint

log = logging.getLogger(__name__)


@contextmanager
def deployed(settings: Settings | None = None) -> Iterator[Deployment]:
    """Run your stack while the context is open.

    Args:
        settings: The settings to use. By default, those of the environment and of the project's
            `pyproject.toml`.

    Raises:
        HarnessError: A step failed. The steps before it have been undone.
    """
    settings = settings or Settings.from_env(os.environ)
    prepare(settings)
    backends.check_needs(settings)
    with (
        backends.started(settings) as endpoint,
        deployed_for_the_run(settings, endpoint) as deployment,
    ):
        yield deployment


def deployed_for_the_run(settings: Settings, endpoint: Endpoint) -> AbstractContextManager[Deployment]:
    """Run the stack of `settings` at an `endpoint` that serves nothing else.

    An emulator that ends with the run takes the stack with it. The harness then destroys the stack only if
    the settings ask for that.

    Raises:
        HarnessError: A step failed. The steps before it have been undone.
    """
    destroy = settings.destroy or not endpoint.is_temporary
    return deployed_at(settings, endpoint, destroy=destroy, snapshots=settings.snapshots)


@contextmanager
def deployed_at(
    settings: Settings, endpoint: Endpoint, *, destroy: bool = True, snapshots: bool = False
) -> Iterator[Deployment]:
    """Run the stack of `settings` at an `endpoint` that is already there, while the context is open.

    Args:
        settings: The settings.
        endpoint: The endpoint to deploy to.
        destroy: Whether to destroy the stack at the end.
        snapshots: Whether to restore the stack from a snapshot, and to save one. Only for an endpoint that
            serves nothing else.

    Raises:
        HarnessError: A step failed. The steps before it have been undone.
    """
    prepare(settings, running=endpoint.backend)
    backends.check_needs(settings, running=endpoint.backend)
    zips = zip_variables(settings, running=endpoint.backend)
    restorable = RestorableStack.of(replace(settings, snapshots=snapshots), endpoint, zips)
    with ExitStack() as resources:
        applied: dict[Path, terraform.Terraform] = {}
        for each in remote_state.stages(settings):
            states = {folder: other.state for folder, other in applied.items()}
            context = apply.applied(
                each,
                endpoint,
                zip_variables(each, running=endpoint.backend),
                destroy=destroy,
                states=remote_state.states_read(each.terraform_dir, states),
                bring_up=restorable.bring_up,
            )
            applied[each.terraform_dir] = resources.enter_context(context)
            tell_refusals(applied[each.terraform_dir])
        restorable.keep()
        stack = applied[settings.terraform_dir]
        yield Deployment.at(endpoint, stack, stack.outputs())


def snapshot_of(settings: Settings, deployment: Deployment) -> Snapshot:
    """Take a snapshot of a stack in its present state.

    Raises:
        BackendError: The emulator can't save its state.
        SettingsError: The stack has several roots, and a snapshot holds only one.
    """
    if settings.roots:
        raise SettingsError(
            remote_state.SETTING, expected="a single root for a snapshot", got=len(settings.roots) + 1
        )
    zips = zip_variables(settings, running=deployment.endpoint.backend)
    restorable = RestorableStack.of(settings, deployment.endpoint, zips)
    restorable.remember(deployment.terraform)
    return restorable.taken()


def baseline_of(settings: Settings, deployment: Deployment) -> Baseline:
    """Return the state of a stack after its apply, from its snapshot.

    Raises:
        BackendError: There is no such snapshot.
    """
    endpoint = deployment.endpoint
    return Baseline.of(settings, endpoint, zip_variables(settings, running=endpoint.backend))


def tell_refusals(applied: terraform.Terraform) -> None:
    """Log a warning for each resource that an emulator accepted and AWS would refuse."""
    if not applied.online:
        for line in rules.lines_of(rules.refusals(state.resources(applied.state))):
            log.warning("AWS would refuse %s", line)


def prepare(settings: Settings, *, running: str = "") -> None:
    """Check everything that can be checked before an emulator starts, and build the Lambda zips.

    Args:
        settings: The settings with the root, the packages and the backend.
        running: The name of a backend that already runs. It takes precedence over the one in the settings.

    Raises:
        MissingToolError: Terraform is not installed.
        PackageError: A zip can't be built, for example because of a syntax error.
        SettingsError: There is no root module, or its variables are not those that you set.
    """
    terraform.program_of(settings)
    for each in remote_state.stages(settings):
        scratch.check(each.terraform_dir, each.project)
        input_variables.check(each, is_named=backends.names_stacks(settings, running=running))
    build(settings, running=running)


def build(settings: Settings, *, running: str = "") -> None:
    """Build the Lambda zips.

    Raises:
        PackageError: One can't be built, because of a syntax error for one.
    """
    packages.build_all(settings, _platform(settings, running))


def zip_variables(settings: Settings, *, running: str = "") -> dict[str, str]:
    """Return the Terraform variables with the paths of the Lambda zips for the backend."""
    return packages.variables(settings, _platform(settings, running))


def packages_by_zip(settings: Settings, *, running: str = "") -> dict[str, PackageSettings]:
    """Return the packages by the path of their zip for the backend."""
    return packages.by_zip(settings, _platform(settings, running))


def _platform(settings: Settings, running: str) -> packages.Platform | None:
    """Return the platform that the functions run on, or None if the zips fit every platform."""
    return None if packages.fits_here(settings) else backends.functions_run_on(settings, running=running)
