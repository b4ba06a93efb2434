"""Features that functions or their users need, and that LocalStack 4.14 lacks."""

import functools
import logging
import math
import os
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from threading import Timer
from typing import Any, override

from botocore.config import Config
from botocore.exceptions import ClientError
from localstack.aws import handlers
from localstack.aws.api.lambda_ import InvalidParameterValueException
from localstack.aws.connect import ClientFactory
from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller
from localstack.services.lambda_.invocation import AccessDeniedException, execution_environment
from localstack.services.lambda_.invocation.execution_environment import ExecutionEnvironment
from localstack.services.lambda_.invocation.lambda_service import LambdaService
from localstack.services.lambda_.provider import LambdaProvider

from lambda_process_executor.deadlines import SUSPENDED
from lambda_process_executor.runtime_api import client_context, decode_client_context
from lambda_process_executor.runtimes import layers_refusal, refusal

LOG = logging.getLogger(__name__)
_WITH_ZIP = frozenset({"CreateFunction", "PublishLayerVersion", "UpdateFunctionCode"})


@functools.cache
def apply() -> None:
    """Patch LocalStack, once."""
    pass_client_context()
    let_failed_functions_go()
    let_timers_end_with_the_process()
    refuse_what_needs_docker()
    say_what_layers_are_missing()
    refuse_empty_zips()
    let_rotations_wait()
    wait_for_functions()
    if seconds := os.environ.get("LAMBDA_PROCESS_REDELIVERY_SECONDS"):
        redeliver_failed_messages(math.ceil(float(seconds)))


def pass_client_context() -> None:
    """Have execution environments pass on the client context, which the payload they build lacks."""
    invoke: Callable[..., Any] = ExecutionEnvironment.invoke

    @functools.wraps(invoke)
    def invoke_with_context(self: ExecutionEnvironment, invocation: Any) -> Any:  # noqa: ANN401
        client_context.set(decode_client_context(invocation.client_context))
        return invoke(self, invocation)

    ExecutionEnvironment.invoke = invoke_with_context


def redeliver_failed_messages(seconds: int) -> None:
    """Make a message that a function failed on visible again after `seconds`, whatever its queue says.

    A test need not wait for the queue's visibility timeout, which is several times the function's time-out.
    """
    handle: Callable[..., None] = SqsPoller.handle_messages
    delete: Callable[..., None] = SqsPoller.delete_messages

    @functools.wraps(delete)
    def delete_and_note(self: SqsPoller, messages: list[dict[str, Any]], ids: set[str]) -> None:
        delete(self, messages, ids)
        vars(self).setdefault("deleted_ids", set()).update(ids)

    @functools.wraps(handle)
    def handle_and_release(self: SqsPoller, messages: list[dict[str, Any]]) -> None:
        try:
            handle(self, messages)
        finally:
            deleted = vars(self).pop("deleted_ids", set())
            left = [message for message in messages if message["MessageId"] not in deleted]
            for message in left:
                with suppress(ClientError):  # it took longer than its queue waits
                    self.source_client.change_message_visibility(
                        QueueUrl=self.queue_url,
                        ReceiptHandle=message["ReceiptHandle"],
                        VisibilityTimeout=seconds,
                    )

    SqsPoller.delete_messages = delete_and_note
    SqsPoller.handle_messages = handle_and_release


def let_failed_functions_go() -> None:
    """Make `DeleteFunction` work on a function whose creation failed, and which has nothing to stop."""
    stop_version: Callable[..., Any] = LambdaService.stop_version

    @functools.wraps(stop_version)
    def stop_version_if_any(self: LambdaService, qualified_arn: str) -> None:
        try:
            stop_version(self, qualified_arn)
        except ValueError as error:
            LOG.debug("%s", error)

    LambdaService.stop_version = stop_version_if_any


def let_timers_end_with_the_process() -> None:
    """Let LocalStack end despite running keep-alive timers. It loses some under concurrent calls."""
    execution_environment.Timer = DaemonTimer


