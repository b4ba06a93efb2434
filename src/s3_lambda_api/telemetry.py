"""Logger, metrics, and the time that S3 takes. Powertools' variables give service, namespace and level."""

import os
import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

__all__ = ["count", "log_times", "logger", "measure", "metrics"]

logger = Logger()
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "s3_lambda_api")


def count(name: str, number: int = 1) -> None:
    """Increase a count, which is published when the invocation ends."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)


def measure(name: str, seconds: float) -> None:
    """Record a duration, which is published when the invocation ends."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)


def log_times(client: "S3Client") -> "S3Client":
    """Log the time that S3 takes.

    The line of metrics at the end of an invocation gets ``s3_ms``: for each operation the milliseconds until
    its answers came, with all attempts, KMS behind S3 included. It is a field of the log and not a metric, so
    you pay only for its bytes.
    """
    events = client.meta.events
    events.register("before-call.s3", _begin)
    events.register("after-call.s3", _end)
    events.register("after-call-error.s3", _end)
    return client


def _begin(context: dict[str, Any], **_: object) -> None:
    context["began"] = time.perf_counter()


def _end(context: dict[str, Any], event_name: str, **_: object) -> None:
    operation = event_name.rpartition(".")[2]
    spent: dict[str, float] = metrics.provider.metadata_set.setdefault("s3_ms", {})
    took = (time.perf_counter() - context["began"]) * 1000
    spent[operation] = round(spent.get(operation, 0.0) + took, 1)
