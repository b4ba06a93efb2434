"""LocalStack and its fork, run as a process from a virtual environment of its own: no Docker needed."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness import needs, runtimes
from harness.backends import emulator, localstack
from harness.backends.backend import Availability, Backend
from harness.base import environments
from harness.packages import Platform

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.backends.localstack import Distribution
    from harness.settings import Settings
    from harness.values import Endpoint

_FUNCTIONS = "lambda-runtime"
# LocalStack fetches programs for these when they are first used: kinesis-mock, OpenSearch, Java. It has no
# network here. DynamoDB is moto's, as DynamoDB Local is a Java program too, and that has no streams.
_FETCHED = frozenset({"kinesis", "opensearch", "es", needs.STREAMS, needs.JSONATA})
# Each was tried on 2026-11-30: the first have no operations, and search engines run in Docker.
_NOT_IN_THE_FORK = frozenset(
    """
    appconfig bedrock-agent fis globalaccelerator kinesisanalyticsv2 schemas sesv2 signer synthetics
    timestream-write verifiedpermissions xray opensearch es
    """.split()  # noqa: SIM905 # it reads better
) | {needs.JSONATA}


@contextmanager
def _started(distribution: Distribution, backend: str, settings: Settings) -> Iterator[Endpoint]:
    """Run LocalStack, or its fork, on this machine while the context is open.

    Raises:
        BackendError: It can't be installed, its port is taken, or it does not become healthy,
            or ends in mid-run.
        MissingToolError: There is no Python that it runs on.
        SettingsError: A setting names an interpreter that it does not run on.
    """
    suited = environments.with_python(settings, distribution.pythons, needed_by=distribution.name)
    python = environments.cached(suited, distribution.environment, distribution.requirements)
    functions = environments.cached(suited, _FUNCTIONS, localstack.LAMBDA_REQUIREMENTS)

    def command(port: int, folder: Path, gate: str) -> tuple[Sequence[str], Mapping[str, str]]:
        environ = (
            localstack.configured(settings.environ, listen=f"{emulator.HOST}:{port}")
            | localstack.functions_as_processes(
                functions,
                distribution.plugins,
                request_log=folder / emulator.REQUEST_LOG,
                runtimes=toolchains,
                gate=gate,
            )
            # On a machine that is itself a container it would else keep its files in a fixed place.
            | {"FILESYSTEM_ROOT": str(folder / "root"), "OVERRIDE_IN_DOCKER": "0"}
            | {"LAMBDA_PROCESS_HOT": str(folder / emulator.HOT)}
            | {"LAMBDA_PROCESS_EVENTS": str(folder / emulator.EVENTS)}
            | {"LAMBDA_PROCESS_TOOLS": str(folder / emulator.TOOLS)}
        )
        return [str(python), "-m", f"{distribution.package}.runtime.main"], environ

    program = emulator.Program(name=distribution.package, health=distribution.health, command=command)
    with runtimes.served(settings) as toolchains, emulator.served(backend, settings, program) as endpoint:
        yield endpoint


def _examine(distribution: Distribution, settings: Settings) -> Availability:
    suited = environments.with_present_python(settings, distribution.pythons, needed_by=distribution.name)
    wanted = {
        distribution.environment: distribution.requirements,
        _FUNCTIONS: localstack.LAMBDA_REQUIREMENTS,
    }
    state = environments.installation(suited, wanted)
    return Availability(ok=True, state=f"{distribution.name} {state}, on {suited.python}")


def process_backend(name: str, distribution: Distribution, lacking: Collection[str] = ()) -> Backend:
    """Return the backend that runs a distribution as a process.

    Args:
        name: What the settings call it.
        distribution: LocalStack, or a fork.
        lacking: The features that it lacks, beside runtimes that this machine can't run.
    """
    return Backend(
        name=name,
        start=functools.partial(_started, distribution, name),
        examine=functools.partial(_examine, distribution),
        lacks=lambda _, feature: feature in lacking or runtimes.lacks(feature),
        functions_run_on=lambda _: Platform.here(),
        is_temporary=True,
    )


HOST = process_backend("host", localstack.LOCALSTACK, localstack.PAID | _FETCHED)
LOCALEMU = process_backend("localemu", localstack.LOCALEMU, _NOT_IN_THE_FORK)
