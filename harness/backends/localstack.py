"""LocalStack on any backend: its configuration, and the harness's plugins for it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends.emulator import RETRY_DELAY
from harness.base.environments import build_once, program_environ
from harness.base.isolation import DEAD_PROXY, without_aws, without_network
from harness.base.process import run
from harness.errors import BackendError, CommandError
from harness.functions.runtimes import PYTHON_REQUIREMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.settings import Settings

PORT = 4566  # the well-known one
LAMBDA_REQUIREMENTS = PYTHON_REQUIREMENTS
_BACKENDS = Path(str(files("harness"))) / "backends"
PLUGINS = _BACKENDS / "guests" / "localstack"
_INDEX_TIMEOUT = 300.0  # seconds
_IAM_ENFORCEMENT = {"enforce": "1", "soft": "soft", "off": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A version of LocalStack, or of a fork, on PyPI.

    Attributes:
        title: Its proper name.
        package: Its name on PyPI and in Python.
        version: Its version.
        pythons: The Python versions that it supports, the best first.
        guests: The directories of the harness's plugins for it, in `guests/`.
    """

    title: str
    package: str
    version: str
    pythons: tuple[tuple[int, int], ...]
    guests: tuple[str, ...]

    @property
    def plugins(self) -> list[Path]:
        """The directories of its plugins."""
        return [_BACKENDS / "guests" / name for name in self.guests]

    @property
    def name(self) -> str:
        """Its name with its version, for people."""
        return f"{self.title} {self.version}"

    @property
    def environment(self) -> str:
        """The name of its virtual environment."""
        return f"{self.package}-{self.version}"

    @property
    def requirements(self) -> Path:
        """The file with all its packages, pinned."""
        return _BACKENDS / "requirements" / f"{self.environment}.txt"

    @property
    def health(self) -> str:
        """The path that answers 200 as soon as it can be used."""
        return f"/_{self.package}/health"


LOCALSTACK = Distribution(
    title="LocalStack",
    package="localstack",
    version="4.14.0",
    pythons=(
        (3, 13),
    ),  # on 3.12 its start ends with a TypeError, and on 3.14 its packages can't be installed
    guests=("localstack",),
)
# The version that the setting `localstack_version` names.
LOCALSTACKS = {each.version: each for each in (LOCALSTACK, replace(LOCALSTACK, version="2026.3.0"))}
# A fork that continues after LocalStack's repository was archived: https://github.com/localemu/localemu
LOCALEMU = Distribution(
    title="LocalEmu",
    package="localemu",
    version="1.3.2",
    pythons=((3, 13),),
    guests=("localemu", "localstack"),
)


def service_index(python: Path, distribution: Distribution, environ: Mapping[str, str]) -> Path:
    """Return a directory `usr` for LocalStack's root, with its index of all services. It is built once.

    A start that finds none reads the models of some 400 services, which is half of all its work. The official
    image has one for that reason.

    Args:
        python: The interpreter of the distribution's environment, in which the directory is kept.
        distribution: What the environment has installed.
        environ: The environment of the program that builds it.

    Raises:
        BackendError: The distribution can't read its own models.
    """

    def build(root: Path) -> None:
        (root / "usr" / "lib" / distribution.package).mkdir(parents=True)
        own = {"FILESYSTEM_ROOT": str(root), "OVERRIDE_IN_DOCKER": "0"}
        argv = [str(python), "-m", f"{distribution.package}.aws.spec"]
        run(argv, env=program_environ(without_aws(environ)) | own, timeout=_INDEX_TIMEOUT)

    what = f"the index of {distribution.name}'s services"
    try:
        return build_once(python.parents[1] / "index", build, what=what) / "usr"
    except CommandError as problem:
        raise BackendError(distribution.package, f"{what} could not be built\n{problem}") from problem


def enforcement(settings: Settings) -> dict[str, str]:
    """Return the variable that has LocalEmu enforce policies. LocalStack does not know it."""
    return {"IAM_ENFORCEMENT": _IAM_ENFORCEMENT[settings.localemu_iam]}


def localstack_environ(environ: Mapping[str, str], *, listen: str) -> dict[str, str]:
    """Return LocalStack's environment: `environ` without a way to AWS or to any other host.

    https://docs.localstack.cloud/aws/capabilities/config/configuration/

    Args:
        environ: The environment to inherit.
        listen: The `address:port` to serve on. Several are separated by commas, and its URLs use the first.
    """
    return without_network(without_aws(program_environ(environ))) | {
        "GATEWAY_LISTEN": listen,
        # A queue that was idle is asked again after a second at most, not after ten.
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        # An asynchronous event that a function failed on comes again after a second, not after a minute.
        "LAMBDA_RETRY_BASE_DELAY": f"{RETRY_DELAY:g}",
        # It neither reports home, nor fetches certificates, nor answers DNS.
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
        # If services are first used at the same time, their imports may deadlock. So the usual ones are
        # loaded at the start, one after the other. Any other service loads on first use.
        "EAGER_SERVICE_LOADING": "1",
        "STRICT_SERVICE_LOADING": "0",
        "SERVICES": "apigateway,cloudwatch,dynamodb,events,iam,kms,lambda,logs,s3,sns,sqs,sts",
    }


def functions_as_processes(
    python: Path | str,
    plugins: Iterable[Path | str],
    *,
    request_log: Path | str,
    has_bodies: bool = False,
    runtimes: str | None = None,
    gate: str = "",
) -> dict[str, str]:
    """Return the environment with which LocalStack runs Lambda functions as its child processes.

    Args:
        python: An interpreter that has awslambdaric and boto3.
        plugins: The directories of the executor `process`.
        request_log: The file for LocalStack's log of AWS calls.
        has_bodies: Whether the calls in it have their bodies.
        gate: The URL of the gate, through which functions reach other hosts. By default they can't.
        runtimes: The URL at which LocalStack asks for the programs of other runtimes.
    """
    toolchains = {"LAMBDA_PROCESS_RUNTIMES": runtimes} if runtimes else {}
    return toolchains | {
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "LAMBDA_PROCESS_REQUEST_LOG": str(request_log),
        "LAMBDA_PROCESS_REQUEST_LOG_BODIES": "1" if has_bodies else "0",
        "LAMBDA_PROCESS_REDELIVERY_SECONDS": f"{RETRY_DELAY:g}",
        "LAMBDA_PROCESS_PYTHON": str(python),
        **({"LAMBDA_PROCESS_GATE": gate} if gate else {"LAMBDA_PROCESS_PROXY": DEAD_PROXY}),
        "PYTHONPATH": os.pathsep.join(map(str, plugins)),
    }
