"""Apply a root while a context is open, in a scratch copy that `harness sweep` knows of."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import shutil
import tempfile
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.base import journal
from harness.errors import HarnessError, TerraformError
from harness.terraform import state
from harness.terraform.commands import all_variables, commands_at, program_of
from harness.terraform.hcl.input_variables import read_values
from harness.terraform.hcl.scratch import copy_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.settings import Settings
    from harness.terraform.commands import Terraform
    from harness.terraform.hcl.overrides import State
    from harness.values import Endpoint, Resource

log = logging.getLogger(__name__)

_DEPLOYMENT = "aws_api_gateway_deployment"
_PARTS_OF_AN_API = frozenset(
    f"aws_api_gateway_{part}"
    for part in ("resource", "method", "method_response", "integration", "integration_response")
)


@contextmanager
def applied(
    settings: Settings,
    endpoint: Endpoint,
    variables: Mapping[str, str],
    *,
    destroy: bool = True,
    states: Mapping[Path, Mapping[str, State]] | None = None,
    bring_up: Callable[[Terraform], None] | None = None,
) -> Iterator[Terraform]:
    """Apply the root of `settings` at `endpoint`, and destroy it when the context closes.

    Args:
        settings: Names the root and the program.
        endpoint: The endpoint to apply it at.
        variables: Input variables on top of the settings' own.
        destroy: Whether to destroy it. That is not worth the time if the emulator ends right afterwards.
        states: The states of other roots that it reads, in the form for `copy_root`.
        bring_up: Applies the commands' root, or does something equivalent. By default `apply_root`.

    Raises:
        HarnessError: As for `commands.prepared`.
        TerraformError: A command failed. Everything that it had created has been destroyed again.
    """
    program_of(settings)  # else nothing needs to be copied
    with _scratch(settings, endpoint, variables, states or {}) as root:
        terraform = commands_at(endpoint, root, settings, variables)
        with _destroyed_afterwards(terraform) if destroy else nullcontext():
            (bring_up or apply_root)(terraform)
            yield terraform


def apply_root(terraform: Terraform) -> None:
    """Initialise and apply a root, for the first time or again.

    Raises:
        StateError: The state would not be a local file. Nothing has been read or written there.
        TerraformError: A command failed.
    """
    if terraform.has_init():
        log.info("the providers and modules are there: no terraform init")
        state.check_is_local(terraform.root)
    else:
        terraform.init()
    before = terraform.resources()
    terraform.apply()
    for line in old_deployments(before, terraform.resources()):
        log.warning("%s", line)
    if old := functions_with_old_code(terraform):
        log.info("applying again because of another zip without a source_code_hash: %s", ", ".join(old))
        terraform.apply(replace=old)


def functions_with_old_code(terraform: Terraform) -> list[str]:
    """Return the addresses of functions that run other code than their zips have.

    Without `source_code_hash` Terraform does not see that a zip has changed: its path is the same.
    """
    return [
        function.address
        for function in state.resources(terraform.state, "aws_lambda_function")
        if _is_old(function.values, terraform.root)
    ]


def _is_old(function: Mapping[str, Any], root: Path) -> bool:
    deployed, zipped = function.get("code_sha256"), root / str(function.get("filename") or "")
    if not deployed or not zipped.is_file():
        return False
    return bool(base64.b64encode(hashlib.sha256(zipped.read_bytes()).digest()).decode() != deployed)


def old_deployments(before: Sequence[Resource], after: Sequence[Resource]) -> list[str]:
    """Return a line for each deployment of a REST API that an apply has left alone, although the API changed.

    Without `triggers` Terraform sees no reason to deploy the API again, and AWS goes on serving it as it was.
    """
    parts_before, parts_after = _parts_of_apis(before), _parts_of_apis(after)
    changed = {
        (api, address)
        for (api, address), values in (parts_before | parts_after).items()
        if parts_before.get((api, address)) != values or (api, address) not in parts_after
    }
    deployed = {each.values["id"] for each in before if each.type == _DEPLOYMENT}
    return [
        f"{each.address} has stayed as it was, although {min(addresses)} has changed. AWS serves the old API "
        "until it is deployed again: name the API's parts in the deployment's `triggers`"
        for each in after
        if each.type == _DEPLOYMENT and each.values["id"] in deployed
        if (addresses := [address for api, address in changed if api == each.values["rest_api_id"]])
    ]


def _parts_of_apis(resources: Sequence[Resource]) -> dict[tuple[str, str], object]:
    """Return what a deployment freezes of each REST API, by the API's id and the resource's address."""
    bodies = {
        (each.values["id"], each.address): each.values.get("body")
        for each in resources
        if each.type == "aws_api_gateway_rest_api"
    }
    return bodies | {
        (each.values["rest_api_id"], each.address): each.values
        for each in resources
        if each.type in _PARTS_OF_AN_API
    }


@contextmanager
def _scratch(
    settings: Settings,
    endpoint: Endpoint,
    variables: Mapping[str, str],
    states: Mapping[Path, Mapping[str, State]],
) -> Iterator[Path]:
    """Yield a scratch copy of the root that `harness sweep` knows of, should this process be killed.

    On real AWS it stays if something could not be destroyed, because that takes the state.
    """
    with ExitStack() as resources:
        folder = tempfile.mkdtemp(prefix="harness-terraform-")
        resources.callback(shutil.rmtree, folder, ignore_errors=True)
        root = copy_root(
            settings.terraform_dir,
            Path(folder),
            emulated=not endpoint.is_aws,
            states=states,
            values=read_values(settings).values(),
        )
        stays = {"root": str(root), "variables": all_variables(settings, endpoint, variables)}
        entry = {"folder": folder, **(stays if endpoint.is_aws else {})}
        what = f"the stack of {settings.terraform_dir}"
        resources.callback(journal.note(settings.cache_dir, what, **entry).unlink, missing_ok=True)
        try:
            yield root
        finally:
            if endpoint.is_aws and _holds_resources(root):
                log.warning("%s is still on AWS, its state in %s; `harness sweep` destroys it", what, root)
                resources.pop_all()


def _holds_resources(root: Path) -> bool:
    files = [root / "terraform.tfstate", *root.glob("terraform.tfstate.d/*/terraform.tfstate")]
    return any(
        json.loads(file.read_text("utf-8") or "{}").get("resources") for file in files if file.exists()
    )


@contextmanager
def _destroyed_afterwards(terraform: Terraform) -> Iterator[None]:
    """Destroy the stack when the context closes. If the emulator ends next, a failure is only a warning."""
    try:
        yield
    except BaseException as problem:
        if terraform.is_temporary and isinstance(problem, KeyboardInterrupt):
            raise
        try:
            terraform.destroy()
        except HarnessError as second:
            problem.add_note(f"and then the clean-up failed too: {second}")
        raise
    try:
        terraform.destroy()
    except TerraformError as problem:
        if not terraform.is_temporary:
            raise
        log.warning("not everything was destroyed; the rest ends with the emulator\n%s", problem)
