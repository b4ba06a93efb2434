"""LocalStack's `RuntimeExecutor` on top of a sandbox. Only this module knows LocalStack's models."""

import base64
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, override

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import (
    FunctionVersion,
    InitializationType,
    InvocationResult,
)
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from lambda_process_executor import hot, tools
from lambda_process_executor.bundles import BundleStore, unpack
from lambda_process_executor.environment import Surroundings, function_environment, watched_variables
from lambda_process_executor.runtime_api import Invocation, client_context
from lambda_process_executor.runtimes import RefusedError, Runtime, runtime_of
from lambda_process_executor.sandbox import Sandbox, Spec, StoppedError
from lambda_process_executor.storage import work_directory
from lambda_process_executor.toolchains import UnfitInterpreterError, interpreter
from lambda_process_executor.view import ON_LAMBDA, View, obstacle

LOG = logging.getLogger(__name__)
EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104
LOOPBACK = "127.0.0.1"
FAMILY = config.__name__.partition(".")[0]  # `localstack`, or the name of a fork
PROVISIONED = InitializationType.provisioned_concurrency

BUNDLES = BundleStore(work_directory() / "code")


class ProcessRuntimeExecutor(RuntimeExecutor):
    """One execution environment of a function version, as a child process of LocalStack."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:  # noqa: A002
        super().__init__(id=id, function_version=function_version)
        self._sandbox: Sandbox | None = None
        self._is_stopped = False

    @override
    def start(self, env_vars: dict[str, str]) -> None:
        self._sandbox = Sandbox(self._spec(env_vars))
        if self._is_stopped:  # while the code was unpacked
            self._sandbox.stop()
        error = self._sandbox.start()
        if error and env_vars["AWS_LAMBDA_INITIALIZATION_TYPE"] == PROVISIONED:
            raise StatusErrorException("The function can't be initialised", payload=str(error).encode())

    @override
    def stop(self) -> None:
        self._is_stopped = True
        if self._sandbox:
            self._sandbox.stop()
        BUNDLES.release(self.id)

    @override
    def invoke(self, payload: dict[str, str], function_timeout: int | None = None) -> InvocationResult:
        if self._sandbox is None:
            raise StoppedError
        outcome = self._sandbox.invoke(_invocation(payload))
        return InvocationResult(
            request_id=payload["invoke-id"],
            payload=outcome.payload,
            is_error=outcome.is_error,
            logs=outcome.logs,
        )

    @override
    def get_logs(self) -> str:
        return self._sandbox.pending_logs() if self._sandbox else ""

    @override
    def get_address(self) -> str:
        return LOOPBACK

    @override
    def get_endpoint_from_executor(self) -> str:
        return endpoint_host()

    @override
    def get_runtime_endpoint(self) -> str:
        return f"http://{endpoint_host()}:{config.GATEWAY_LISTEN[0].port}/_{FAMILY}_lambda/{self.id}"

    @classmethod
    @override
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        name, settings = function_version.id.function_name, function_version.config
        try:
            runtime = runtime_of(name, settings.runtime, settings.package_type)
            code, layers = hold_bundles(function_version, version_holder(function_version), runtime)
            if problem := runtime.problem(code, layers):
                raise RefusedError(name, problem)  # noqa: TRY301 # as one that `runtime_of` raised
        except RefusedError as error:
            LOG.error("%s", error)  # noqa: TRY400 # the message says it all
            raise
        except Exception:
            LOG.exception("function %s can't be prepared", name)
            raise

    @classmethod
    @override
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        BUNDLES.release(version_holder(function_version))

    @classmethod
    @override
    def validate_environment(cls) -> bool:
        try:
            interpreter()
        except UnfitInterpreterError as error:
            LOG.error("%s", error)  # noqa: TRY400 # the message says it all
            return False
        hot.prepare()
        tools.prepare()
        if reason := obstacle():
            LOG.warning("functions see this machine's /opt and /tmp, not their own (%s)", reason)
        return True

    def _spec(self, env_vars: dict[str, str]) -> Spec:
        settings = self.function_version.config
        name = self.function_version.id.function_name
        runtime = runtime_of(name, settings.runtime, settings.package_type)
        code, layers = hold_bundles(self.function_version, self.id, runtime)
        scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=work_directory()))
        view = ON_LAMBDA if not obstacle() else View(code=code, layers=layers, tmp=scratch)
        around = Surroundings(
            runtime=settings.runtime,
            view=view,
            endpoint_host=endpoint_host(),
            function=name,
            gate=os.environ.get("LAMBDA_PROCESS_GATE"),
            proxy=os.environ.get("LAMBDA_PROCESS_PROXY"),
        )
        own = settings.environment or {}
        command = runtime.command(settings.handler, view, code)
        return Spec(
            command=command.suited_to(own),
            version=self.function_version.id.qualifier,
            environment={**command.variables, **function_environment(env_vars, own, around)},
            watched=watched_variables(own),
            view=view,
            code=code,
            layers=layers,
            scratch=scratch,
            timeout=settings.timeout,
            memory_size=settings.memory_size,
            init_timeout=float(os.environ.get("LAMBDA_PROCESS_INIT_SECONDS", "10")),
            max_response=int(config.LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES),
            hot=_hot(self.function_version),
            has_json_logs=settings.logging_config.get("LogFormat") == "JSON",
        )


def _hot(version: FunctionVersion) -> Path | None:
    """Return the directory for sources that replace the code. LocalStack's own hot code has no hash."""
    code = version.config.code
    return None if code.is_hot_reloading() else hot.place(base64.b64decode(code.code_sha256).hex())


def _invocation(payload: dict[str, str]) -> Invocation:
    return Invocation(
        request_id=payload["invoke-id"],
        function_arn=payload["invoked-function-arn"],
        payload=payload["payload"].encode(),
        trace_id=payload["trace-id"],
        client_context=client_context.get(),
    )


def hold_bundles(version: FunctionVersion, holder: str, runtime: Runtime) -> tuple[Path, Path]:
    """Return the directories of a version's code and of its merged layers, and hold both."""
    code, layers = version.config.code, [layer.code for layer in version.config.layers]
    merged = _hold(layers, holder, version, runtime, ON_LAMBDA.layers)
    if code.is_hot_reloading():
        return Path(code.get_unzipped_code_location()), merged
    return _hold([code], holder, version, runtime, ON_LAMBDA.code), merged


def _hold(archives: list[Any], holder: str, version: FunctionVersion, runtime: Runtime, place: Path) -> Path:
    def fill(tree: Path) -> None:
        for archive in archives:
            unpack(archive._download_archive_to_file, tree)  # noqa: SLF001
        runtime.finish(tree, tree if obstacle() else place)

    content = [version.config.runtime, str(place), *(archive.code_sha256 for archive in archives)]
    return BUNDLES.hold(" ".join(content), holder, fill)


def version_holder(version: FunctionVersion) -> str:
    """Return a name for one revision of a version: an update holds the new before the old one lets go."""
    return f"{version.qualified_arn}/{version.config.internal_revision}"


def endpoint_host() -> str:
    """Return the host under which children reach LocalStack."""
    host = config.GATEWAY_LISTEN[0].host
    return LOOPBACK if host in EVERY_ADDRESS else host
