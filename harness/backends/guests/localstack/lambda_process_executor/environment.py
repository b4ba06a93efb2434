"""The environment variables that a function sees: its own and Lambda's, nothing of LocalStack's."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from lambda_process_executor.callers import APP_ID, new_app_id
from lambda_process_executor.view import View

LOCAL_HOSTS = ("127.0.0.1", "localhost")
PUBLIC_OF_LOCALSTACK = frozenset({"LOCALSTACK_HOSTNAME"})
# What a wrapper of the runtime reads, nobody notices.
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
# Runtimes, SDKs and the C library read these by themselves, whether or not the function asks for them.
_READ_BY_OTHERS = re.compile(
    r"_.*|AWS_.*|LAMBDA_(TASK_ROOT|RUNTIME_DIR)|PYTHON.*|NODE_(?!ENV$).*|UV_.*|LD_.*|LC_.*|LANG|LANGUAGE|TZ|TZDIR"
    r"|PATH|HOME|PWD|TMPDIR|TMP|TEMP|SSL.*|OPENSSL_.*|(HTTPS?|ALL|NO)_PROXY",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The child's environment on this machine.

    Attributes:
        runtime: Lambda's name of the runtime, like `python3.13`.
        view: the paths at which the function sees its files.
        endpoint_host: host under which the child reaches LocalStack.
        function: its name, for the gate.
        gate: URL of a proxy that forwards requests for LocalStack, or None.
        proxy: URL of the proxy for all other hosts if there is no gate, or None.
    """

    runtime: str
    view: View
    endpoint_host: str
    function: str = "function"
    gate: str | None = None
    proxy: str | None = None


def function_environment(
    given: Mapping[str, object], own: Mapping[str, str], around: Surroundings
) -> dict[str, str]:
    """Build the environment of a function's process.

    Args:
        given: the environment that LocalStack would give its container. `own` is part of it.
        own: the variables of the function's configuration. They override all but the runtime's own variables.
        around: the environment on this machine.
    """
    shared = {name: str(value) for name, value in given.items() if not _is_internal(name)}
    return _machine(around.view) | shared | _ways_out(around) | dict(own) | _reserved(around)


def watched_variables(own: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of a function's own variables of which a read shows that the function uses them."""
    return () if WRAPPER in own else tuple(name for name in own if not _READ_BY_OTHERS.fullmatch(name))


def _is_internal(name: str) -> bool:
    return name.startswith("LOCALSTACK_") and name not in PUBLIC_OF_LOCALSTACK


def _machine(view: View) -> dict[str, str]:
    libraries = (view.code, view.code / "lib", view.layers / "lib")
    return {
        "PATH": f"/usr/local/bin:/usr/bin:/bin:{view.layers / 'bin'}",
        "LD_LIBRARY_PATH": ":".join(map(os.fspath, libraries)),
        "LANG": "C.UTF-8",
        "HOME": os.fspath(view.tmp),
        "TMPDIR": os.fspath(view.tmp),
        "AWS_EC2_METADATA_DISABLED": "true",
        APP_ID: new_app_id(),
    }


def _ways_out(around: Surroundings) -> dict[str, str]:
    if around.gate:
        # Some clients send a user only with a password.
        proxy = around.gate.replace("://", f"://{quote(around.function, safe='')}:-@", 1)
        # The gate handles `localhost`, because it knows the port that replaces LocalStack's usual 4566.
        return _behind(proxy, (LOCAL_HOSTS[0], around.endpoint_host)) | {
            "LOCALSTACK_HOSTNAME": LOCAL_HOSTS[1]
        }
    return _behind(around.proxy, (*LOCAL_HOSTS, around.endpoint_host)) if around.proxy else {}


def _behind(proxy: str, direct: tuple[str, ...]) -> dict[str, str]:
    upper = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": ",".join(dict.fromkeys(direct))}
    return upper | {name.lower(): value for name, value in upper.items()}


def _reserved(around: Surroundings) -> dict[str, str]:
    root = os.fspath(around.view.code)
    return {"LAMBDA_TASK_ROOT": root, "AWS_EXECUTION_ENV": f"AWS_Lambda_{around.runtime}"}
