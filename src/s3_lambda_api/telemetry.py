"""Logger and metrics. Service, namespace and level come from Powertools' own variables."""

import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

__all__ = ["count", "logger", "measure", "metrics"]

logger = Logger()
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or "s3_lambda_api")


def count(name: str, number: int = 1) -> None:
    """Add to a count that is published when the invocation ends."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=number)


def measure(name: str, seconds: float) -> None:
    """Record a duration that is published when the invocation ends."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)
