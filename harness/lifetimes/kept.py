"""A backend and a stack that stay when a run ends, and are found by the next one.

A keeper holds the backend, and Terraform's copy of the root stays in the cache. If the inputs equal those of
the last apply, a run attaches at once. Otherwise it applies the difference.
"""

from __future__ import annotations

import hashlib
import logging
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from harness import backends
from harness.aws import clients
from harness.backends import emulator
from harness.base import journal
from harness.base.telemetry import timeline
from harness.errors import BackendError, HarnessError, NotUpError
from harness.lifetimes import hot, keeper, record, swap
from harness.lifetimes.keeper import Task
from harness.lifetimes.record import Record
from harness.lifetimes.swap import LARGEST_UPLOAD, NotSwappableError, Swap, carry_out
from harness.session import build, prepare, tell_refusals, zip_variables
from harness.stack.deployment import Deployment
from harness.stack.snapshots import Fingerprint, RestorableStack, backend_fingerprint
from harness.terraform import commands as terraform
from harness.terraform.hcl.input_variables import read_values
from harness.terraform.hcl.remote_state import stages, states_read
from harness.terraform.hcl.scratch import copy_of, copy_root
from harness.values import Outputs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.lifetimes.keeper import Keeper
    from harness.settings import Settings
    from harness.stack.snapshots import Snapshot
    from harness.terraform.commands import Terraform
    from harness.values import Endpoint

log = logging.getLogger(__name__)

