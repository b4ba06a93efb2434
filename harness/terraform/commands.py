"""The Terraform commands on one root, and the environment that they run in."""

from __future__ import annotations

import json
import logging
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness import redaction
from harness.base import gate, isolation, process
from harness.base.files import locked
from harness.base.telemetry import timeline
from harness.base.telemetry.signals import Signal
from harness.errors import CommandError, SettingsError, TerraformError
from harness.redaction import Redaction
from harness.terraform import installation, provider, state
from harness.terraform.events import EventLog, diagnostics_of
from harness.terraform.hcl import input_variables
from harness.terraform.hcl.providers import default_region
from harness.terraform.hcl.scratch import scratch_copy
from harness.terraform.hints import hints_for
from harness.terraform.retry import with_retries
from harness.terraform.watch import Watch
from harness.values import Outputs, Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from harness.settings import Settings
    from harness.values import Change, Endpoint

log = logging.getLogger(__name__)

_TERRAFORM = "Terraform >= 1.10 from https://developer.hashicorp.com/terraform/install"
_OPENTOFU = "OpenTofu >= 1.10 from https://opentofu.org/docs/intro/install"
# https://developer.hashicorp.com/terraform/cli/config/environment-variables
_OF_A_DEPLOYMENT = ("TF_CLI_ARGS", "TF_DATA_DIR", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS", "TF_CLOUD_")
# The output of init, plan, apply and destroy, line by line, after a first line `$ terraform <command>`.
PRINTED = Signal[str]()
_QUIET = {"TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
# Garbage collection is a quarter of a command's cost, because a command reads a large schema and ends soon. A
# user's own value takes precedence. https://pkg.go.dev/runtime#hdr-Environment_Variables
FEWER_COLLECTIONS = {"GOGC": "400"}
CLI_CONFIG = "harness.tfrc"  # in the copy of a root, for a mirror of providers
_SHORT_GRACE = 5.0  # seconds
_LOCK_WAIT = "-lock-timeout=300s"  # another process may work on the same state
_PLAN_EXIT_CODES = frozenset({0, 2})  # with -detailed-exitcode, 2 means that there are changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """The Terraform commands on one root, against one endpoint.

    Attributes:
        program: The program's full path.
        root: The directory of the root module.
        environ: The environment of `init`, which may reach the network.
        variables: The root's input variables, by name. They may be secrets, so no command line has them.
        var_files: Files with values of variables. `variables` override them.
        workspace: The workspace. Empty for the default one.
        timeout: Seconds that one command may take.
        online: Whether commands other than `init` may reach the network too, as they must on real AWS.
        is_temporary: Whether all resources go with the emulator when the run ends. If so, an interrupted
            command is not awaited, and nothing is destroyed after it.
        log: The emulator's log, if it has one.
        gate: The URL of the proxy that blocks all other hosts. Empty for none.
        ended: Returns a clause about the emulator's end, if it has ended. No command outlives the emulator.
    """

    program: str
    root: Path
    environ: Mapping[str, str] = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    timeout: float
    var_files: tuple[Path, ...] = ()
    workspace: str = ""
    online: bool = False
    is_temporary: bool = False
    log: Path | None = None
    gate: str = ""
    ended: Callable[[], str] = field(default=str, repr=False)

    def init(self) -> None:
        """Install the providers and modules.

        Raises:
            StateError: The state would not be a local file. Nothing has been read or written there.
            TerraformError: They can't be installed.
        """
        if self.workspace:  # Terraform takes it from the environment only if it is there
            self.state.parent.mkdir(parents=True, exist_ok=True)
        with self._plugin_cache_to_itself():
            with_retries(self._init)
        state.check_is_local(self.root)
        installation.note(self.root, self._decides_init())

    def has_init(self) -> bool:
        """Return whether `init` has run in the root, and would do nothing more."""
        return installation.is_whole(self.root, self._decides_init())

    def _decides_init(self) -> dict[str, str]:
        built = Path(self.program).resolve().stat()
        configuration = self.environ.get("TF_CLI_CONFIG_FILE", "")
        return {"program": f"{self.program} {built.st_size} {built.st_mtime_ns}", "cli": configuration}

    @contextmanager
    def _plugin_cache_to_itself(self) -> Iterator[None]:
        """Keep other runs of `init` from the plugin cache: Terraform does not lock it.

        https://developer.hashicorp.com/terraform/cli/config/config-file#provider-plugin-cache
        """
        cache = self.environ.get("TF_PLUGIN_CACHE_DIR")
        if not cache or not Path(cache).is_dir():
            yield
            return
        with locked(Path(cache) / ".terraform-lambda-harness.lock"):
            yield

    @property
    def state(self) -> Path:
        """The file that has the state."""
        folder = self.root / "terraform.tfstate.d" / self.workspace if self.workspace else self.root
        return folder / "terraform.tfstate"

    def _init(self) -> None:
        log.info("terraform init")
        # Without -force-copy Terraform asks whether the state of a workspace that was put there may stay.
        argv = [self.program, "init", "-force-copy", "-input=false", "-no-color"]
        try:
            with timeline.phase("terraform init"):
                PRINTED.send("$ terraform init")
                process.run(argv, cwd=self.root, env=self.environ, timeout=self.timeout, on_line=PRINTED.send)
        except CommandError as problem:
            error = TerraformError("init", EventLog(plain=problem.output.splitlines()).errors())
            for note in hints_for(error.diagnostics):
                error.add_note(note)
            raise error from None

    def validate(self) -> None:
        """Check that the configuration is valid, variables aside.

        Raises:
            TerraformError: It is not valid. Each error is one of its diagnostics.
        """
        try:
            process.run(
                [self.program, "validate", "-json"], cwd=self.root, env=self.environ, timeout=self.timeout
            )
        except CommandError as problem:
            raise TerraformError("validate", diagnostics_of(problem.output)) from None

    def apply(self, replace: Iterable[str] = (), **variables: str) -> None:
        """Apply the root, with `variables` in addition to its own.

        Args:
            replace: The addresses of resources that are to be made anew, changed or not.
            **variables: Input variables, by name.

        Raises:
            TerraformError: A resource failed. The error has its address and the provider's message.
        """
        log.info("terraform apply")
        anew = [f"-replace={address}" for address in replace]
        with_retries(lambda: self._events("apply", "-auto-approve", _LOCK_WAIT, *anew, **variables))

    def plan(self, **variables: str) -> list[Change]:
        """Return the changes that an apply would make.

        Raises:
            TerraformError: The configuration is not valid, or a read failed.
        """
        return self._events("plan", "-detailed-exitcode", _LOCK_WAIT, **variables).changes

    def destroy(self) -> None:
        """Destroy everything in the state. Does nothing without a state, or if the emulator is gone.

        Raises:
            TerraformError: A resource could not be destroyed.
        """
        if self.state.exists() and not self.ended():
            log.info("terraform destroy")
            with_retries(lambda: self._events("destroy", "-auto-approve", _LOCK_WAIT))

    def region(self) -> str:
        """Return the region that the root deploys to, or an empty text if its state does not show it."""
        return state.region(self.state)

    def outputs(self) -> Outputs:
        """Return the root's outputs, or none if it has not been applied."""
        return Outputs(state.outputs(self.state))

    def resources(self) -> list[Resource]:
        """Return the resources in the state, including those of modules."""
        return state.resources(self.state)

    def _events(self, command: str, *flags: str, **variables: str) -> EventLog:
        if not installation.has_run(self.root):  # the root was restored, and nothing needed its providers yet
            self.init()
        events = EventLog()
        watch = Watch(command=command, events=events, log=self.log)
        argv = [self.program, command, "-json", "-input=false", *flags]
        argv += [f"-var-file={file}" for file in self.var_files]
        argv += input_variables.arguments(self.root, {**self.variables, **variables})
        accept = _PLAN_EXIT_CODES if command == "plan" else frozenset({0})
        asker = f"terraform/{secrets.token_hex(4)}"

        def take(line: str) -> None:
            events.take(line)
            PRINTED.send(line)

        def why_stop() -> str:
            watch.look()
            return self._why_stop()

        try:
            with timeline.phase(f"terraform {command}"), self._environment(asker) as environ:
                PRINTED.send(f"$ terraform {command}")
                process.run(
                    argv,
                    cwd=self.root,
                    env=environ,
                    timeout=self.timeout,
                    on_line=take,
                    accept=accept,
                    stop_if=why_stop,
                    grace=_SHORT_GRACE if self.is_temporary else process.INTERRUPT_GRACE,
                )
        except CommandError as problem:
            if problem.returncode is None:
                raise
            # Not `from problem`, whose further content is only Terraform's own JSON.
            raise self._error(watch, asker) from None
        for refusal in self._refusals(asker):  # a script may go on without the host
            log.warning("terraform %s went well, but asked for more: %s", command, refusal)
        return events

    def _error(self, watch: Watch, asker: str) -> TerraformError:
        """Return a command's error, with the emulator's complaints and the refused hosts, without secrets."""
        without = self._redaction()
        errors = watch.events.errors()
        notes = (*hints_for(errors), *watch.complaints(), *self._refusals(asker))
        error = TerraformError(
            watch.command,
            [
                replace(each, summary=without.text(each.summary), detail=without.text(each.detail))
                for each in errors
            ],
        )
        for note in notes:
            error.add_note(without.text(note))
        return error

    def _redaction(self) -> Redaction:
        """Return what leaves out the values of sensitive variables, and those in the state."""
        values = input_variables.values_of(
            self.root, self.environ, var_files=self.var_files, variables=self.variables
        )
        known = [*input_variables.secrets(self.root, values), *state.secrets(self.state)]
        return Redaction(frozenset(redaction.leaves(known)))

    def _refusals(self, asker: str) -> list[str]:
        """Return the gate's refusals for a command, with the setting that would allow each."""
        return list(dict.fromkeys(map(gate.format_refusal, gate.refusals(self.gate, asker))))

    def _why_stop(self) -> str:
        how = self.ended()
        return how and f"the emulator is gone: {how}"

    @contextmanager
    def _environment(self, asker: str) -> Iterator[Mapping[str, str]]:
        """Yield a command's environment.

        On real AWS the provider may outlive the harness, as it does by itself.
        """
        if self.online:
            yield self.environ
            return
        confined = isolation.behind_gate(self.gate, self.environ, asker=asker)
        with provider.served(self.root, confined) as reattached:
            yield {**confined, **reattached}


@contextmanager
def prepared(
    settings: Settings, environ: Mapping[str, str], variables: Mapping[str, str]
) -> Iterator[Terraform]:
    """Initialise a scratch copy of the root of `settings`, and remove it when the context closes.

    Args:
        settings: Names the root and the program.
        environ: The environment of the commands, which decides on the AWS that they use.
        variables: Input variables on top of the settings' own.

    Raises:
        MissingToolError: Terraform is not on PATH.
        SettingsError: The root has no Terraform files, or the provider mirror no providers.
        TerraformError: The providers can't be had.
    """
    with scratch_copy(settings.terraform_dir) as root:
        terraform = commands_in(root, settings, environ, variables)
        terraform.init()
        yield terraform


def program_of(settings: Settings) -> str:
    """Return the full path of the Terraform program.

    Raises:
        MissingToolError: It is not on PATH.
    """
    return process.find(
        settings.terraform, path=settings.environ.get("PATH"), remedy=remedy_for(settings.terraform)
    )


def remedy_for(program: str) -> str:
    """Return how to get a Terraform program that is missing or too old."""
    wanted, other = (_OPENTOFU, "terraform") if Path(program).name == "tofu" else (_TERRAFORM, "tofu")
    return f"install {wanted}, or name another program in HARNESS_TERRAFORM, such as {other}"


def commands_in(
    root: Path, settings: Settings, environ: Mapping[str, str], variables: Mapping[str, str]
) -> Terraform:
    """Return the Terraform commands on `root`, a copy of the root of `settings`.

    Raises:
        MissingToolError: Terraform is not on PATH.
        SettingsError: The provider mirror holds no providers.
    """
    return Terraform(
        program=program_of(settings),
        root=root,
        environ={
            **FEWER_COLLECTIONS,
            **_own(environ, settings),
            **_QUIET,
            **mirror_environ(settings.provider_mirror, root),
        },
        var_files=settings.var_files,
        workspace=settings.workspace,
        variables={**settings.variables, **variables},
        timeout=settings.terraform_timeout,
    )


def _own(environ: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """Return `environ` without a deploy job's settings for Terraform, because this run has its own state."""
    kept = {name: value for name, value in environ.items() if not name.startswith(_OF_A_DEPLOYMENT)}
    return kept | ({"TF_WORKSPACE": settings.workspace} if settings.workspace else {})


def commands_at(
    endpoint: Endpoint, root: Path, settings: Settings, variables: Mapping[str, str]
) -> Terraform:
    """Return the Terraform commands on `root`, a copy of the root of `settings`, that work at `endpoint`.

    Programs that the root runs, such as the AWS CLI in a `local-exec`, work in the root's own region.

    Raises:
        HarnessError: As for `commands_in`.
    """
    own = default_region(settings.terraform_dir, input_variables.read_values(settings)) or endpoint.region
    environ = isolation.environ_for(replace(endpoint, region=own), settings.environ) | _for_tflocal(endpoint)
    commands = commands_in(root, settings, environ, all_variables(settings, endpoint, variables))
    return replace(
        commands,
        online=endpoint.is_aws,
        is_temporary=endpoint.is_temporary,
        log=endpoint.log,
        gate=endpoint.gate,
        ended=endpoint.ended,
    )


def _for_tflocal(endpoint: Endpoint) -> dict[str, str]:
    """Return the variables that point tflocal at the account of `endpoint`, with its host for buckets."""
    if endpoint.is_aws:
        return {}
    return {"S3_HOSTNAME": urlsplit(endpoint.url).hostname or "", "CUSTOMIZE_ACCESS_KEY": "1"}


def all_variables(settings: Settings, endpoint: Endpoint, variables: Mapping[str, str]) -> dict[str, str]:
    """Return a root's input variables: those of the settings, the name of the deployment, and `variables`."""
    named = {settings.name_variable: endpoint.name} if endpoint.name else {}
    return {**settings.variables, **named, **variables}


def mirror_environ(mirror: Path | None, folder: Path) -> dict[str, str]:
    """Return the environment with which Terraform uses `mirror`, and write its configuration into `folder`.

    Raises:
        SettingsError: The mirror holds no providers.
    """
    return {} if mirror is None else {"TF_CLI_CONFIG_FILE": str(_cli_config(mirror, folder))}


def _cli_config(mirror: Path, folder: Path) -> Path:
    """Write a CLI configuration that uses `mirror`, and the registries for other providers.

    https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
    """
    # Laid out as <mirror>/<registry host>/<namespace>/<type>.
    held = sorted(str(provider.relative_to(mirror)) for provider in mirror.glob("*/*/*") if provider.is_dir())
    if not held:
        expected = "a filesystem mirror, as `terraform providers mirror` makes one"
        raise SettingsError("HARNESS_PROVIDER_MIRROR", expected=expected, got=str(mirror))
    file = folder / CLI_CONFIG
    text = (
        "provider_installation {\n"
        f"  filesystem_mirror {{\n    path = {json.dumps(str(mirror))}\n  }}\n"
        f"  direct {{\n    exclude = {json.dumps(held)}\n  }}\n"
        "}\n"
    )
    if not file.exists() or file.read_text("utf-8") != text:  # another process may be reading it
        file.write_text(text, "utf-8")
    return file
