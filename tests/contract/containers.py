"""The containers of a process that uses the harness, seen past the harness."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from importlib.util import find_spec
from typing import Any

OWNER_LABEL = "terraform-lambda-harness.owner"


def containers_of_this_process() -> list[Any]:
    """Return this process's containers, running or stopped."""
    return containers_of(os.getpid())


def containers_of(pid: int) -> list[Any]:
    """Return a process's containers, running or stopped, or nothing without Docker."""
    if find_spec("docker") is None or not _engine_listens():
        return []
    import docker  # noqa: PLC0415 - of the extra `container`

    owner = f"{socket.gethostname()}/{pid}/"
    try:
        with closing(docker.from_env(timeout=10)) as client:
            ours = client.containers.list(all=True, filters={"label": OWNER_LABEL}, ignore_removed=True)
            return [item for item in ours if item.labels[OWNER_LABEL].startswith(owner)]
    except docker.errors.DockerException:
        return []


def _engine_listens() -> bool:
    """Return whether the engine's socket accepts connections. The Docker client leaks one that does not."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(host.removeprefix("unix://")) == 0
