"""Restore a stack from a snapshot if there is one. Otherwise apply the stack and save it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

from harness.base.telemetry import timeline
from harness.errors import BackendError, TerraformError
from harness.stack.snapshots import fingerprints, state
from harness.stack.snapshots.cache import Cache
from harness.stack.snapshots.fingerprints import Fingerprint
from harness.stack.snapshots.snapshot import File, Snapshot, file_stamps, files_in
from harness.terraform.apply import apply_root
from harness.terraform.commands import CLI_CONFIG
from harness.terraform.hcl.input_variables import read_values
from harness.terraform.hcl.remote_state import stages
from harness.terraform.hcl.scratch import copy_root, folder_of_copies
from harness.terraform.state import managed_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.settings import Settings
    from harness.terraform.commands import Terraform
    from harness.values import Endpoint

log = logging.getLogger(__name__)

# Resources of these providers live in the emulator, in Terraform's state, or in files of the copy.
_SAVED_WHOLE = frozenset(
    {"aws", "archive", "local", "null", "random", "template", "terraform", "time", "tls"}
)
_MOST_BYTES = 256 << 20  # of files that Terraform writes beside the state


@dataclass(slots=True, kw_only=True)
class RestorableStack:
    """The roots of a stack, brought up one after the other.

    Attributes:
        settings: Name the roots.
        endpoint: An emulator that nothing else is deployed to, in this account.
        inputs: The fingerprint of the apply.
        is_on: Whether snapshots are taken and restored.
        given: A snapshot to restore, whatever the inputs are. By default the nearest one.
    """

    settings: Settings
    endpoint: Endpoint
    inputs: Fingerprint
    is_on: bool
    given: Snapshot | None = None
    _restored: Snapshot | None = None
    _is_fresh: bool = True
    _index: int = 0  # of the root that comes next
    _roots: list[tuple[str, Mapping[str, File]]] = field(default_factory=list)
    _states: list[str] = field(default_factory=list)
    _obstacle: str = ""

    @classmethod
    def of(
        cls,
        settings: Settings,
        endpoint: Endpoint,
        zips: Mapping[str, str],
        given: Snapshot | None = None,
    ) -> Self:
        """Return the stack of `settings` at `endpoint`. `zips` are the variables that name its zips."""
        is_on = given is not None or (settings.snapshots and endpoint.is_temporary)
        inputs = Fingerprint.of(settings, zips) if is_on else Fingerprint(rest="", zips={})
        return cls(settings=settings, endpoint=endpoint, inputs=inputs, is_on=is_on, given=given)

    def bring_up(self, commands: Terraform) -> None:
        """Restore the next root and apply any changes, or apply it completely.

        Raises:
            TerraformError: A command failed.
        """
        if not self.is_on:
            apply_root(commands)
            return
        index, self._index = self._index, self._index + 1
        if index == 0:
            self._is_fresh = not commands.state.exists()
            self._restored = self._restore() if self._is_fresh else None
        folder = folder_of_copies(self.settings.terraform_dir, commands.root)
        before = {} if self._is_current else file_stamps(folder)
        if self._restored:
            self._fill(folder, self._restored, index)
        if self._is_current:
            log.info("restored the snapshot of %s: nothing has changed since", self._taken)
            return
        self._apply(commands)
        if self._is_fresh:
            made = {name: stamp for name, stamp in file_stamps(folder).items() if before.get(name) != stamp}
            self._note(folder, made, commands)

    def keep(self) -> None:
        """Save the stack for the next run, if Terraform had to run and all its results can be saved."""
        if not self.is_on or not self._is_fresh or self._is_current:
            return
        if self._obstacle:
            log.info("no snapshot is taken: %s", self._obstacle)
            return
        try:
            with timeline.phase("save snapshot"):
                file = Cache.of(self.settings).add(self.taken())
        except (BackendError, OSError) as problem:
            reason = problem.reason if isinstance(problem, BackendError) else str(problem)
            log.info("no snapshot is taken: %s", reason)
            return
        log.debug("saved the stack in %s", file)

    def taken(self) -> Snapshot:
        """Take a snapshot of the stack in its present state.

        Raises:
            BackendError: The emulator hands out no state, or holds something that can't be saved.
        """
        return Snapshot(
            emulator=fingerprints.emulator_fingerprint(self.endpoint, self.settings),
            place=self._place,
            inputs=self.inputs.as_note(),
            address=state.address_of(self.endpoint),
            about={
                "backend": self.endpoint.backend,
                "root": str(self.settings.terraform_dir),
                "account": self.endpoint.access_key,
                "taken": datetime.now(UTC).isoformat(timespec="seconds"),
            },
            state=state.fetch(self.endpoint, state.accounts_of(self.endpoint, self._states)),
            roots=tuple(self._roots),
        )

    @property
    def _place(self) -> str:
        return fingerprints.place_fingerprint(self.endpoint, self.settings)

    @property
    def _is_current(self) -> bool:
        """Whether the snapshot already holds everything."""
        if self._restored is None:
            return False
        return self.given is not None or Fingerprint.from_note(self._restored.inputs) == self.inputs

    @property
    def _taken(self) -> str:
        return self._restored.about.get("taken", "") if self._restored else ""

    def _restore(self) -> Snapshot | None:
        """Load the nearest snapshot into the emulator and return it, or None if there is none."""
        found = self.given or Cache.of(self.settings).nearest(self._place, self.inputs.as_note())
        if found is None:
            return None
        try:
            self._put(found)
        except BackendError as problem:
            if self.given:
                raise
            log.warning("the snapshot can't be restored, so the stack is applied: %s", problem.reason)
            return None
        return found

    def _put(self, snapshot: Snapshot) -> None:
        """Give the emulator the state of a snapshot.

        Raises:
            BackendError: The emulator does not accept it.
        """
        here, backend = state.address_of(self.endpoint), self.endpoint.backend
        if snapshot.emulator != fingerprints.emulator_fingerprint(self.endpoint, self.settings):
            origin = snapshot.about.get("backend", "another one")
            raise BackendError(backend, f"the snapshot is of {origin}, or of another version of the harness")
        if snapshot.about["account"] != self.endpoint.access_key:
            raise BackendError(backend, f"the snapshot is of the account {snapshot.about['account']}")
        if len(snapshot.roots) != len(stages(self.settings)):
            raise BackendError(backend, f"the snapshot is of {len(snapshot.roots)} roots")
        if len(snapshot.address) != len(here):  # the state is a pickle, in which texts have a length
            raise BackendError(backend, f"the snapshot is of a port such as {snapshot.address}, not {here}")
        with timeline.phase("restore snapshot"):
            state.put(self.endpoint, state.replace_address(snapshot.state, snapshot.address, here))

    def _fill(self, folder: Path, snapshot: Snapshot, index: int) -> None:
        """Put the files that Terraform had made into a new copy of its root, with the places of now."""
        copy, files = snapshot.roots[index]
        here = state.address_of(self.endpoint)
        for name, each in files.items():
            content = each.content.replace(copy.encode(), str(folder).encode())
            content, file = state.replace_address(content, snapshot.address, here), folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o700 if each.is_executable else 0o600)

    def _apply(self, commands: Terraform) -> None:
        """Apply a root.

        If the difference to a snapshot can't be applied, destroy the restored stack and apply everything.
        """
        if self._restored:
            log.info("restored a snapshot of %s; applying the changes", self._taken)
        try:
            apply_root(commands)
        except TerraformError as problem:
            if not self._restored:
                raise
            log.warning("the changes can't be applied to the snapshot, so everything is applied: %s", problem)
            commands.destroy()
            apply_root(commands)

    def remember(self, commands: Terraform) -> None:
        """Record for `taken` the state and files that an earlier run has left for a root."""
        folder = folder_of_copies(self.settings.terraform_dir, commands.root)
        with TemporaryDirectory(prefix="harness-terraform-") as scratch:
            values = read_values(self.settings).values()
            copy_root(self.settings.terraform_dir, Path(scratch), values=values)
            others = {*file_stamps(Path(scratch)), f"{commands.root.relative_to(folder)}/{CLI_CONFIG}"}
        made = {name: stamp for name, stamp in file_stamps(folder).items() if name not in others}
        self._note(folder, made, commands)

    def _note(self, folder: Path, made: Mapping[str, tuple[int, int]], commands: Terraform) -> None:
        """Record Terraform's results for a snapshot, and any obstacle to one."""
        others = managed_by(commands.state) - _SAVED_WHOLE
        if others:
            self._obstacle = f"{', '.join(sorted(others))} manage something that is not in the emulator"
        if sum(size for size, _ in made.values()) > _MOST_BYTES:
            self._obstacle = f"Terraform has made files of more than {_MOST_BYTES >> 20} MB"
        self._roots.append((str(folder), {} if self._obstacle else files_in(folder, made)))
        self._states.append(commands.state.read_text("utf-8") if commands.state.exists() else "")
