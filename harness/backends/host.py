"""LocalStack and its fork as a process, from a virtual environment. Needs no Docker."""

from __future__ import annotations

import functools
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.backends import emulator, localstack
from harness.backends.backend import Availability, Backend
from harness.base import environments
from harness.functions import runtimes
from harness.functions.packages import Platform
from harness.terraform.needs import fidelity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.backends.localstack import Distribution
    from harness.settings import Settings
    from harness.values import Endpoint

    type Choose = Callable[[Settings], Distribution]

_FUNCTIONS = "lambda-runtime"


@contextmanager
def _started(choose: Choose, backend: str, settings: Settings) -> Iterator[Endpoint]:
    """Run LocalStack, or its fork, on this machine while the context is open.

    Raises:
        BackendError: It can't be installed, its port is taken, it does not become healthy, or it ends during
            the run.
        MissingToolError: This machine has no Python that suits it.
        SettingsError: The configured interpreter does not suit it.
    """
    distribution = choose(settings)
    suited = environments.with_python(settings, distribution.pythons, needed_by=distribution.name)
    python = environments.install(suited, distribution.environment, distribution.requirements)
    functions = environments.install(suited, _FUNCTIONS, localstack.LAMBDA_REQUIREMENTS)
    index = localstack.service_index(python, distribution, settings.environ)

    def command(port: int, folder: Path, gate: str) -> tuple[Sequence[str], Mapping[str, str]]:
        root = folder / "root"
        shutil.copytree(index, root / "usr")
        environ = (
            localstack.localstack_environ(settings.environ, listen=f"{emulator.HOST}:{port}")
            | localstack.functions_as_processes(
                functions,
                distribution.plugins,
                request_log=folder / emulator.REQUEST_LOG,
                has_bodies=settings.request_log_bodies,
                runtimes=toolchains,
                gate=gate,
            )
            # If this machine is itself a container, it otherwise keeps its files in a fixed place.
            | {"FILESYSTEM_ROOT": str(root), "OVERRIDE_IN_DOCKER": "0"}
            | {"LAMBDA_PROCESS_HOT": str(folder / emulator.HOT)}
            | {"LAMBDA_PROCESS_EVENTS": str(folder / emulator.EVENTS)}
            | {"LAMBDA_PROCESS_TOOLS": str(folder / emulator.TOOLS)}
            | localstack.enforcement(settings)
        )
        return [str(python), "-m", f"{distribution.package}.runtime.main"], environ

    program = emulator.Program(name=distribution.package, health=distribution.health, command=command)
    with runtimes.served(settings) as toolchains, emulator.served(backend, settings, program) as endpoint:
        yield endpoint


def _examine(choose: Choose, settings: Settings) -> Availability:
    distribution = choose(settings)
    suited = environments.with_present_python(settings, distribution.pythons, needed_by=distribution.name)
    wanted = {
        distribution.environment: distribution.requirements,
        _FUNCTIONS: localstack.LAMBDA_REQUIREMENTS,
    }
    state = environments.installation(suited, wanted)
    return Availability(ok=True, state=f"{distribution.name} {state}, on {suited.python}")


def process_backend(
    name: str, choose: Choose, lacking: Collection[str] = (), *, dashboard: str = ""
) -> Backend:
    """Return the backend that runs a distribution as a process.

    Args:
        name: The backend's name in the settings.
        choose: Returns the distribution for the settings: LocalStack, or a fork.
        lacking: The features that it lacks, besides runtimes that this machine can't run.
        dashboard: The path of its web interface. Empty if it has none.
    """
    return Backend(
        name=name,
        start=functools.partial(_started, choose, name),
        examine=functools.partial(_examine, choose),
        lacks=lambda settings, feature: feature in lacking or runtimes.lacks(settings, feature),
        functions_run_on=lambda _: Platform.here(),
        edition=lambda settings: choose(settings).version,
        is_temporary=True,
        dashboard=dashboard,
    )


HOST = process_backend(
    "host",
    lambda settings: localstack.LOCALSTACKS[settings.localstack_version],
    fidelity.missing("localstack", "host"),
)
LOCALEMU = process_backend(
    "localemu",
    lambda _: localstack.LOCALEMU,
    fidelity.missing("localemu"),
    dashboard="/_localemu/dashboard",
)
