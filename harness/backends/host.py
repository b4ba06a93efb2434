"""LocalStack from PyPI, run as a process from a virtual environment of its own: no Docker needed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness import needs, runtimes
from harness.backends import emulator, localstack
from harness.backends.backend import Availability, Backend
from harness.base import environments
from harness.packages import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.settings import Settings
    from harness.values import Endpoint

_ENVIRONMENTS = {
    f"localstack-{localstack.VERSION}": localstack.REQUIREMENTS,
    "lambda-runtime": localstack.LAMBDA_REQUIREMENTS,
}


# LocalStack fetches programs for these when they are first used: kinesis-mock, OpenSearch, Java. It has no
# network here. DynamoDB is moto's, as DynamoDB Local is a Java program too, and that has no streams.
_FETCHED = frozenset({"kinesis", "opensearch", "es", needs.STREAMS, needs.JSONATA})


@contextmanager
def host(settings: Settings) -> Iterator[Endpoint]:
    """Run LocalStack on this machine while the context is open.

    Raises:
        BackendError: It can't be installed, its port is taken, or it does not become healthy,
            or ends in mid-run.
        MissingToolError: There is no Python that LocalStack runs on.
        SettingsError: A setting names an interpreter that LocalStack does not run on.
    """
    suited = environments.with_python(settings, localstack.PYTHONS, needed_by=localstack.NAME)
    python = environments.cached(suited, f"localstack-{localstack.VERSION}", localstack.REQUIREMENTS)
    functions = environments.cached(suited, "lambda-runtime", localstack.LAMBDA_REQUIREMENTS)

    def command(port: int, folder: Path, gate: str) -> tuple[Sequence[str], Mapping[str, str]]:
        environ = (
            localstack.configured(settings.environ, listen=f"{emulator.HOST}:{port}")
            | localstack.functions_as_processes(
                functions,
                localstack.PLUGINS,
                request_log=folder / emulator.REQUEST_LOG,
                runtimes=toolchains,
                gate=gate,
            )
            # On a machine that is itself a container LocalStack would else keep its files in a fixed place.
            | {"FILESYSTEM_ROOT": str(folder / "root"), "OVERRIDE_IN_DOCKER": "0"}
            | {"LAMBDA_PROCESS_HOT": str(folder / emulator.HOT)}
            | {"LAMBDA_PROCESS_TOOLS": str(folder / emulator.TOOLS)}
        )
        return [str(python), "-m", "localstack.runtime.main"], environ

    program = emulator.Program(name="localstack", health=localstack.HEALTH, command=command)
    with runtimes.served(settings) as toolchains, emulator.served("host", settings, program) as endpoint:
        yield endpoint


def _examine(settings: Settings) -> Availability:
    suited = environments.with_present_python(settings, localstack.PYTHONS, needed_by=localstack.NAME)
    state = environments.installation(suited, _ENVIRONMENTS)
    return Availability(ok=True, state=f"{localstack.NAME} {state}, on {suited.python}")


def _lacks(_settings: Settings, feature: str) -> bool:
    return localstack.lacks(feature) or feature in _FETCHED or runtimes.lacks(feature)


HOST = Backend(
    name="host",
    start=host,
    examine=_examine,
    lacks=_lacks,
    functions_run_on=lambda _: Platform.here(),
    is_temporary=True,
)
