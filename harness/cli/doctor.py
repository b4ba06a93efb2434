"""What this machine has and lacks for a run: each finding says how to get what is missing."""

from __future__ import annotations

import json
import pkgutil
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness import backends
from harness.backends import external, localstack, ministack
from harness.backends.emulator import free_port
from harness.base import environments, process
from harness.base.isolation import without_aws
from harness.errors import BackendError, HarnessError
from harness.terraform.commands import REMEDY
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.settings import Settings

OLDEST_TERRAFORM = (1, 10)
LOCAL_PORT = 4566
_AWS_PROVIDER = "*/hashicorp/aws"
_VERSION_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a run needs or may use.

    Attributes:
        subject: What was looked at, such as `terraform` or `backend host`.
        ok: Whether it can be used.
        state: What was found.
        remedy: What to do where it can't be used.
        needed: Whether the main job can't run without it.
    """

    subject: str
    ok: bool
    state: str
    remedy: str = ""
    needed: bool = False

    def __str__(self) -> str:
        """Return the finding as one line, and a second one with the remedy."""
        mark = "ok     " if self.ok else "MISSING" if self.needed else "no     "
        remedy = f"\n          -> {self.remedy}" if self.remedy and not self.ok else ""
        return f"{mark} {self.subject}: {self.state}{remedy}"


def examined(settings: Settings) -> list[Finding]:
    """Look at everything; nothing is installed, started or changed, and AWS is not asked."""
    found = [_backend(settings, name, look) for name, look in _BACKENDS.items()]
    chosen = _chosen(settings, found)
    marked = [replace(each, needed=each.subject == chosen.subject) for each in found]
    others = [] if chosen in found else [chosen]
    return [_terraform(settings), _root(settings), _mirror(settings), _port(settings), *marked, *others]


def can_run(findings: Sequence[Finding]) -> bool:
    """Say whether nothing that the main job needs is missing."""
    return all(finding.ok for finding in findings if finding.needed)


def report(findings: Sequence[Finding]) -> str:
    """Return the findings as a person reads them."""
    verdict = "the main job can run" if can_run(findings) else "the main job can't run: see MISSING"
    return "\n".join([*map(str, findings), verdict])


def _terraform(settings: Settings) -> Finding:
    try:
        program = process.find(settings.terraform, path=settings.environ.get("PATH"), remedy=REMEDY)
        told = process.run(
            [program, "version", "-json"],
            env={**without_aws(settings.environ), "CHECKPOINT_DISABLE": "1"},
            timeout=_VERSION_TIMEOUT,
        )
        version = json.loads(told.stdout)["terraform_version"]
    except (HarnessError, OSError, ValueError, KeyError) as problem:
        state = str(problem).splitlines()[0]
        return Finding(subject="terraform", ok=False, state=state, remedy=REMEDY, needed=True)
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    wanted = ".".join(map(str, OLDEST_TERRAFORM))
    return Finding(
        subject="terraform",
        ok=numbers >= OLDEST_TERRAFORM,
        state=f"{version} at {program}; {wanted} or newer is needed",
        remedy=REMEDY,
        needed=True,
    )


def _root(settings: Settings) -> Finding:
    folder = settings.terraform_dir
    files = len(list(folder.glob("*.tf")))
    return Finding(
        subject="terraform root",
        ok=files > 0,
        state=f"{files} *.tf files in {folder}",
        remedy="name the directory of the root module in HARNESS_TERRAFORM_DIR",
        needed=True,
    )


def _mirror(settings: Settings) -> Finding:
    mirror = settings.provider_mirror
    if mirror is None:
        return Finding(subject="provider mirror", ok=True, state="none set; the registries are asked")
    held = sorted(str(folder.relative_to(mirror)) for folder in mirror.glob(_AWS_PROVIDER))
    return Finding(
        subject="provider mirror",
        ok=bool(held),
        state=f"{mirror} holds {', '.join(held) or 'no AWS provider'}",
        remedy=f"run `terraform providers mirror {mirror}` in the root where the registry can be reached",
        needed=True,
    )


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


def _backend(settings: Settings, name: str, look: Callable[[Settings], tuple[bool, str, str]]) -> Finding:
    try:
        ok, state, remedy = look(settings)
    except HarnessError as problem:
        ok, state, remedy = False, " ".join(str(problem).split()), ""
    return Finding(subject=f"backend {name}", ok=ok, state=state, remedy=remedy)


def _chosen(settings: Settings, found: Sequence[Finding]) -> Finding:
    """Return the finding of the backend that a run would use."""
    by_name = {finding.subject.removeprefix("backend "): finding for finding in found}
    if settings.backend == "auto":
        return by_name["container"] if by_name["container"].ok else by_name["host"]
    if settings.backend in by_name:
        return by_name[settings.backend]
    return _backend(settings, settings.backend, _from_outside)


def _from_outside(settings: Settings) -> tuple[bool, str, str]:
    backends.load(settings.backend)
    return True, "can be imported", ""


def _container(settings: Settings) -> tuple[bool, str, str]:
    missing = str(pkgutil.resolve_name("harness.backends.container:unavailable")(settings))
    remedy = "start a Docker engine, or let DOCKER_HOST name one; HARNESS_IMAGE names the image"
    return not missing, missing or f"a Docker engine has {settings.image}, or can pull it", remedy


def _host(settings: Settings) -> tuple[bool, str, str]:
    suited = environments.with_present_python(settings, localstack.PYTHONS, needed_by=localstack.NAME)
    built = all(
        environments.is_cached(suited, name, requirements)
        for name, requirements in (
            (f"localstack-{localstack.VERSION}", localstack.REQUIREMENTS),
            ("lambda-runtime", localstack.LAMBDA_REQUIREMENTS),
        )
    )
    return True, f"{localstack.NAME} {_installed(built)}, on {suited.python}", ""


def _ministack(settings: Settings) -> tuple[bool, str, str]:
    suited = environments.with_present_python(settings, ministack.PYTHONS, needed_by="MiniStack")
    built = environments.is_cached(suited, f"ministack-{ministack.VERSION}", ministack.REQUIREMENTS)
    return True, f"MiniStack {ministack.VERSION} {_installed(built)}", ""


def _installed(built: bool) -> str:  # noqa: FBT001 - a word for a flag
    return "is installed" if built else "will be installed from PyPI on first use"


def _external(settings: Settings) -> tuple[bool, str, str]:
    if not settings.endpoint_url:
        return False, "not set up", f"name a running emulator in {external.SETTING}"
    endpoint = Endpoint(backend="external", url=external.url_of(settings), region=settings.region)
    external.check_answers(endpoint)
    return True, f"answers at {endpoint.url}", ""


def _aws(settings: Settings) -> tuple[bool, str, str]:
    if not settings.aws_accounts:
        return False, "no account is allowed", "list the accounts it may use in HARNESS_AWS_ACCOUNTS"
    return True, f"allowed in {', '.join(settings.aws_accounts)}; it was not asked", ""


_BACKENDS = {
    "container": _container,
    "host": _host,
    "ministack": _ministack,
    "external": _external,
    "aws": _aws,
}
