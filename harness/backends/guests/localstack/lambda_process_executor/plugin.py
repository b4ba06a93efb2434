"""The entry point: LocalStack loads it for `LAMBDA_RUNTIME_EXECUTOR=process`."""

from typing import TYPE_CHECKING, override

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin

if TYPE_CHECKING:
    from lambda_process_executor.executor import ProcessRuntimeExecutor


class ProcessRuntimeExecutorPlugin(RuntimeExecutorPlugin):
    """Makes the executor known by name. The executor itself is imported when LocalStack asks for it."""

    name = "process"

    @override
    def load(self, *_args: object, **_kwargs: object) -> "type[ProcessRuntimeExecutor]":
        from lambda_process_executor import patches  # noqa: PLC0415
        from lambda_process_executor.executor import ProcessRuntimeExecutor  # noqa: PLC0415

        patches.apply()
        return ProcessRuntimeExecutor
