"""MiniStack from PyPI as a process. It enforces IAM and bucket policies."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends import emulator, localstack
from harness.backends.backend import Availability, Backend
from harness.base import environments
from harness.base.isolation import without_aws, without_network
from harness.functions import runtimes
from harness.functions.packages import Platform
from harness.terraform.needs import fidelity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.settings import Settings
    from harness.values import Endpoint

VERSION = "1.5.33"
PYTHONS = ((3, 13), (3, 12), (3, 14))
_PACKAGE = Path(str(files("harness")))
REQUIREMENTS = _PACKAGE / "backends" / "requirements" / f"ministack-{VERSION}.txt"
LAUNCHER = _PACKAGE / "backends" / "guests" / "ministack"


@contextmanager
def ministack(settings: Settings) -> Iterator[Endpoint]:
    """Run MiniStack on this machine while the context is open.

    Raises:
        BackendError: It can't be installed, its port is taken, or it does not become healthy.
        MissingToolError: This machine has no Python that suits MiniStack.
        SettingsError: The configured interpreter is not a Python.
    """
    suited = environments.with_python(settings, PYTHONS, needed_by=f"MiniStack {VERSION}")
    python = environments.install(suited, f"ministack-{VERSION}", REQUIREMENTS)

    def command(port: int, folder: Path, gate: str) -> tuple[Sequence[str], Mapping[str, str]]:
        return [str(python), str(LAUNCHER)], _environ(settings, port, folder, toolchains, gate)

    program = emulator.Program(name="ministack", health="/_ministack/health", command=command)
    with runtimes.served(settings) as toolchains, emulator.served("ministack", settings, program) as endpoint:
        yield endpoint


def _environ(settings: Settings, port: int, folder: Path, toolchains: str, gate: str) -> dict[str, str]:
    """Return MiniStack's environment: https://github.com/ministackorg/ministack."""
    return without_network(without_aws(environments.program_environ(settings.environ))) | {
        "BIND_HOST": emulator.HOST,
        "MINISTACK_HOST": emulator.HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": settings.region,
        "AUTH": "true" if settings.ministack_auth else "false",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",  # otherwise it listens on a fixed port, which clashes with other instances
        # All its files are in the folder, and go with it.
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": f"{emulator.RETRY_DELAY:g}",
        # Its functions run on the runner that LocalStack's run on.
        "LAMBDA_PROCESS_RUNTIMES": toolchains,
        "LAMBDA_PROCESS_GATE": gate,
        "LAMBDA_PROCESS_REDELIVERY_SECONDS": f"{emulator.RETRY_DELAY:g}",
        "LAMBDA_PROCESS_REQUEST_LOG": str(folder / emulator.REQUEST_LOG),
        "LAMBDA_PROCESS_REQUEST_LOG_BODIES": "1" if settings.request_log_bodies else "0",
        "LAMBDA_PROCESS_HOT": str(folder / emulator.HOT),
        "LAMBDA_PROCESS_EVENTS": str(folder / emulator.EVENTS),
        "LAMBDA_PROCESS_TOOLS": str(folder / emulator.TOOLS),
        "PYTHONPATH": str(localstack.PLUGINS),
    }


def _examine(settings: Settings) -> Availability:
    suited = environments.with_present_python(settings, PYTHONS, needed_by=f"MiniStack {VERSION}")
    state = environments.installation(suited, {f"ministack-{VERSION}": REQUIREMENTS})
    return Availability(ok=True, state=f"MiniStack {VERSION} {state}, on {suited.python}")


def _lacks(settings: Settings, feature: str) -> bool:
    return feature in fidelity.missing("ministack") or runtimes.lacks(settings, feature)


MINISTACK = Backend(
    name="ministack",
    start=ministack,
    examine=_examine,
    lacks=_lacks,
    functions_run_on=lambda _: Platform.here(),
    is_temporary=True,
)
