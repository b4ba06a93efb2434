"""MiniStack's workers on top of a sandbox. Only this module knows MiniStack's models.

MiniStack keeps its pool: it leases an environment to each invocation, removes idle ones, and ends those with
replaced code. SnapStart's hooks and the variables of durable functions, which MiniStack's own workers have,
are missing.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import io
import json
import logging
import os
import re
import tempfile
import threading
import time
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ministack.core import lambda_runtime
from ministack.core.responses import error_response_json
from ministack.services import efs, lambda_svc

from lambda_process_executor import hot, tools
from lambda_process_executor.bundles import BundleStore, extract, remove_tree
from lambda_process_executor.environment import Surroundings, function_environment, watched_variables
from lambda_process_executor.logs import LogText
from lambda_process_executor.runtime_api import Invocation, client_context, decode_client_context
from lambda_process_executor.runtimes import RefusedError, Runtime, layers_refusal, runtime_of
from lambda_process_executor.sandbox import Outcome, Sandbox, Spec, StoppedError
from lambda_process_executor.view import ON_LAMBDA, View, obstacle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Config = dict[str, Any]
    type Answer = tuple[int, dict[str, str], bytes]

LOG = logging.getLogger(__name__)
_HOST = "127.0.0.1"
_LINEAGE = re.compile(r"Lineage=[0-9a-f]+:(\d+)")


def install() -> None:
    """Put the harness's runner in the place of MiniStack's own workers."""
    hot.prepare()
    tools.prepare()
    lambda_runtime._worker_class_for = lambda _config: Environment  # noqa: SLF001 - the version is pinned
    lambda_svc._execute_function_warm = execute  # noqa: SLF001
    lambda_svc._execute_function_provided_warm = execute  # noqa: SLF001
    lambda_svc._inbound_invoke_depth = _with_lineage(lambda_svc._inbound_invoke_depth)  # noqa: SLF001
    lambda_svc.handle_request = _with_runtimes_prepared(lambda_svc.handle_request)
    lambda_svc._invoke = _with_client_context(lambda_svc._invoke)  # noqa: SLF001
    lambda_svc._create_function = _with_code_checked(lambda_svc._create_function)  # noqa: SLF001


def execute(function: Config, event: object, request_id: str) -> Config:
    """Run one invocation, and return its outcome as MiniStack's own executors do."""
    config = function.get("config") or function
    lambda_svc._ensure_reaper_thread()  # noqa: SLF001
    worker, _ = lambda_runtime.acquire_worker(
        config["FunctionName"],
        config,
        function["code_zip"],
        qualifier=config.get("Version", "$LATEST"),
    )
    try:
        result: Config = worker.invoke(event, request_id, invoked_function_arn=config.get("FunctionArn", ""))
    finally:
        lambda_runtime.release_worker(worker)
    return {
        "body": result["result"],
        "error": result["status"] == "error",
        "log": result["log"],
        "raw_payload": result.get("raw_payload", False),
        "log_source": "rie",  # its lines have START, END and REPORT
    }


