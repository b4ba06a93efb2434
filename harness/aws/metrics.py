"""Metrics that a function emits in its log, in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """The identity of a metric in CloudWatch.

    Attributes:
        namespace: Its namespace.
        name: Its name.
        dimensions: Its dimensions: pairs of name and value, in the order of their names.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the metric as a person reads it."""
        dimensions = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.namespace}/{self.name}{{{dimensions}}}"


class Totals(dict[Metric, float]):
    """Sums of metrics, with a readable `repr`."""

    def of(self, name: str, dimensions: Mapping[str, str] | None) -> float:
        """Return the largest sum of a metric with this name, or minus infinity if there is none.

        Args:
            name: The metric's name.
            dimensions: All dimensions of the metric. None for any.
        """
        wanted = None if dimensions is None else tuple(sorted(dimensions.items()))
        fitting = (metric for metric in self if metric.name == name and wanted in {None, metric.dimensions})
        return max((self[metric] for metric in fitting), default=-math.inf)

    def __repr__(self) -> str:
        """Return the sums in a line."""
        return ", ".join(sorted(f"{metric} = {total:g}" for metric, total in self.items())) or "no metric"


def totals(lines: Iterable[str]) -> Totals:
    """Sum each metric's values in `lines`, and ignore other lines."""
    found = Totals()
    for line in lines:
        for metric, value in _metrics_of(line):
            found[metric] = found.get(metric, 0.0) + value
    return found


def _metrics_of(line: str) -> Iterator[tuple[Metric, float]]:
    record = _record(line)
    about = record.get("_aws")
    for directive in about.get("CloudWatchMetrics", []) if isinstance(about, dict) else []:
        for each in directive["Metrics"]:
            for names in directive.get("Dimensions") or [[]]:
                dimensions = tuple((name, str(record[name])) for name in sorted(names) if name in record)
                metric = Metric(namespace=directive["Namespace"], name=each["Name"], dimensions=dimensions)
                yield metric, _sum(record.get(each["Name"], []))


def _record(line: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line) if line.startswith("{") else {}
    except json.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}


def _sum(value: float | list[float]) -> float:
    return float(sum(value)) if isinstance(value, list) else float(value)
