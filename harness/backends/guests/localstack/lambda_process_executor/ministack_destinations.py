"""Destinations of functions on MiniStack 1.5.33, which has none of success and wraps dead letters.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import logging
import os
import time
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
from ministack.core import lambda_runtime
from ministack.services import lambda_svc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    type Config = dict[str, Any]
    type Result = dict[str, Any]

LOG = logging.getLogger(__name__)
_is_asynchronous: ContextVar[bool] = ContextVar("is_asynchronous", default=False)


def install() -> None:
    """Send the outcome of an asynchronous invocation where the function's settings say."""
    lambda_svc.invoke_async_with_retry = _marked(lambda_svc.invoke_async_with_retry)
    lambda_svc._execute_function = _with_success(lambda_svc._execute_function)  # noqa: SLF001 - pinned
    lambda_svc._route_async_failure = _route_failure  # noqa: SLF001


def send(destination: str, body: str, config: Config, attributes: Mapping[str, str] | None = None) -> None:
    """Send a text to a queue, a topic, a bus or a function, as the account of a function."""
    account, region = lambda_runtime._account_region_from_function_config(config)  # noqa: SLF001
    service, name = destination.split(":")[2], destination.rpartition(":")[2]
    endpoint = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
    client: Any = boto3.client(
        service,  # type: ignore[call-overload] # any of its services
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=account,
        aws_secret_access_key="test",  # noqa: S106 - the emulator's
    )
    typed = {key: {"DataType": "String", "StringValue": text} for key, text in (attributes or {}).items()}
    match service:
        case "sqs":
            client.send_message(
                QueueUrl=f"{endpoint}/{account}/{name}", MessageBody=body, MessageAttributes=typed
            )
        case "sns":
            client.publish(TopicArn=destination, Message=body, MessageAttributes=typed)
        case "lambda":
            client.invoke(FunctionName=destination, InvocationType="Event", Payload=body.encode())
        case "events":
            how = json.loads(body)["requestContext"]["condition"]
            kind = f"Lambda Function Invocation Result - {'Success' if how == 'Success' else 'Failure'}"
            entry = {"Source": "lambda", "DetailType": kind, "Detail": body}
            client.put_events(Entries=[{**entry, "EventBusName": name.rpartition("/")[2]}])


def try_to_send(
    destination: str, body: str, config: Config, attributes: Mapping[str, str] | None = None
) -> None:
    """Send a text, or warn that it can't be sent."""
    try:
        send(destination, body, config, attributes)
    except Exception as problem:  # noqa: BLE001 - whatever runs functions goes on
        LOG.warning("Lambda %s can't send to %s: %s", config["FunctionName"], destination, problem)


def _marked(known: Callable[[Config, object], None]) -> Callable[[Config, object], None]:
    @wraps(known)
    def invoke(function: Config, event: object) -> None:
        token = _is_asynchronous.set(True)  # the thread that it starts has a copy
        try:
            known(function, event)
        finally:
            _is_asynchronous.reset(token)

    return invoke


def _with_success(known: Callable[[Config, object], Result]) -> Callable[[Config, object], Result]:
    @wraps(known)
    def execute(function: Config, event: object) -> Result:
        token = _is_asynchronous.set(False)  # it may call itself
        try:
            result = known(function, event)
        finally:
            _is_asynchronous.reset(token)
        destination = _destination(function, "OnSuccess") if _is_asynchronous.get() else ""
        if destination and not result.get("error"):
            config = function.get("config") or function
            try_to_send(destination, json.dumps(_envelope(config, event, result, "Success", 1)), config)
        return result

    return execute


def _route_failure(_target: str, name: str, event: object, result: Result) -> None:
    """Send an event that failed too often to the destination of failures, and to the dead-letter queue."""
    function = lambda_svc._functions[name]  # noqa: SLF001
    config, error = function["config"], result.get("body") or {}
    if destination := _destination(function, "OnFailure"):
        settings = _settings(function).get("MaximumRetryAttempts")
        tries = 1 + (2 if settings is None else int(settings))
        envelope = _envelope(config, event, result, "RetriesExhausted", tries)
        try_to_send(destination, json.dumps(envelope), config)
    if queue := (config.get("DeadLetterConfig") or {}).get("TargetArn"):
        message = str(error.get("errorMessage", "")) if isinstance(error, dict) else str(error)
        told = {"RequestID": str(uuid4()), "ErrorCode": "200", "ErrorMessage": message or "Unhandled"}
        try_to_send(queue, json.dumps(event), config, told)


def _settings(function: Config) -> Config:
    found = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST")
    return found or {}


def _destination(function: Config, outcome: str) -> str:
    chosen = (_settings(function).get("DestinationConfig") or {}).get(outcome) or {}
    return str(chosen.get("Destination") or "")


def _envelope(config: Config, event: object, result: Result, condition: str, tries: int) -> Config:
    error = {"functionError": result.get("function_error") or "Unhandled"} if result.get("error") else {}
    return {
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": f"{config['FunctionArn']}:{config.get('Version', '$LATEST')}",
            "condition": condition,
            "approximateInvokeCount": tries,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": config.get("Version", "$LATEST"), **error},
        "responsePayload": result.get("body"),
    }
