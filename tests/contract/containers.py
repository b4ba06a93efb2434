"""The containers of a process that uses the harness, seen past the harness."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from importlib.util import find_spec
from typing import Any

OWNER_LABEL = "terraform-lambda-harness.owner"


def containers_of_this_process() -> list[Any]:
    """Return what this process has running or lying about."""
    return containers_of(os.getpid())


def containers_of(pid: int) -> list[Any]:
    """Return what a process has running or lying about; nothing where there is no Docker."""
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
    """Whether the engine's socket can be connected; one that can't be, the Docker client leaves open."""
    host = os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(host.removeprefix("unix://")) == 0
