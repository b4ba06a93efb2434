"""MiniStack from PyPI, run as a process from its own environment: it enforces IAM and bucket policies."""

from __future__ import annotations

import logging
import tempfile
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.backends.emulator import HOST, await_health, free_port, served_emulator, watched
from harness.base import environments
from harness.base.isolation import without_aws, without_network
from harness.errors import BackendError, CommandError
from harness.values import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings

log = logging.getLogger(__name__)

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
        SettingsError: The interpreter is no Python.
    """
    python = _installed(settings)
    port = free_port(settings, "ministack")
    with tempfile.TemporaryDirectory(prefix="harness-ministack-") as folder:
        log_file = Path(folder) / "ministack.log"
        endpoint = Endpoint(
            backend="ministack",
            url=f"http://{HOST}:{port}",
            region=settings.region,
            is_temporary=True,
            log=log_file,
        )
        environ = _environ(settings, endpoint, Path(folder))
        log.info("starting MiniStack %s at %s", VERSION, endpoint.url)
        with served_emulator([str(python), str(LAUNCHER)], settings, environ, log_file) as emulator:
            await_health(
                "ministack", emulator, f"{endpoint.url}/_ministack/health", timeout=settings.start_timeout
            )
            with watched(endpoint, emulator) as served:
                yield served


def _installed(settings: Settings) -> Path:
    """Return the interpreter of MiniStack, which runs the functions too."""
    try:
        suited = environments.with_python(settings, PYTHONS, needed_by=f"MiniStack {VERSION}")
        return environments.cached(suited, f"ministack-{VERSION}", REQUIREMENTS)
    except CommandError as problem:
        reason = f"MiniStack could not be installed; is PyPI reachable?\n{problem}"
        raise BackendError("ministack", reason) from problem


def _environ(settings: Settings, endpoint: Endpoint, folder: Path) -> dict[str, str]:
    """Return MiniStack's environment, which its functions inherit: https://github.com/ministackorg/ministack."""
    return without_network(without_aws(settings.environ)) | {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(urlsplit(endpoint.url).port),
        "MINISTACK_REGION": settings.region,
        "AUTH": "true" if settings.ministack_auth else "false",
        "SFTP_ENABLED": "0",
        # All that it writes goes with the folder.
        "TMPDIR": str(folder),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
    }
