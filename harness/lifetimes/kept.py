"""A backend and a stack that stay when a run ends, and are found by the next one.

The backend is held by a keeper, and Terraform's copy of the root stays in the cache. A run with the inputs of
the last apply attaches at once; a run with others applies the difference.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from filelock import FileLock

from harness import backends
from harness.backends import emulator
from harness.base import journal, process
from harness.configuration.remote_state import states_read
from harness.configuration.scratch import copied, copy_of, inputs
from harness.deployment import Deployment
from harness.errors import BackendError, HarnessError, NotUpError
from harness.lifetimes import keeper
from harness.lifetimes.keeper import Task
from harness.session import prepare, stages, tell_refusals, zip_variables
from harness.terraform import commands as terraform
from harness.values import Endpoint, Outputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.lifetimes.keeper import Keeper
    from harness.settings import Settings
    from harness.terraform.commands import Terraform

log = logging.getLogger(__name__)

_HOLD_BACKEND = "harness.lifetimes.held:backend_held"
_KEPT = "kept"
_BACKEND, _STACK = "backend.json", "stack.json"
_DISTRIBUTION = "terraform-lambda-harness"
# What a backend is started with; another value of one of these takes another backend.
_BACKEND_SETTINGS = (
    *("backend", "region", "port", "python", "image", "lambda_executor"),
    *("ministack_auth", "endpoint_url", "aws_accounts", "allowed_hosts"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept for one root of one project.

    Attributes:
        settings: The settings of the run.
        folder: Where it is kept.
    """

    settings: Settings
    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what is, or would be, kept for the root of `settings`."""
        name = f"{settings.project}\n{settings.terraform_dir}\n{settings.backend}\n{settings.workspace}"
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        return cls(settings=settings, folder=settings.cache_dir / _KEPT / digest)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from what is kept while the context is open."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder.with_suffix(".lock")):
            yield

    def keeper(self) -> Keeper | None:
        """Return the process that holds the backend, None if there is none."""
        return keeper.found(self.folder / "backend")

    def endpoint(self) -> Endpoint:
        """Return the endpoint of the kept backend, which is started if it does not run as it should.

        Raises:
            HarnessError: It does not start.
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
        started = keeper.start(task, self.folder / "backend").ready()
        ends = self._ends_with_its_keeper()
        self._note(_BACKEND, fingerprint=wanted, ends=ends, url=started.endpoint.url)
        return started.endpoint

    def deployment(self, endpoint: Endpoint) -> Deployment:
        """Return the kept stack, after an apply of what has changed since.

        Raises:
            HarnessError: Terraform failed; the next run tries again.
        """
        prepare(self.settings)
        wanted, last = stack_fingerprint(self.settings, zip_variables(self.settings)), self._noted(_STACK)
        if last.get("fingerprint") == wanted and self._is_whole(last):
            log.info("nothing has changed since the last apply")
            return self._deployed(endpoint, Outputs(last["outputs"]))
        backends.check_needs(self.settings, running=endpoint.backend)
        (self.folder / _STACK).unlink(missing_ok=True)
        try:
            commands = self._applied(endpoint)
        except HarnessError as problem:
            problem.add_note(
                f"the backend still runs at {endpoint.url or 'AWS'}: mend this and bring the stack up again, "
                "which takes less time now, or end it with `harness down`"
            )
            raise
        deployed = Deployment.at(endpoint, commands, commands.outputs())
        self._note(_STACK, fingerprint=wanted, outputs=dict(deployed.outputs.values))
        return deployed

    def _applied(self, endpoint: Endpoint) -> Terraform:
        """Apply a copy of each root, and return the commands on that of the stack."""
        done: dict[Path, Terraform] = {}
        for each in stages(self.settings):
            states = states_read(
                each.terraform_dir, {root: commands.state for root, commands in done.items()}
            )
            copied(each.terraform_dir, self._place(each), emulated=not endpoint.is_aws, states=states)
            done[each.terraform_dir] = self._commands(endpoint, each)
            terraform.apply_root(done[each.terraform_dir])
            tell_refusals(done[each.terraform_dir])
        return done[self.settings.terraform_dir]

    def running(self) -> Deployment:
        """Return the kept stack as it is.

        Raises:
            NotUpError: There is none.
        """
        running, last = self.keeper(), self._noted(_STACK)
        if running is None:
            raise NotUpError(self.settings.terraform_dir)
        if why_not := self._unusable(running):
            raise HarnessError(f"{why_not}; `harness up` starts afresh, `harness down` clears what is noted")
        held = running.held()
        if not self._is_whole(last):
            raise HarnessError(
                f"the backend runs at {held.endpoint.url}, but no stack is on it; `harness up` applies it, "
                "`harness down` stops the backend"
            )
        return self._deployed(held.endpoint, Outputs(last["outputs"]))

    def _unusable(self, running: Keeper) -> str:
        """Return why what is kept can't be used; empty if it can."""
        if self._noted(_BACKEND).get("fingerprint") != backend_fingerprint(self.settings):
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
        prepare(self.settings)
        wanted, last = stack_fingerprint(self.settings, zip_variables(self.settings)), self._noted(_STACK)
        return last.get("fingerprint") == wanted and self._is_whole(last)

    def stop(self) -> bool:
        """Stop the backend and forget the stack; return whether there was anything.

        What is deployed on an AWS that goes on without the harness is destroyed first.

        Raises:
            HarnessError: It could not be destroyed; nothing is forgotten then.
        """
        running, was_there = self.keeper(), self.folder.exists()
        if self.workspace.exists() and not self._ends_with_its_keeper():
            self._destroy(running)
        if running:
            running.stop()
        self._forget()
        return was_there

    @property
    def workspace(self) -> Path:
        """Where Terraform's copy of the root, and its state, are."""
        return self.folder / "workspace"

    @property
    def _root(self) -> Path:
        """Terraform's copy of the root."""
        return copy_of(self.settings.terraform_dir, self.workspace)

    def _is_whole(self, last: Mapping[str, Any]) -> bool:
        """Whether all that belongs to the stack of the last apply is still there."""
        return "outputs" in last and self._root.is_dir()

    def _place(self, stage: Settings) -> Path:
        """Return where the copy of a root is."""
        if stage.terraform_dir == self.settings.terraform_dir:
            return self.workspace
        return self.folder / f"root-{_digest([str(stage.terraform_dir)])[:8]}"

    def _commands(self, endpoint: Endpoint, stage: Settings) -> Terraform:
        root = copy_of(stage.terraform_dir, self._place(stage))
        return terraform.commands_at(endpoint, root, stage, zip_variables(stage))

    def _deployed(self, endpoint: Endpoint, outputs: Outputs) -> Deployment:
        return Deployment.at(endpoint, self._commands(endpoint, self.settings), outputs)

    def _destroy(self, running: Keeper | None) -> None:
        """Destroy the stack where its backend runs; after its keeper's death that is started once more.

        What was on an emulator that is gone is gone too.
        """
        with ExitStack() as resources:
            try:
                started = None if running else resources.enter_context(backends.started(self.settings))
            except BackendError as problem:
                if not self._noted(_BACKEND).get("url"):  # real AWS does not go
                    raise
                log.warning("the stack has gone with its backend: %s", problem.reason)
                return
            endpoint = started or cast("Keeper", running).held().endpoint
            if emulator.answers(endpoint):
                for stage in reversed(stages(self.settings)):
                    self._commands(endpoint, stage).destroy()
            else:
                log.warning("the stack has gone with what was at %s", endpoint.url)

    def _ends_with_its_keeper(self) -> bool:
        return backends.load(self.settings.backend).is_temporary

    def _forget_what_ended(self) -> None:
        """Forget the stack, but not the state of one that is still there: its AWS has not ended."""
        if self._ends_with_its_keeper():
            self._forget()
        (self.folder / _STACK).unlink(missing_ok=True)

    def _forget(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def _noted(self, file: str) -> dict[str, Any]:
        return _read(self.folder / file)

    def _note(self, file: str, **values: object) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / file).write_text(json.dumps(values), "utf-8")


