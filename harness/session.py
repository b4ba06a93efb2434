"""The whole flow in one place: start, package, apply, hand over; then destroy and stop."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import backends, packages, rules
from harness.configuration import remote_state, scratch, values
from harness.deployment import Deployment
from harness.errors import SettingsError
from harness.settings import Settings
from harness.snapshots import RestorableStack
from harness.terraform import commands as terraform
from harness.terraform import state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.settings import PackageSettings
    from harness.snapshots import Snapshot
    from harness.values import Endpoint

log = logging.getLogger(__name__)


@contextmanager
def deployed(settings: Settings | None = None) -> Iterator[Deployment]:
    """Run the stack of `settings` on the backend of `settings` while the context is open.

    Args:
        settings: The settings; by default those of the environment and of the project's `pyproject.toml`.

    Raises:
        HarnessError: A step failed; the steps before it have been undone.
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
    """Run the stack of `settings` at an `endpoint` that nothing else is deployed to.

    Where the emulator ends with the run, so does the stack: it is destroyed only if the settings ask for it.

    Raises:
        HarnessError: A step failed; the steps before it have been undone.
    """
    destroy = settings.destroy or not endpoint.is_temporary
    return deployed_at(settings, endpoint, destroy=destroy, snapshots=settings.snapshots)


@contextmanager
def deployed_at(
    settings: Settings, endpoint: Endpoint, *, destroy: bool = True, snapshots: bool = False
) -> Iterator[Deployment]:
    """Run the stack of `settings` at an `endpoint` that is there already, while the context is open.

    Args:
        settings: The settings.
        endpoint: Where to run it.
        destroy: Whether to destroy it at the end.
        snapshots: Whether it may be restored from a snapshot, and one be taken of it: only where nothing else
            is deployed to.

    Raises:
        HarnessError: A step failed; the steps before it have been undone.
    """
    prepare(settings, running=endpoint.backend)
    backends.check_needs(settings, running=endpoint.backend)
    zips = zip_variables(settings, running=endpoint.backend)
    restorable = RestorableStack.of(replace(settings, snapshots=snapshots), endpoint, zips)
    with ExitStack() as resources:
        applied: dict[Path, terraform.Terraform] = {}
        for each in remote_state.stages(settings):
            states = {folder: other.state for folder, other in applied.items()}
            context = terraform.applied(
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
    """Return a snapshot of a stack as it is now.

    Raises:
        BackendError: The emulator keeps no state that can be saved.
        SettingsError: The stack has several roots, and only one of them is known here.
    """
    if settings.roots:
        raise SettingsError(
            remote_state.SETTING, expected="one root, to save it", got=len(settings.roots) + 1
        )
    zips = zip_variables(settings, running=deployment.endpoint.backend)
    restorable = RestorableStack.of(settings, deployment.endpoint, zips)
    restorable.remember(deployment.terraform)
    return restorable.taken()


def tell_refusals(applied: terraform.Terraform) -> None:
    """Warn of what AWS would refuse of a root that an emulator took."""
    if not applied.online:
        for refusal in rules.refusals(state.resources(applied.state)):
            log.warning("AWS would refuse %s", refusal)


def prepare(settings: Settings, *, running: str = "") -> None:
    """Check what can be known before an emulator starts, and build the Lambda zips.

    Args:
        settings: Name the root, the packages and the backend.
        running: The name of a backend that runs, whatever the settings name.

    Raises:
        MissingToolError: There is no Terraform.
        PackageError: A zip can't be built, because of a syntax error for one.
        SettingsError: There is no root module, or its variables are not those that the settings set.
    """
    terraform.program_of(settings)
    for each in remote_state.stages(settings):
        scratch.check(each.terraform_dir)
        values.check(each)
    packages.build_all(settings, _platform(settings, running))


def zip_variables(settings: Settings, *, running: str = "") -> dict[str, str]:
    """Return the Terraform variables that name the Lambda zips, those that run on the backend."""
    return packages.variables(settings, _platform(settings, running))


def packages_by_zip(settings: Settings, *, running: str = "") -> dict[str, PackageSettings]:
    """Return the packages by the path of the zip that runs on the backend."""
    return packages.by_zip(settings, _platform(settings, running))


def _platform(settings: Settings, running: str) -> packages.Platform | None:
    """Return what the functions run on; None where each runs on what it declares, or it is all the same."""
    return None if packages.fits_here(settings) else backends.functions_run_on(settings, running=running)
