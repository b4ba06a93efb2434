"""The environment variables that a function sees: its own and Lambda's, nothing of LocalStack's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOCAL_HOSTS = ("127.0.0.1", "localhost")
PUBLIC_OF_LOCALSTACK = frozenset({"LOCALSTACK_HOSTNAME"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the child gets from this machine.

    Attributes:
        runtime: Lambda's name of the runtime, like `python3.13`.
        task_root: directory of the function's unpacked code.
        scratch: writable directory of this execution environment alone.
        endpoint_host: host under which the child reaches LocalStack.
        proxy: URL of the proxy for every other host, None for no proxy.
    """

    runtime: str
    task_root: Path
    scratch: Path
    endpoint_host: str
    proxy: str | None = None


def function_environment(
    given: Mapping[str, object], own: Mapping[str, str], around: Surroundings
) -> dict[str, str]:
    """Build the environment of a function's process.

    Args:
        given: what LocalStack would give its container; `own` is part of it.
        own: what the function's configuration sets; wins over all but the runtime's own variables.
        around: what this machine contributes.
    """
    shared = {name: str(value) for name, value in given.items() if not _is_internal(name)}
    return (
        _machine(around.scratch)
        | shared
        | _no_proxy_or(around.proxy, around.endpoint_host)
        | dict(own)
        | _reserved(around)
    )


def _is_internal(name: str) -> bool:
    return name.startswith("LOCALSTACK_") and name not in PUBLIC_OF_LOCALSTACK


def _machine(scratch: Path) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": os.fspath(scratch),
        "TMPDIR": os.fspath(scratch),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _no_proxy_or(proxy: str | None, endpoint_host: str) -> dict[str, str]:
    if not proxy:
        return {}
    direct = ",".join(dict.fromkeys((*LOCAL_HOSTS, endpoint_host)))
    upper = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": direct}
    return upper | {name.lower(): value for name, value in upper.items()}


def _reserved(around: Surroundings) -> dict[str, str]:
    root = os.fspath(around.task_root)
    return {"LAMBDA_TASK_ROOT": root, "AWS_EXECUTION_ENV": f"AWS_Lambda_{around.runtime}"}
