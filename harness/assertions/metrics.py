"""Metrics that a function emits in its log, in CloudWatch's embedded metric format.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What CloudWatch knows a metric by.

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
        told = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.namespace}/{self.name}{{{told}}}"


def totals(lines: Iterable[str]) -> dict[Metric, float]:
    """Return the sum of each metric's values in `lines`; other lines are passed over."""
    found: dict[Metric, float] = {}
    for line in lines:
        for metric, value in _emitted(line):
            found[metric] = found.get(metric, 0.0) + value
    return found


def _emitted(line: str) -> Iterator[tuple[Metric, float]]:
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
