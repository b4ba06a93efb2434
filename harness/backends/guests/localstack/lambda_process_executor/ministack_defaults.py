"""What requests leave out, read as on AWS: MiniStack 1.5.33 has other defaults.

SDKs leave out a `false`, and send an empty text for a value that Terraform leaves to AWS.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.services import apigateway_v1, cognito, kinesis, lambda_svc, stepfunctions

if TYPE_CHECKING:
    from collections.abc import Callable

    type Data = dict[str, Any]

# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType.html
_OF_A_PASSWORD = ("RequireUppercase", "RequireLowercase", "RequireNumbers", "RequireSymbols")
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
_BATCH_OF_A_STREAM = 100
_OK = 200
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_TracingConfiguration.html
_UNTRACED = {"enabled": False}
_LIMITS = ("MaximumEventAgeInSeconds", "MaximumRetryAttempts")


def install() -> None:
    """Read keys and plans of APIs, policies of user pools, streams and settings of functions as AWS does."""
    kinesis._create_stream = _with_tags(kinesis._create_stream)  # noqa: SLF001 - the version is pinned
    apigateway_v1._create_api_key = _with_a_value_of_its_own(apigateway_v1._create_api_key)  # noqa: SLF001 - pinned
    apigateway_v1._put_integration = _with_no_other_method(apigateway_v1._put_integration)  # noqa: SLF001
    apigateway_v1._create_usage_plan = _with_limits_that_were_set(apigateway_v1._create_usage_plan)  # noqa: SLF001
    apigateway_v1._take_token = _with_no_limit_below_zero(apigateway_v1._take_token)  # noqa: SLF001
    for name in ("_create_state_machine", "_update_state_machine"):
        setattr(stepfunctions, name, _with_tracing(getattr(stepfunctions, name)))
    for name in ("_create_user_pool", "_update_user_pool"):
        setattr(cognito, name, _with_nothing_required(getattr(cognito, name)))
    lambda_svc._create_esm = _with_batches_of_streams(lambda_svc._create_esm)  # noqa: SLF001
    lambda_svc._put_event_invoke_config = _with_no_other_limits(lambda_svc._put_event_invoke_config)  # noqa: SLF001


def _with_a_value_of_its_own(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Make up the value of a key that is created with an empty one."""

    @wraps(known)
    def create(data: Data) -> object:
        return known({name: value for name, value in data.items() if name != "value" or value})

    return create


def _with_tracing(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Keep whether a state machine is traced: else Terraform's next plan would change it."""

    @wraps(known)
    def put(data: Data) -> object:
        status, headers, body = known(data)
        if status == _OK:
            arn = data.get("stateMachineArn") or json.loads(body)["stateMachineArn"]
            tracing = data.get("tracingConfiguration")
            if machine := stepfunctions._state_machines.get(arn):  # noqa: SLF001
                machine["tracingConfiguration"] = tracing or machine.get("tracingConfiguration", _UNTRACED)
        return status, headers, body

    return put


def _with_tags(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Keep the tags that a stream is created with."""

    @wraps(known)
    def create(data: Data) -> object:
        status, headers, body = known(data)
        if status == _OK:
            kinesis._streams[data["StreamName"]]["tags"].update(data.get("Tags") or {})  # noqa: SLF001
        return status, headers, body

    return create


def _with_no_other_method(known: Callable[..., Any]) -> Callable[..., Any]:
    """Report no HTTP method of an integration that has none, such as one of the type MOCK."""

    @wraps(known)
    def put(api: str, resource: str, method: str, data: Data) -> object:
        return known(api, resource, method, {"httpMethod": None} | data)

    return put


def _with_limits_that_were_set(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Report no limit of a usage plan that was not set: Terraform would take it away."""

    @wraps(known)
    def create(data: Data) -> object:
        return known({"throttle": None, "quota": None} | data)

    return create


def _with_no_limit_below_zero(known: Callable[[Any, Data], bool]) -> Callable[[Any, Data], bool]:
    """Throttle nothing where a limit is -1, which Terraform sends for one that was not set."""

    @wraps(known)
    def take(slot: object, limits: Data) -> bool:
        set_limits = {name: limit for name, limit in limits.items() if limit is None or float(limit) >= 0}
        return known(slot, set_limits)

    return take


def _with_nothing_required(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Require of passwords only what the request's policy names."""

    @wraps(known)
    def write(data: Data) -> object:
        policies = data.get("Policies") or {}
        if policy := policies.get("PasswordPolicy"):
            whole = dict.fromkeys(_OF_A_PASSWORD, False) | policy
            data = {**data, "Policies": {**policies, "PasswordPolicy": whole}}
        return known(data)

    return write


def _with_batches_of_streams(known: Callable[[Data], Any]) -> Callable[[Data], Any]:
    """Let a function take up to a hundred records from a stream, and ten messages from a queue."""

    @wraps(known)
    def create(data: Data) -> object:
        usual = {} if ":sqs:" in data.get("EventSourceArn", "") else {"BatchSize": _BATCH_OF_A_STREAM}
        return known(usual | data)

    return create


def _with_no_other_limits(known: Callable[..., Any]) -> Callable[..., Any]:
    """Report no limit of asynchronous invocations that was not set: Terraform would take it away."""

    @wraps(known)
    def put(function: str, qualifier: str | None, data: Data) -> object:
        status, headers, body = known(function, qualifier, data)
        if settings := lambda_svc._event_invoke_config(lambda_svc._functions.get(function, {}), qualifier):  # noqa: SLF001
            for name in _LIMITS:
                if name not in data:
                    settings.pop(name, None)
        return status, headers, body

    return put