def refuse_what_needs_docker() -> None:
    """Make CreateFunction refuse a runtime that can't run as a process, instead of failing later."""
    validate: Callable[..., Any] = LambdaProvider._validate_runtime  # noqa: SLF001

    @functools.wraps(validate)
    def validate_and_refuse(self: LambdaProvider, package_type: str, runtime: str | None) -> None:
        validate(self, package_type, runtime)
        if reason := refusal(runtime, package_type):
            raise InvalidParameterValueException(reason, Type="User")

    LambdaProvider._validate_runtime = validate_and_refuse  # noqa: SLF001


def say_what_layers_are_missing() -> None:
    """Refuse a layer of another account by name, because it can't be fetched from AWS."""
    validate: Callable[..., Any] = LambdaProvider._validate_layers  # noqa: SLF001

    @functools.wraps(validate)
    def validate_or_name(self: LambdaProvider, new_layers: list[str], region: str, account_id: str) -> None:
        try:
            validate(self, new_layers, region=region, account_id=account_id)
        except (NotImplementedError, AccessDeniedException):
            missing = [arn for arn in new_layers if f":{account_id}:" not in arn]
            raise InvalidParameterValueException(layers_refusal(missing), Type="User") from None

    LambdaProvider._validate_layers = validate_or_name  # noqa: SLF001


def refuse_empty_zips() -> None:
    """Refuse an empty zip as AWS does. LocalStack fails with an error that clients try again for minutes."""
    handlers.serve_custom_service_request_handlers.append(refuse_if_empty)


def refuse_if_empty(_chain: object, context: Any, _response: object) -> None:  # noqa: ANN401 - LocalStack's
    """Raise if a request uploads an empty zip.

    Raises:
        InvalidParameterValueException: It does.
    """
    if context.service.service_name != "lambda" or context.operation.name not in _WITH_ZIP:
        return
    asked = context.service_request or {}
    code = asked.get("Code") or asked.get("Content") or asked
    if code.get("ZipFile") == b"":
        raise InvalidParameterValueException("Uploaded file must be a non-empty zip", Type="User")


def let_rotations_wait() -> None:
    """Let a secret be rotated later. LocalStack fails instead, and clients try again for minutes."""
    handlers.serve_custom_service_request_handlers.append(patch_rotation_before_its_use)


def patch_rotation_before_its_use(_chain: object, context: Any, _response: object) -> None:  # noqa: ANN401
    """Patch the rotation of secrets when it is first asked for, because its import takes time."""
    if context.operation.name == "RotateSecret":
        patch_rotation()


@functools.cache
def patch_rotation() -> None:
    """Answer that a rotation is scheduled, for which LocalStack looks for a version that is not made yet."""
    backend = import_module("localstack.services.secretsmanager.provider").SecretsManagerBackend
    rotate: Callable[..., str] = backend.rotate_secret

    @functools.wraps(rotate)
    def rotate_or_schedule(self: Any, secret_id: str, **given: Any) -> str:  # noqa: ANN401
        with suppress(UnboundLocalError):  # by then it has noted the schedule
            return rotate(self, secret_id, **given)
        answer: str = self.secrets[secret_id].to_short_dict()
        return answer

    backend.rotate_secret = rotate_or_schedule


def wait_for_functions() -> None:
    """Have LocalStack's own callers of functions, such as API Gateway, wait until these have answered.

    boto3 gives up after 60 seconds and calls again. A function's time limit is its own: it may be 15 minutes,
    and there is none while a debugger stands.
    """
    get_client: Callable[..., Any] = ClientFactory._get_client  # noqa: SLF001

    @functools.wraps(get_client)
    def get_patient_client(self: ClientFactory, *, service_name: str, config: Config, **rest: Any) -> Any:  # noqa: ANN401
        chosen = _patient(config) if service_name == "lambda" else config
        return get_client(self, service_name=service_name, config=chosen, **rest)

    ClientFactory._get_client = get_patient_client  # noqa: SLF001


@functools.lru_cache
def _patient(config: Config) -> Config:
    """Return the same configuration with time for any function; one for each, as clients are kept by it."""
    return config.merge(Config(read_timeout=SUSPENDED))


class DaemonTimer(Timer):
    """A timer that does not keep the process alive."""

    @override
    def __init__(self, interval: float, function: Callable[..., object]) -> None:
        super().__init__(interval, function)
        self.daemon = True