_HOLD_BACKEND = "harness.lifetimes.held:backend_held"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStack(Record):
    """The kept backend and stack of one root of one project.

    Attributes:
        settings: The settings of the run.
    """

    settings: Settings

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the kept stack of the root of `settings`, whether it exists or not."""
        name = f"{settings.project}\n{settings.terraform_dir}\n{settings.backend}\n{settings.workspace}"
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        return cls(settings=settings, folder=record.folder_of(settings.cache_dir, digest))

    def on_its_backend(self) -> Self:
        """Return the same stack on the only backend that holds it, if the settings leave the choice open."""
        if self.settings.backend != backends.AUTO.name or self.keeper():
            return self
        elsewhere = self._backends_elsewhere()
        return self.of(replace(self.settings, backend=elsewhere[0])) if len(elsewhere) == 1 else self

    def endpoint(self) -> Endpoint:
        """Return the endpoint of the kept backend, which is started if it does not run as it should.

        Raises:
            HarnessError: The backend does not start.
        """
        running, wanted = self.keeper(), backend_fingerprint(self.settings)
        if running and (why_not := self._unusable(running)):
            log.info("%s: stopping it", why_not)
            self.stop()
        elif running:
            log.info("attached to the backend that an earlier run has kept")
            return running.held().endpoint
        prepare(self.settings)
        backends.check_needs(self.settings)
        self._forget_what_ended()
        journal.clear_orphans(self.settings.cache_dir)  # an emulator of a killed keeper may have the port
        task = Task(context=_HOLD_BACKEND, settings=self.settings, bound=False)
        started = keeper.start(task, self.keeper_folder).ready()
        ends = self._ends_with_its_keeper()
        self.write(record.BACKEND, fingerprint=wanted, ends=ends, url=started.endpoint.url)
        return started.endpoint

    def deployment(self, endpoint: Endpoint, *, given: Snapshot | None = None) -> Deployment:
        """Return the kept stack, after an apply of any changes.

        Args:
            endpoint: The endpoint of the stack.
            given: A snapshot to begin with, instead of the nearest one: nothing is applied to it.

        Raises:
            HarnessError: Terraform failed. The next run tries again.
        """
        prepare(self.settings)
        if hot.is_on(endpoint):
            log.warning("%s", hot.IS_ON)
        wanted, last = self._fingerprint(), self.read(record.STACK)
        if self._is_whole(last):
            changed = wanted.other_zips(Fingerprint.from_note(last))
            if changed == []:
                log.info("nothing has changed since the last apply")
                return self._deployment(endpoint, Outputs(last["outputs"]))
            if changed and (deployment := self._swap(endpoint, wanted, changed, last)):
                return deployment
        backends.check_needs(self.settings, running=endpoint.backend)
        self.remove(record.STACK)
        try:
            self._swap_ahead(endpoint)
            commands = self._apply(endpoint, given)
        except HarnessError as problem:
            problem.add_note(
                f"the backend still runs at {endpoint.url or 'AWS'}: mend this and bring the stack up again, "
                "which takes less time now, or end it with `harness down`"
            )
            raise
        deployed = Deployment.at(endpoint, commands, commands.outputs())
        runs = Fingerprint.from_note(given.inputs) if given else wanted
        self._note_stack(runs, applied=runs.zips, outputs=deployed.outputs)
        self.remove(record.AHEAD)
        return deployed

    def _fingerprint(self) -> Fingerprint:
        return Fingerprint.of(self.settings, zip_variables(self.settings))

    def _swap(
        self, endpoint: Endpoint, wanted: Fingerprint, changed: list[str], last: Mapping[str, Any]
    ) -> Deployment | None:
        """Swap the code of changed zips and return the stack, or None if this takes an apply."""
        deployment = self._deployment(endpoint, Outputs(last["outputs"]))
        try:
            swaps = self._plan(endpoint, {path: last["applied"][path] for path in changed})
        except NotSwappableError as problem:
            log.info("the code alone can't be swapped: %s", problem)
            return None
        self.write(record.AHEAD, swaps=[each.as_note() for each in {*self._ahead(), *swaps}])
        self.remove(record.STACK)  # if a swap fails, only an apply repairs it
        with timeline.phase("swap of code"):
            for each in swaps:
                carry_out(each, clients.client(replace(endpoint, region=each.region), "lambda"))
        self._note_stack(wanted, applied=last["applied"], outputs=deployment.outputs)
        names = ", ".join(sorted(each.function for each in swaps))
        log.info("swapped the code of %s without running Terraform", names)
        return deployment

    def _plan(self, endpoint: Endpoint, zips: Mapping[str, list[str]]) -> list[Swap]:
        """Return the swaps that bring the content of `zips`, which have the hashes that were applied.

        Raises:
            NotSwappableError: The change takes an apply.
        """
        if endpoint.is_aws:
            raise NotSwappableError("it is on real AWS")
        if large := [path for path in zips if Path(path).stat().st_size > LARGEST_UPLOAD]:
            raise NotSwappableError(f"{large[0]} has more than {LARGEST_UPLOAD >> 20} MB")
        found: list[Swap] = []
        for stage in stages(self.settings):
            commands = self._commands(endpoint, stage)
            found += swap.plan(stage, commands, commands.outputs(), zips)
        if unused := sorted(set(zips) - {each.zip for each in found}):
            raise NotSwappableError(f"no function is known to have its code from {unused[0]}")
        return found

    def _ahead(self) -> list[Swap]:
        """Return the swaps that Terraform's state does not know of."""
        return [Swap.from_note(each) for each in self.read(record.AHEAD).get("swaps", [])]

    def _swap_ahead(self, endpoint: Endpoint) -> None:
        """Give swapped functions the code that their zips have now: Terraform may take it for unchanged."""
        for each in self._ahead():
            client = clients.client(replace(endpoint, region=each.region), "lambda")
            with suppress(client.exceptions.ResourceNotFoundException, FileNotFoundError):
                carry_out(each, client)

    def _note_stack(self, fingerprint: Fingerprint, *, applied: Mapping[str, Any], outputs: Outputs) -> None:
        """Record the deployed stack. `applied` are the hashes of the zips in Terraform's state."""
        self.write(
            record.STACK, **fingerprint.as_note(), applied=dict(applied), outputs=dict(outputs.untraced)
        )

    def snapshot(self) -> Snapshot:
        """Take a snapshot of the kept stack, with all data that tests have left in it.

        Raises:
            BackendError: The emulator keeps no state that can be saved.
            NotUpError: There is no stack.
        """
        endpoint = self.running().endpoint
        restorable = RestorableStack.of(self.settings, endpoint, zip_variables(self.settings))
        for stage in stages(self.settings):
            restorable.remember(self._commands(endpoint, stage))
        return replace(restorable.taken(), inputs=Fingerprint.from_note(self.read(record.STACK)).as_note())

    def _apply(self, endpoint: Endpoint, given: Snapshot | None) -> Terraform:
        """Apply a copy of each root, or restore it, and return the commands on that of the stack."""
        done: dict[Path, Terraform] = {}
        restorable = RestorableStack.of(self.settings, endpoint, zip_variables(self.settings), given)
        for each in stages(self.settings):
            states = states_read(
                each.terraform_dir, {root: commands.state for root, commands in done.items()}
            )
            copy_root(
                each.terraform_dir,
                self._place(each),
                emulated=not endpoint.is_aws,
                states=states,
                values=read_values(each).values(),
            )
            done[each.terraform_dir] = self._commands(endpoint, each)
            restorable.bring_up(done[each.terraform_dir])
            tell_refusals(done[each.terraform_dir])
        restorable.keep()
        return done[self.settings.terraform_dir]

    def _backends_elsewhere(self) -> list[str]:
        """Return the built-in backends that hold a kept stack of this root."""
        names = ("auto", *backends.BUILT_IN)
        return [name for name in names if self.of(replace(self.settings, backend=name)).keeper()]

    def running(self) -> Deployment:
        """Return the kept stack, unchanged.

        Raises:
            NotUpError: There is none.
        """
        running, last = self.keeper(), self.read(record.STACK)
        if running is None:
            raise NotUpError(self.settings.terraform_dir, self._backends_elsewhere())
        if why_not := self._unusable(running):
            raise HarnessError(f"{why_not}; `harness up` starts afresh, `harness down` clears the record")
        held = running.held()
        if not self._is_whole(last):
            raise HarnessError(
                f"the backend runs at {held.endpoint.url}, but no stack is on it; `harness up` applies it, "
                "`harness down` stops the backend"
            )
        return self._deployment(held.endpoint, Outputs(last["outputs"]))

    def zips_that_run(self) -> dict[str, str]:
        """Return the SHA-256 of each deployed zip, in hexadecimal digits, by its path."""
        return {
            path: hashes[0] for path, hashes in Fingerprint.from_note(self.read(record.STACK)).zips.items()
        }

    def _unusable(self, running: Keeper) -> str:
        """Return the reason why the kept stack can't be used, or an empty text."""
        noted = self.read(record.BACKEND)
        if not noted:
            return "another command is starting the kept backend, or was killed meanwhile"
        if noted.get("fingerprint") != backend_fingerprint(self.settings):
            return "the kept backend was started with other settings"
        try:
            endpoint = running.held().endpoint
        except HarnessError as problem:
            return str(problem).splitlines()[0]
        if not emulator.answers(endpoint):
            return f"nothing answers any more at {endpoint.url}, where the kept backend was"
        return ""

    def is_current(self) -> bool:
        """Whether another run would have nothing to apply.

        Raises:
            HarnessError: The Lambda zip can't be built.
        """
        build(self.settings)
        last = self.read(record.STACK)
        return self._is_whole(last) and self._fingerprint() == Fingerprint.from_note(last)

    def stop(self) -> bool:
        """Stop the backend, forget the stack, and return whether there was anything to stop.

        Resources on an AWS that outlives the harness are destroyed first.

        Raises:
            HarnessError: The stack could not be destroyed, and nothing has been forgotten.
        """
        running, was_there = self.keeper(), self.folder.exists()
        if self.workspace.exists() and not self._ends_with_its_keeper():
            self._destroy(running)
        if running:
            running.stop()
        self.forget()
        return was_there

    @property
    def workspace(self) -> Path:
        """The directory of Terraform's copy of the root, and of its state."""
        return self.folder / "workspace"

    @property
    def _root(self) -> Path:
        """Terraform's copy of the root."""
        return copy_of(self.settings.terraform_dir, self.workspace)

    def _is_whole(self, last: Mapping[str, Any]) -> bool:
        """Whether all parts of the last apply are still there."""
        return "outputs" in last and self._root.is_dir()

    def _place(self, stage: Settings) -> Path:
        """Return the directory for the copy of a root."""
        if stage.terraform_dir == self.settings.terraform_dir:
            return self.workspace
        return self.folder / f"root-{hashlib.sha256(str(stage.terraform_dir).encode()).hexdigest()[:8]}"

    def _commands(self, endpoint: Endpoint, stage: Settings) -> Terraform:
        root = copy_of(stage.terraform_dir, self._place(stage))
        return terraform.commands_at(endpoint, root, stage, zip_variables(stage))

    def _deployment(self, endpoint: Endpoint, outputs: Outputs) -> Deployment:
        return Deployment.at(endpoint, self._commands(endpoint, self.settings), outputs)

    def _destroy(self, running: Keeper | None) -> None:
        """Destroy the stack on its backend. If its keeper has died, start another one first.

        If the emulator is gone, the stack is gone with it.
        """
        with ExitStack() as resources:
            try:
                started = None if running else resources.enter_context(backends.started(self.settings))
            except BackendError as problem:
                if not self.read(record.BACKEND).get("url"):  # real AWS does not go
                    raise
                log.warning("the stack has gone with its backend: %s", problem.reason)
                return
            endpoint = started or cast("Keeper", running).held().endpoint
            if emulator.answers(endpoint):
                for stage in reversed(stages(self.settings)):
                    self._commands(endpoint, stage).destroy()
            else:
                log.warning("the stack has gone with the emulator at %s", endpoint.url)

    def _ends_with_its_keeper(self) -> bool:
        return backends.load(self.settings.backend).is_temporary

    def _forget_what_ended(self) -> None:
        """Forget the stack, unless its AWS outlives the harness."""
        if self._ends_with_its_keeper():
            self.forget()
        self.remove(record.STACK)