class Environment:
    """One execution environment of a function version, as MiniStack's pool sees its workers."""

    def __init__(self, name: str, config: Config, code: bytes) -> None:
        self.func_name = name
        self.config = config
        self.code_zip = code
        self.in_use = False
        self.last_used = time.time()
        self._lock = threading.Lock()
        self._proc = None  # the sandbox has the process
        self._cold = True
        self._sandbox: Sandbox | None = None
        self._id = uuid4().hex

    def invoke(
        self, event: object, request_id: str, *, invoked_function_arn: str | None = None, **_rest: object
    ) -> Config:
        """Run one invocation to its end."""
        invocation = Invocation(
            request_id=request_id,
            function_arn=invoked_function_arn or self.config.get("FunctionArn", ""),
            payload=json.dumps(event).encode(),
            trace_id=_trace_id(self.config),
            client_context=client_context.get(),
        )
        try:
            with self._lock:
                outcome = self._spawn().invoke(invocation)
        except (RefusedError, StoppedError) as problem:
            return _failure(str(problem))
        return _result(outcome)

    def _spawn(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = Sandbox(_spec(self.config, self.code_zip, self._id))
            self._sandbox.start()
        return self._sandbox

    def kill(self) -> None:
        """End it."""
        self._discard_tmpdir()

    def _discard_tmpdir(self) -> None:
        if self._sandbox:
            self._sandbox.stop()
        _bundles().release(self._id)


class _Lines(LogText):
    """Log text that MiniStack splits into whole messages instead of lines."""

    __slots__ = ()

    def splitlines(self, keepends: bool = False) -> list[str]:  # noqa: FBT001, FBT002 # as it is called
        """Return the messages."""
        return [f"{message}\n" if keepends else message for message in self.messages]


def _result(outcome: Outcome) -> Config:
    try:
        body, is_raw = json.loads(outcome.payload or b"null"), False
    except ValueError:  # a bootstrap may answer with any bytes
        body, is_raw = outcome.payload.decode("utf-8", "replace"), True
    message = str(body.get("errorMessage", "")) if isinstance(body, dict) else ""
    return {
        "status": "error" if outcome.is_error else "ok",
        "result": body,
        "error": message,
        "raw_payload": is_raw,
        "log": _Lines.of(outcome.logs.messages),
    }


def _failure(reason: str) -> Config:
    body = {"errorType": "Runtime.InvalidEntrypoint", "errorMessage": reason}
    return {"status": "error", "result": body, "error": reason, "log": _Lines.of([f"[ERROR] {reason}"])}


def _spec(config: Config, code_zip: bytes, holder: str) -> Spec:
    runtime, code, layers = _hold_function(config, code_zip, holder)
    scratch = Path(tempfile.mkdtemp(prefix=f"{config['FunctionName']}-", dir=_work_directory()))
    view = ON_LAMBDA if not obstacle() else View(code=code, layers=layers, tmp=scratch)
    around = Surroundings(
        runtime=config["Runtime"],
        view=view,
        endpoint_host=_HOST,
        function=config["FunctionName"],
        gate=os.environ.get("LAMBDA_PROCESS_GATE"),
        proxy=os.environ.get("LAMBDA_PROCESS_PROXY"),
    )
    own = {name: str(value) for name, value in lambda_svc._runtime_env_vars(config).items()}  # noqa: SLF001
    command = runtime.command(config.get("Handler", ""), view, code)
    return Spec(
        command=command.suited_to(own),
        version=config.get("Version", "$LATEST"),
        environment={**command.variables, **function_environment(_lambda_variables(config), own, around)},
        watched=watched_variables(own),
        view=view,
        code=code,
        layers=layers,
        scratch=scratch,
        timeout=float(config.get("Timeout", 3)),
        memory_size=int(config.get("MemorySize", 128)),
        hot=hot.place(hashlib.sha256(code_zip).hexdigest()),
        shared=dict(map(_file_system, config.get("FileSystemConfigs") or [])),
    )


def _file_system(mounted: Config) -> tuple[str, Path]:
    """Return where a function sees a file system of EFS, and the directory that has its files.

    Functions share it if their access points lead to the same directory of one file system.
    """
    name = mounted["Arn"].rpartition("/")[2]
    point = efs._access_points.get(name) or {}  # noqa: SLF001 - the version is pinned
    root = point.get("RootDirectory", {}).get("Path", "/").strip("/")
    directory = _work_directory() / "efs" / point.get("FileSystemId", name) / root
    directory.mkdir(parents=True, exist_ok=True)
    return mounted["LocalMountPath"], directory


def _hold_function(config: Config, code_zip: bytes, holder: str) -> tuple[Runtime, Path, Path]:
    """Return the runtime of a function, and the directories of its code and its merged layers.

    Raises:
        RefusedError: The function can't be run on this machine.
    """
    runtime = _runtime(config)
    found = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers") or []]  # noqa: SLF001
    layers = _hold([layer for layer in found if layer], holder, config, runtime, ON_LAMBDA.layers)
    code = _hold([code_zip], holder, config, runtime, ON_LAMBDA.code)
    if problem := runtime.problem(code, layers):
        raise RefusedError(config["FunctionName"], problem)
    return runtime, code, layers


def _runtime(config: Config) -> Runtime:
    package_type = config.get("PackageType") or "Zip"
    return runtime_of(config.get("FunctionName", ""), config.get("Runtime"), package_type)


def _lambda_variables(config: Config) -> dict[str, str]:
    """Return the variables that Lambda sets.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
    """
    _, region = lambda_runtime._account_region_from_function_config(config)  # noqa: SLF001
    name, log = config["FunctionName"], config.get("LoggingConfig") or {}
    today = time.strftime("%Y/%m/%d", time.gmtime())
    given = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": f"http://{_HOST}:{os.environ['GATEWAY_PORT']}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": log.get("LogFormat"),
        "AWS_LAMBDA_LOG_LEVEL": log.get("ApplicationLogLevel"),
        "AWS_LAMBDA_LOG_GROUP_NAME": log.get("LogGroup") or f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{today}/[{config.get('Version', '$LATEST')}]{uuid4().hex}",
        lambda_runtime.HOST_PREFIX_ENV: "true",
        "TZ": ":UTC",
        "_HANDLER": config.get("Handler"),
        **lambda_runtime.execution_credentials(config),
    }
    return {variable: value for variable, value in given.items() if value}


