"""Failures of functions that read streams on MiniStack 1.5.33, which tries a batch again for ever."""

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

from lambda_process_executor.batches import Policy, Progress, number_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_process_executor.batches import Record, Result

    type Config = dict[str, Any]

LOG = logging.getLogger(__name__)
_is_polling: ContextVar[bool] = ContextVar("is_polling", default=False)
_progress: dict[tuple[str, str], Progress] = {}  # by mapping and shard
_DYNAMODB_SHARD = "shardId-00000000000000000000-00000000"


def install() -> None:
    """Split, give up and hand on failed batches as the mapping says."""
    for poll in ("_poll_kinesis", "_poll_dynamodb_streams"):
        setattr(lambda_svc, poll, _marked(getattr(lambda_svc, poll)))
    lambda_svc._execute_function = _by_parts(lambda_svc._execute_function)  # noqa: SLF001 - the version is pinned


def _marked(known: Callable[[], bool]) -> Callable[[], bool]:
    @wraps(known)
    def poll() -> bool:
        token = _is_polling.set(True)
        try:
            return known()
        finally:
            _is_polling.reset(token)

    return poll


def _by_parts(known: Callable[[Config, Any], Result]) -> Callable[[Config, Any], Result]:
    @wraps(known)
    def execute(function: Config, event: Any) -> Result:  # noqa: ANN401 - any JSON value
        mapping = _mapping_of(function, event) if _is_polling.get() else None
        if mapping is None:
            return known(function, event)
        place = mapping["UUID"], _shard(event["Records"][0])
        progress = _progress.setdefault(place, Progress())
        result = progress.deliver(
            event["Records"],
            Policy.of(mapping),
            invoke=lambda records: known(function, {"Records": records}),
            discard=lambda records, result: _discard(mapping, function, records, result),
        )
        if not result["error"]:
            del _progress[place]
        return result

    return execute


def _mapping_of(function: Config, event: Config) -> Config | None:
    source, name = event["Records"][0]["eventSourceARN"], function["config"]["FunctionName"]
    every = (mapping for _, _, mapping in lambda_svc._iter_all_esms())  # noqa: SLF001
    return next(
        (one for one in every if (one["EventSourceArn"], one["FunctionName"]) == (source, name)), None
    )


def _discard(mapping: Config, function: Config, records: list[Record], result: Result) -> None:
    """Send what is told of a discarded batch to the mapping's destination, as the function's role."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
    service, config = (destination.split(":") + [""] * 3)[2], function["config"]
    body = json.dumps(_description(config, records, result))
    try:
        if service == "sqs":
            queue = destination.split(":")[-1]
            client = _client("sqs", config)
            client.send_message(QueueUrl=client.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=body)
        elif service == "sns":
            _client("sns", config).publish(TopicArn=destination, Message=body)
        else:
            LOG.warning("Lambda %s has discarded %d records", config["FunctionName"], len(records))
    except Exception as problem:  # noqa: BLE001 - the poller goes on
        LOG.warning("Lambda %s can't send to %s: %s", config["FunctionName"], destination, problem)


def _client(service: str, config: Config) -> Any:  # noqa: ANN401 - a boto3 client
    keys = lambda_runtime.execution_credentials(config)
    _, region = lambda_runtime._account_region_from_function_config(config)  # noqa: SLF001
    return boto3.client(
        service,  # type: ignore[call-overload] # any of its services
        region_name=region,
        endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        aws_access_key_id=keys.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=keys.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=keys.get("AWS_SESSION_TOKEN"),
    )


def _description(config: Config, records: list[Record], result: Result) -> Config:
    """Return what a destination gets: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html."""
    first, last = records[0], records[-1]
    return {
        "requestContext": {
            "requestId": str(uuid4()),
            "functionArn": config["FunctionArn"],
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": config.get("Version", "$LATEST"),
            "functionError": result.get("function_error") or "Unhandled",
        },
        "version": "1.0",
        "timestamp": _iso(time.time()),
        "KinesisBatchInfo" if "kinesis" in first else "DDBStreamBatchInfo": {
            "shardId": _shard(first),
            "startSequenceNumber": number_of(first),
            "endSequenceNumber": number_of(last),
            "approximateArrivalOfFirstRecord": _iso(_arrival(first)),
            "approximateArrivalOfLastRecord": _iso(_arrival(last)),
            "batchSize": len(records),
            "streamArn": first["eventSourceARN"],
        },
    }


def _shard(record: Record) -> str:
    return str(record["eventID"]).split(":")[0] if "kinesis" in record else _DYNAMODB_SHARD


def _arrival(record: Record) -> float:
    if "kinesis" in record:
        return float(record["kinesis"]["approximateArrivalTimestamp"])
    return float(record["dynamodb"].get("ApproximateCreationDateTime", time.time()))


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
