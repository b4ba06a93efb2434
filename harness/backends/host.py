"""LocalStack from PyPI, run as a process from a virtual environment of its own: no Docker needed."""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends import localstack
from harness.backends.emulator import HOST, await_health, free_port, served_emulator, watched
from harness.base import environments
from harness.errors import BackendError, CommandError
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings

log = logging.getLogger(__name__)

BACKEND = "host"


@contextmanager
def host(settings: Settings) -> Iterator[Endpoint]:
    """Run LocalStack on this machine while the context is open.

    Raises:
        BackendError: It can't be installed, its port is taken, or it does not become healthy,
            or ends in mid-run.
        MissingToolError: There is no Python that LocalStack runs on.
        SettingsError: A setting names an interpreter that LocalStack does not run on.
    """
    python, functions = _installed(settings)
    address = f"{HOST}:{free_port(settings, BACKEND)}"
    with tempfile.TemporaryDirectory(prefix="harness-localstack-") as folder:
        endpoint = Endpoint(
            backend=BACKEND,
            url=f"http://{address}",
            region=settings.region,
            is_temporary=True,
            log=(log_file := Path(folder) / "localstack.log"),
        )
        environ = (
            localstack.configured(settings.environ, listen=address)
            | localstack.functions_as_processes(functions, localstack.PLUGINS)
            # On a machine that is itself a container LocalStack would else keep its files in a fixed place.
            | {"FILESYSTEM_ROOT": str(Path(folder) / "root"), "OVERRIDE_IN_DOCKER": "0"}
        )
        log.info("starting LocalStack %s at %s", localstack.VERSION, endpoint.url)
        argv = [str(python), "-m", "localstack.runtime.main"]
        with served_emulator(argv, settings, environ, log_file) as emulator:
            health = endpoint.url + localstack.HEALTH
            await_health(BACKEND, emulator, health, timeout=settings.start_timeout)
            with watched(endpoint, emulator) as served:
                yield served


def _installed(settings: Settings) -> tuple[Path, Path]:
    """Return the interpreters of LocalStack and of the functions."""
    suited = environments.with_python(settings, localstack.PYTHONS, needed_by=localstack.NAME)
    try:
        return (
            environments.cached(suited, f"localstack-{localstack.VERSION}", localstack.REQUIREMENTS),
            environments.cached(suited, "lambda-runtime", localstack.LAMBDA_REQUIREMENTS),
        )
    except CommandError as problem:
        reason = f"LocalStack could not be installed; is PyPI reachable?\n{problem}"
        raise BackendError(BACKEND, reason) from problem