@cache
def _work_directory() -> Path:
    """Return a directory of this MiniStack alone, removed when it ends."""
    directory = Path(tempfile.mkdtemp(prefix="lambda-"))
    atexit.register(remove_tree, directory)
    return directory


@cache
def _bundles() -> BundleStore:
    return BundleStore(_work_directory() / "code")


def _hold(archives: list[bytes], holder: str, config: Config, runtime: Runtime, place: Path) -> Path:
    def fill(tree: Path) -> None:
        for archive in archives:
            extract(io.BytesIO(archive), tree)
        runtime.finish(tree, tree if obstacle() else place)

    content = [config["Runtime"], str(place), *(hashlib.sha256(archive).hexdigest() for archive in archives)]
    return _bundles().hold(" ".join(content), holder, fill)


def _trace_id(config: Config) -> str:
    """Return the invocation's trace header, with how many functions its chain of calls has been through.

    AWS's SDKs hand it on with every call: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    root = f"Root=1-{int(time.time()):08x}-{uuid4().hex[:24]};Parent={uuid4().hex[:16]};Sampled=0"
    known = lambda_svc._xray_trace_id_for_invocation(config) or root  # noqa: SLF001
    marked = hashlib.sha256(config.get("FunctionArn", "").encode()).hexdigest()[:8]
    return f"{known};Lineage={marked}:{lambda_svc._invoke_depth.get()}"  # noqa: SLF001


def _with_lineage(known: Callable[[Mapping[str, str]], int]) -> Callable[[Mapping[str, str]], int]:
    @wraps(known)
    def depth(headers: Mapping[str, str]) -> int:
        found = _LINEAGE.search(headers.get("x-amzn-trace-id", ""))
        return int(found[1]) if found else known(headers)

    return depth


def _with_client_context(known: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    @wraps(known)
    async def invoke(name: str, event: object, headers: Mapping[str, str], *rest: object) -> Answer:
        client_context.set(decode_client_context(headers.get("x-amz-client-context")))
        return await known(name, event, headers, *rest)

    return invoke


def _with_runtimes_prepared(known: Callable[..., Awaitable[Answer]]) -> Callable[..., Awaitable[Answer]]:
    """Make CreateFunction wait for the function's runtime without blocking other requests, or refuse."""

    @wraps(known)
    async def handle(method: str, path: str, headers: object, body: bytes, query: object) -> Answer:
        if method == "POST" and path.rstrip("/").endswith("/functions"):
            reason = await asyncio.to_thread(_refusal, json.loads(body or b"{}"))
            if reason:
                return _invalid(reason)
        return await known(method, path, headers, body, query)

    return handle


def _refusal(data: Config) -> str:
    """Return the reason why a requested function can't run here, or an empty text."""
    try:
        _runtime({"PackageType": "Image"} | data if "ImageUri" in data.get("Code", {}) else data)
    except RefusedError as problem:
        return str(problem)
    return ""


def _with_code_checked(known: Callable[[Config], Answer]) -> Callable[[Config], Answer]:
    """Refuse a function that lacks a layer or its code, or whose program can't run on this machine."""

    @wraps(known)
    def create(data: Config) -> Answer:
        answer = known(data)
        if answer[0] >= 300:  # noqa: PLR2004 - HTTP's
            return answer
        if reason := _problem(lambda_svc._functions[data["FunctionName"]]):  # noqa: SLF001
            lambda_svc._delete_function(data["FunctionName"], {})  # noqa: SLF001
            return _invalid(reason)
        return answer

    return create


def _problem(function: Config) -> str:
    config, code = function["config"], function["code_zip"]
    foreign = [layer["Arn"] for layer in config.get("Layers") or [] if not layer.get("CodeSize")]
    if foreign:
        return layers_refusal(foreign)
    if not code:
        return (
            f"function {config['FunctionName']}: expected its zip at the bucket and key it names, found none"
        )
    holder = uuid4().hex
    try:
        _hold_function(config, code, holder)
    except RefusedError as problem:
        return str(problem)
    finally:
        _bundles().release(holder)
    return ""


def _invalid(reason: str) -> Answer:
    LOG.error("%s", reason)
    answer: Answer = error_response_json("InvalidParameterValueException", reason, 400)
    return answer
