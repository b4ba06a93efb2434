"""The cost model counts everything in production's plan, so that no new resource is free in the table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from benchmarks.cost import PROD, Inventory, Usage
from tests.terraform.test_files import PROJECT

if TYPE_CHECKING:
    from tests.terraform.planning import Plan

SOURCES = PROJECT / "src" / "s3_lambda_api"
# ReplicationLatency, BytesPendingReplication, OperationsPendingReplication and OperationsFailedReplication:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html
REPLICATION_METRICS = 4


def metrics_of(function: str) -> set[str]:
    """Return the metrics that a function's code publishes, including the one for cold starts."""
    code = (SOURCES / f"{function}.py").read_text("utf-8")
    cold = {"ColdStart"} if "capture_cold_start_metric=True" in code else set()
    return set(re.findall(r'\b(?:count|measure)\("(\w+)"', code)) | cold


def looked_at(alarm: dict[str, object]) -> int:
    """Return the number of metrics that an alarm evaluates."""
    queries = alarm["metric_query"]
    assert isinstance(queries, list)
    return sum(len(query["metric"]) for query in queries) or 1


def test_the_model_counts_what_production_has(prod: Plan) -> None:
    rules = [one["rule"] for one in prod.values("aws_s3_bucket_replication_configuration")]
    metrics = sum(len(metrics_of(function)) for function in ("writer", "reader"))

    assert (
        Inventory(
            keys=len(prod.values("aws_kms_key")),
            alarm_metrics=sum(map(looked_at, prod.values("aws_cloudwatch_metric_alarm"))),
            composite_alarms=len(prod.values("aws_cloudwatch_composite_alarm")),
            metrics=metrics
            + len(prod.values("aws_cloudwatch_log_metric_filter"))
            + REPLICATION_METRICS * sum(map(len, rules)),
            dashboards=len(prod.values("aws_cloudwatch_dashboard")),
            replicas=max(map(len, rules)),  # of what is written in one bucket,
        )
        == PROD
    )


def test_the_model_prices_traces_if_production_has_them(prod: Plan) -> None:
    traced = any(one["xray_tracing_enabled"] for one in prod.values("aws_api_gateway_stage"))

    assert (Usage().traced_share > 0) == traced


def test_every_metric_in_the_code_is_found() -> None:
    assert metrics_of("writer") == {"ColdStart", "Events", "RejectedEvents", "ObjectsWritten"}
    assert {"FreshnessAge", "Repairs", "Requests"} < metrics_of("reader")
