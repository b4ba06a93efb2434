"""Check this machine for everything that a run needs. Each finding says how to get what is missing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness import backends
from harness.backends.backend import Availability
from harness.backends.emulator import free_port
from harness.base import process
from harness.base.isolation import without_aws
from harness.errors import BackendError, HarnessError, SettingsError
from harness.functions import runtimes
from harness.terraform.commands import program_of, remedy_for
from harness.terraform.hcl import declarations, input_variables, providers, remote_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.settings import Settings

OLDEST_TERRAFORM = (1, 10)
LOCAL_PORT = 4566
_AWS_PROVIDER = "*/hashicorp/aws"
# In the name of an archive, a folder or an index: https://developer.hashicorp.com/terraform/cli/config/config-file
_VERSION = re.compile(r"\d+\.\d+\.\d+(-[\w.]+)?(?=_|$|\.json)")
_VERSION_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A requirement of a run, and its state.

    Attributes:
        subject: The thing examined, such as `terraform` or `backend host`.
        ok: Whether it can be used.
        state: The finding.
        remedy: How to make it usable.
        needed: Whether the main job can't run without it.
    """

    subject: str
    ok: bool
    state: str
    remedy: str = ""
    needed: bool = False

    def __str__(self) -> str:
        """Return the finding in one line, followed by a line with the remedy if it is needed."""
        mark = "ok     " if self.ok else "MISSING" if self.needed else "no     "
        remedy = f"\n          -> {self.remedy}" if self.remedy and not self.ok else ""
        return f"{mark} {self.subject}: {self.state}{remedy}"


def examine(settings: Settings) -> list[Finding]:
    """Examine everything, without installing, starting or changing anything, and without contacting AWS."""
    chosen, reason = _backend_name(settings)
    names = dict.fromkeys([*backends.BUILT_IN, chosen])
    found = [replace(_backend(settings, name), needed=name == chosen) for name in names]
    root = _root(settings)
    variables = [_variables(settings, chosen)] if root.ok else []
    machine = [_terraform(settings), root, *variables, _mirror(settings), _port(settings)]
    auto = [Finding(subject="auto", ok=True, state=f"{chosen}: {reason}")] if reason else []
    return [*machine, *auto, *found, *_needs(settings, chosen)]


def can_run(findings: Sequence[Finding]) -> bool:
    """Return whether the main job has everything that it needs."""
    return all(finding.ok for finding in findings if finding.needed)


def report(findings: Sequence[Finding]) -> str:
    """Format the findings for a person."""
    verdict = "the main job can run" if can_run(findings) else "the main job can't run: see MISSING"
    return "\n".join([*map(str, findings), verdict])


def _terraform(settings: Settings) -> Finding:
    remedy = remedy_for(settings.terraform)
    try:
        program = program_of(settings)
        printed = process.run(
            [program, "version", "-json"],
            env={**without_aws(settings.environ), "CHECKPOINT_DISABLE": "1"},
            timeout=_VERSION_TIMEOUT,
        )
        version = json.loads(printed.stdout)["terraform_version"]
    except (HarnessError, OSError, ValueError, KeyError) as problem:
        state = str(problem).splitlines()[0]
        return Finding(subject="terraform", ok=False, state=state, remedy=remedy, needed=True)
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    wanted = ".".join(map(str, OLDEST_TERRAFORM))
    return Finding(
        subject="terraform",
        ok=numbers >= OLDEST_TERRAFORM,
        state=f"{version} at {program}; {wanted} or newer is needed",
        remedy=remedy,
        needed=True,
    )


def _root(settings: Settings) -> Finding:
    folder = settings.terraform_dir
    files = len(declarations.files(folder))
    others = [] if files else declarations.roots_below(settings.project)
    likely = [f"(such as {other.relative_to(settings.project)})" for other in others[:1]]
    return Finding(
        subject="terraform root",
        ok=files > 0,
        state=f"{files} file{'' if files == 1 else 's'} of Terraform in {folder}",
        remedy=" ".join(["set HARNESS_TERRAFORM_DIR to the directory of your root module", *likely]),
        needed=True,
    )


def _variables(settings: Settings, backend: str) -> Finding:
    try:
        for each in remote_state.stages(settings):
            input_variables.check(each, is_named=backends.names_stacks(settings, running=backend))
    except SettingsError as problem:
        return Finding(subject="terraform variables", ok=False, state=str(problem), needed=True)
    return Finding(subject="terraform variables", ok=True, state="each has a value or a default", needed=True)


def _mirror(settings: Settings) -> Finding:
    mirror = settings.provider_mirror
    if mirror is None:
        return Finding(subject="provider mirror", ok=True, state="none set; Terraform uses the registries")
    held = [
        " ".join([str(folder.relative_to(mirror)), *_versions(folder)])
        for folder in sorted(mirror.glob(_AWS_PROVIDER))
    ]
    wanted = sorted(providers.sources_of(settings.terraform_dir))
    lacking = [source for source in wanted if not any(mirror.glob(f"*/{source}"))]
    told = f"; a registry has to have {', '.join(lacking)}" if held and lacking else ""
    return Finding(
        subject="provider mirror",
        ok=bool(held),
        state=f"{mirror} holds {', '.join(held) or 'no AWS provider'}{told}",
        remedy=f"run `terraform providers mirror {mirror}` in the root where the registry is in reach",
        needed=True,
    )


def _versions(provider: Path) -> list[str]:
    """Return the versions in a mirror's folder of a provider, which holds archives or unpacked folders."""
    found = {match[0] for entry in provider.iterdir() if (match := _VERSION.search(entry.name))}
    return sorted(found, key=lambda version: [int(number) for number in re.findall(r"\d+", version)])


def _port(settings: Settings) -> Finding:
    wanted = settings.port or LOCAL_PORT
    try:
        free_port(replace(settings, port=wanted), "doctor")
    except BackendError:
        state = f"{wanted} is taken"
    else:
        state = f"{wanted} is free"
    return Finding(
        subject="port",
        ok=state.endswith("free"),
        state=state if settings.port else f"any free one will do; {state} for `harness emulator`",
        remedy=f"stop what uses port {wanted}, or choose another one with HARNESS_PORT or --port",
        needed=bool(settings.port),
    )


def _backend(settings: Settings, name: str) -> Finding:
    try:
        found = backends.load(name).examine(settings)
    except HarnessError as problem:
        found = Availability(ok=False, state=" ".join(str(problem).split()))
    return Finding(subject=f"backend {name}", ok=found.ok, state=found.state, remedy=found.remedy)


def _needs(settings: Settings, chosen: str) -> Iterator[Finding]:
    """Yield a finding for each need of the root that a candidate backend lacks."""
    try:
        unmet = backends.unmet_needs(backends.load(chosen), settings)
    except HarnessError:  # reported by another finding
        return
    for need in unmet:
        able = backends.those_with(need.feature, settings)
        remedy = f"choose {' or '.join(able)} with HARNESS_BACKEND" if able else "no backend has it"
        yield Finding(
            subject="needs of the root",
            ok=False,
            state=f"{chosen} lacks {need}",
            remedy="; or set ".join(filter(None, [remedy, runtimes.stand_ins_for(settings, [need.feature])])),
            needed=settings.check_needs,
        )


def _backend_name(settings: Settings) -> tuple[str, str]:
    """Return the name of the backend that a run would use, and the reason for it."""
    try:
        backend, reason = backends.choose(settings) if settings.backend == "auto" else (None, "")
    except HarnessError:
        return settings.backend, ""
    return backend.name if backend else settings.backend, reason