def swept(cache_dir: Path) -> list[Path]:
    """Forget the stacks whose kept backend has ended with all that was on it; return their folders.

    What is on an AWS that goes on without the harness stays noted, for `Kept.stop` to destroy.
    """
    folders = [folder for folder in sorted((cache_dir / _KEPT).glob("*")) if folder.is_dir()]
    return [folder for folder in folders if _forgotten(folder)]


def _forgotten(folder: Path) -> bool:
    with FileLock(folder.with_suffix(".lock")):
        noted, running = _read(folder / _BACKEND), keeper.found(folder / "backend")
        is_in_use = bool(running) or not noted.get("ends", False)
        if is_in_use and not _has_ended(noted):
            return False
        if running:
            running.stop()
        process.kill_those_in(folder)
        shutil.rmtree(folder)
    return True


def _has_ended(noted: Mapping[str, Any]) -> bool:
    """Whether nothing answers any more at the URL that is noted of an emulator."""
    url = noted.get("url")
    return bool(url) and not emulator.answers(Endpoint(backend="kept", url=str(url), region=""))


def _read(file: Path) -> dict[str, Any]:
    try:
        noted = json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError):  # a run that was killed may have written half of it
        return {}
    return noted if isinstance(noted, dict) else {}


def backend_fingerprint(settings: Settings) -> str:
    """Return a digest of all that decides how the backend is started."""
    chosen = [f"{name}={getattr(settings, name)}" for name in _BACKEND_SETTINGS]
    return _digest([version(_DISTRIBUTION), *chosen])


def stack_fingerprint(settings: Settings, variables: Mapping[str, str]) -> str:
    """Return a digest of what an apply depends on: Terraform's files, variables and program, and the zip."""
    program = terraform.program_of(settings)
    built = Path(program).resolve().stat()
    given = {**settings.variables, **variables}
    return _digest(
        [
            backend_fingerprint(settings),
            f"{program} {built.st_size} {built.st_mtime_ns}",
            json.dumps([given, settings.workspace, _told_by_environ(settings)], sort_keys=True),
            repr([(root.terraform_dir, root.workspace, dict(root.variables)) for root in settings.roots]),
            *(
                each
                for stage in stages(settings)
                for each in _contents([*filter(Path.is_file, stage.var_files), *inputs(stage.terraform_dir)])
            ),
            *_contents(Path(value) for value in variables.values() if Path(value).is_file()),
        ]
    )


def _told_by_environ(settings: Settings) -> dict[str, str]:
    """Return the variables that Terraform reads from the environment."""
    return {name: text for name, text in settings.environ.items() if name.startswith("TF_VAR_")}


def _contents(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        yield f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}"


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
