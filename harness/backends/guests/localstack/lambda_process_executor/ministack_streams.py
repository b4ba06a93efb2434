"""Failures of functions that read streams on MiniStack 1.5.33, which tries a batch again for ever."""

from __future__ import annotations

import json
import time
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ministack.services import lambda_svc

from lambda_process_executor.batches import Policy, Progress, number_of
from lambda_process_executor.ministack_destinations import try_to_send

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_process_executor.batches import Record, Result

    type Config = dict[str, Any]

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
        token = _is_polling.set(False)  # it may call itself
        try:
            result = progress.deliver(
                event["Records"],
                Policy.of(mapping),
                invoke=lambda records: known(function, {"Records": records}),
                discard=lambda records, result: _discard(mapping, function, records, result),
            )
        finally:
            _is_polling.reset(token)
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
    """Send what is told of a discarded batch to the mapping's destination."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
    if destination:
        body = json.dumps(_description(function["config"], records, result))
        try_to_send(destination, body, function["config"])


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
