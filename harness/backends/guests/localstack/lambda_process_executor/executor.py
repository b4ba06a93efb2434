"""LocalStack's `RuntimeExecutor` on top of a sandbox: the one module that knows LocalStack's models."""

import itertools
import logging
import os
import sys
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

from lambda_process_executor.bundles import BundleStore
from lambda_process_executor.environment import Surroundings, function_environment
from lambda_process_executor.interpreter import (
    Interpreter,
    RuntimeMismatchError,
    UnfitInterpreterError,
    compile_tree,
    probe,
)
from lambda_process_executor.patches import client_context
from lambda_process_executor.runtime_api import Invocation
from lambda_process_executor.sandbox import Sandbox, Spec, StoppedError
from lambda_process_executor.storage import work_directory

LOG = logging.getLogger(__name__)
EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104
LOOPBACK = "127.0.0.1"
PROVISIONED = InitializationType.provisioned_concurrency

BUNDLES = BundleStore(work_directory() / "code", lambda tree: compile_tree(interpreter().path, tree))


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
    def invoke(self, payload: dict[str, str]) -> InvocationResult:
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
        return f"http://{endpoint_host()}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    @classmethod
    @override
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        name, settings = function_version.id.function_name, function_version.config
        try:
            interpreter().check(name, settings.runtime, settings.package_type)
            hold_bundles(function_version, version_holder(function_version))
        except (UnfitInterpreterError, RuntimeMismatchError) as error:
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
        return True

    def _spec(self, env_vars: dict[str, str]) -> Spec:
        settings = self.function_version.config
        task_root, *layers = hold_bundles(self.function_version, self.id)
        scratch = Path(
            tempfile.mkdtemp(prefix=f"{self.function_version.id.function_name}-", dir=work_directory())
        )
        around = Surroundings(
            runtime=settings.runtime,
            task_root=task_root,
            scratch=scratch,
            endpoint_host=endpoint_host(),
            proxy=os.environ.get("LAMBDA_PROCESS_PROXY"),
        )
        return Spec(
            python=interpreter().path,
            handler=settings.handler,
            version=self.function_version.id.qualifier,
            environment=function_environment(env_vars, settings.environment or {}, around),
            task_root=task_root,
            layers=tuple(itertools.chain.from_iterable(map(import_directories, reversed(layers)))),
            scratch=scratch,
            timeout=settings.timeout,
            memory_size=settings.memory_size,
            init_timeout=float(os.environ.get("LAMBDA_PROCESS_INIT_SECONDS", "10")),
            max_response=int(config.LAMBDA_LIMITS_MAX_FUNCTION_PAYLOAD_SIZE_BYTES),
            has_json_logs=settings.logging_config.get("LogFormat") == "JSON",
        )


def _invocation(payload: dict[str, str]) -> Invocation:
    return Invocation(
        request_id=payload["invoke-id"],
        function_arn=payload["invoked-function-arn"],
        payload=payload["payload"].encode(),
        trace_id=payload["trace-id"],
        client_context=client_context.get(),
    )


def hold_bundles(version: FunctionVersion, holder: str) -> list[Path]:
    """Return the directories of a version's code and of its layers, in the version's order, and hold them."""
    archives = [version.config.code, *(layer.code for layer in version.config.layers)]
    return [_hold(archive, holder) for archive in archives]


def _hold(code: Any, holder: str) -> Path:  # noqa: ANN401
    if code.is_hot_reloading():
        return Path(code.get_unzipped_code_location())
    return BUNDLES.hold(code.code_sha256, holder, code._download_archive_to_file)  # noqa: SLF001


def import_directories(layer: Path) -> list[Path]:
    """Return where Python finds the modules of a layer, which AWS would unpack below /opt."""
    return [layer / "python" / "lib" / interpreter().runtime / "site-packages", layer / "python"]


def version_holder(version: FunctionVersion) -> str:
    """Return a name for one revision of a version: an update holds the new before the old one lets go."""
    return f"{version.qualified_arn}/{version.config.internal_revision}"


def interpreter() -> Interpreter:
    """Return the Python that runs functions.

    Raises:
        UnfitInterpreterError: it can't.
    """
    return probe(os.environ.get("LAMBDA_PROCESS_PYTHON") or sys.executable)


def endpoint_host() -> str:
    """Return the host under which children reach LocalStack."""
    host = config.GATEWAY_LISTEN[0].host
    return LOOPBACK if host in EVERY_ADDRESS else host
