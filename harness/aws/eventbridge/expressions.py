"""Schedule expressions, `rate(…)`, `cron(…)` and `at(…)`, as AWS reads them.

A rule takes rates and crons, in UTC:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
EventBridge Scheduler takes all three, in a time zone:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.aws.eventbridge import cron
from harness.aws.eventbridge.cron import Cron
from harness.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.values import Resource

type Service = Literal["rule", "scheduler"]

_RATE = re.compile(r"rate\((\S+)\s+(\S+)\)")
_CRON = re.compile(r"cron\((.*)\)")
_AT = re.compile(r"at\((.*)\)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Rate:
    """A regular rate. A day is 24 hours, even if the clock changes on that day."""

    every: timedelta


@dataclass(frozen=True, slots=True)
class At:
    """One time, in the schedule's time zone."""

    moment: datetime


type Expression = Rate | Cron | At


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a schedule is due.

    Attributes:
        text: The schedule expression.
        expression: The parsed expression.
        zone: The time zone for the expression.
        start: The beginning of the schedule. None if not set. One-time schedules ignore it.
        end: The end of the schedule. None if not set. One-time schedules ignore it.
    """

    text: str
    expression: Expression
    zone: ZoneInfo
    start: datetime | None = None
    end: datetime | None = None

    def runs(self, after: datetime) -> Iterator[datetime]:
        """Yield the times after `after` at which the schedule is due, in its time zone and in order.

        If the clock is set forward, times in the gap are skipped. If it is set back, a time that occurs twice
        is due once. Here that is the first of the two, because AWS's page does not say.
        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time

        A rate counts from the start. Without a start, AWS counts from the creation of the schedule, which no
        API returns. Here the first time is one period after `after`.

        Raises:
            ScheduleError: `after` has no time zone.
        """
        moment = aware(self.text, after)
        for run in self._due(moment):
            if self.end and run > self.end:
                return
            if run > moment and not (self.start and run < self.start):
                yield run.astimezone(self.zone)

    def _due(self, after: datetime) -> Iterator[datetime]:
        """Yield the times of the expression in UTC, from `after` or slightly earlier on."""
        since = max(after, self.start or after)
        match self.expression:
            case Rate(every):
                first = self.start or after
                begin = max(0, (after - first) // every)
                return (first + every * number for number in itertools.count(begin))
            case At(moment):
                return self._existing([moment])
            case Cron():
                local = since.astimezone(self.zone).replace(tzinfo=None, fold=0)
                return self._existing(self.expression.times(local))

    def _existing(self, local: Iterable[datetime]) -> Iterator[datetime]:
        """Yield these local times in UTC, without those in a gap of the clock."""
        for time in local:
            moment = time.replace(tzinfo=self.zone).astimezone(UTC)
            if moment.astimezone(self.zone).replace(tzinfo=None, fold=0) == time:
                yield moment


def aware(expression: str, moment: datetime) -> datetime:
    """Return a time in UTC.

    Raises:
        ScheduleError: It has no time zone.
    """
    if moment.tzinfo is None:
        raise ScheduleError(
            expression,
            expected="a time with a time zone to ask about",
            got=repr(moment),
            remedy="give it one, such as tzinfo=UTC",
        )
    return moment.astimezone(UTC)


def timetable(
    text: str, service: Service, *, zone: str = "", start: str | None = None, end: str | None = None
) -> Timetable:
    """Return when a schedule is due.

    Args:
        text: The schedule expression.
        service: The service that runs it: `rule`, or `scheduler` for EventBridge Scheduler.
        zone: The time zone, such as `Europe/Berlin`. UTC by default.
        start: When it begins, as RFC 3339 writes it.
        end: When it ends, likewise.

    Raises:
        ScheduleError: AWS would refuse the expression or the time zone.
    """
    expression = parse_expression(text, service)
    bounds = (None, None) if isinstance(expression, At) else (_instant(start), _instant(end))
    return Timetable(text=text, expression=expression, zone=_zone(text, zone), start=bounds[0], end=bounds[1])


def timetable_of(resource: Resource) -> Timetable:
    """Return when a schedule of Terraform is due, or a rule that has one.

    Raises:
        ScheduleError: AWS would refuse its expression or its time zone.
    """
    values = resource.values
    text = str(values.get("schedule_expression") or "")
    if resource.type == "aws_cloudwatch_event_rule":
        return timetable(text, "rule")
    return timetable(
        text,
        "scheduler",
        zone=values.get("schedule_expression_timezone") or "",
        start=values.get("start_date"),
        end=values.get("end_date"),
    )


def parse_expression(text: str, service: Service) -> Expression:
    """Parse a schedule expression.

    Raises:
        ScheduleError: AWS would refuse it.
    """
    if found := _RATE.fullmatch(text):
        return _rate(text, found[1], found[2], service)
    if found := _CRON.fullmatch(text):
        return cron.parse_cron(text, found[1])
    if service == "scheduler" and (found := _AT.fullmatch(text)):
        return _at(text, found[1])
    takes = {"rule": "rate(…) or cron(…)", "scheduler": "rate(…), cron(…) or at(…)"}[service]
    raise ScheduleError(
        text,
        expected=takes,
        got=repr(text),
        remedy="write one of these"
        if service == "scheduler"
        else "write one of these, or make it an aws_scheduler_schedule if it is to run once",
    )


def _rate(text: str, number: str, unit: str, service: Service) -> Rate:
    """Return a rate. A rule insists on the right singular or plural. Scheduler does not."""
    value = int(number) if number.isdecimal() else 0
    singular = unit.removesuffix("s")
    if value < 1 or singular not in _UNITS:
        raise ScheduleError(
            text,
            expected="a whole number from 1 on, and minutes, hours or days",
            got=f"{number} {unit}",
            remedy="write it as rate(5 minutes)",
        )
    right = singular if value == 1 else f"{singular}s"
    if service == "rule" and unit != right:
        raise ScheduleError(
            text,
            expected="a singular unit after 1, and a plural after any other number",
            got=f"{number} {unit}",
            remedy=f"write rate({value} {right})",
        )
    return Rate(_UNITS[singular] * value)


def _at(text: str, moment: str) -> At:
    with contextlib.suppress(ValueError):
        if _TIME.fullmatch(moment):
            return At(datetime.fromisoformat(moment))
    raise ScheduleError(
        text,
        expected="at(yyyy-mm-ddThh:mm:ss)",
        got=repr(moment),
        remedy="write a time without a zone, and name the zone in schedule_expression_timezone",
    )


def _zone(text: str, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(
            text,
            expected="a time zone of the IANA database",
            got=repr(name),
            remedy="write it as Europe/Berlin or UTC",
        ) from None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
