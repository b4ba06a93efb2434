"""A model of how CloudWatch evaluates an alarm when data points are missing, as AWS documents it.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

CloudWatch retrieves more points than an alarm evaluates: the evaluation range. AWS does not document its
size.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Alarm", "filled"]

type Points = Sequence[float | None]

_OPERATORS = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}
_MISSING_BREACHES = {"breaching": True, "notBreaching": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm on one series of points.

    Attributes:
        periods: The number of points that it evaluates.
        breaching_periods: The number of these that must breach.
        operator: The comparison of a point with the threshold for which the point breaches.
        threshold: The threshold.
        missing: The meaning of a missing point, ``breaching`` or ``notBreaching``.
    """

    periods: int
    breaching_periods: int
    operator: str
    threshold: float
    missing: str

    @classmethod
    def of(cls, planned: Mapping[str, Any]) -> Self:
        """Return the alarm that a plan's ``aws_cloudwatch_metric_alarm`` describes."""
        return cls(
            periods=planned["evaluation_periods"],
            breaching_periods=planned["datapoints_to_alarm"] or planned["evaluation_periods"],
            operator=planned["comparison_operator"],
            threshold=planned["threshold"],
            missing=planned["treat_missing_data"],
        )

    def is_on(self, points: Points) -> bool:
        """Return whether the alarm is on, given the points in the evaluation range, the newest last.

        Missing points count only if there are too few others in the range.
        """
        existing = [self._breaches(point) for point in points if point is not None]
        filling = [_MISSING_BREACHES[self.missing]] * (self.periods - len(existing))
        return sum([*existing[-self.periods :], *filling]) >= self.breaching_periods

    def _breaches(self, point: float) -> bool:
        breaches: bool = _OPERATORS[self.operator](point, self.threshold)
        return breaches


def filled(points: Points, value: float) -> list[float | None]:
    """Return the result of ``FILL(points, value)``. A metric without any point has none."""
    if all(point is None for point in points):
        return list(points)
    return [value if point is None else point for point in points]
