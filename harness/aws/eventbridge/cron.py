"""Cron expressions of EventBridge: six fields, 1 for Sunday, and L, W and # in the fields for days.

They are the same for rules and for EventBridge Scheduler. Emulators read some of them as Unix cron does.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from harness.errors import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# Returns the days of a month: year and month in, numbers of days out.
type Days = Callable[[int, int], set[int]]

_SUNDAY, _SATURDAY = 1, 7
_MOST_WEEKS = 5  # the most often that a month can have one day of the week


@dataclass(frozen=True, slots=True)
class _Field:
    """A field: its name, its smallest and largest number, and its names for numbers."""

    name: str
    low: int
    high: int
    names: Mapping[str, int] = field(default_factory=dict)

    @property
    def values(self) -> str:
        """The values that the field accepts, in words."""
        names = list(self.names)
        return f"{self.low}-{self.high}" + (f" or {names[0]}-{names[-1]}" if names else "")


def _by_name(names: str) -> dict[str, int]:
    return {name: number for number, name in enumerate(names.split(), start=1)}


_MINUTES = _Field("minutes", 0, 59)
_HOURS = _Field("hours", 0, 23)
_DAY_OF_MONTH = _Field("day-of-month", 1, 31)
_MONTH = _Field("month", 1, 12, _by_name("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"))
_DAY_OF_WEEK = _Field("day-of-week", _SUNDAY, _SATURDAY, _by_name("SUN MON TUE WED THU FRI SAT"))
_YEAR = _Field("year", 1970, 2199)
_FIELDS = (_MINUTES, _HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR)
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """A cron expression: the numbers that each field stands for, and the days of any month."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    days: Days

    def times(self, since: datetime) -> Iterator[datetime]:
        """Yield the times from `since` on, in order. Neither they nor `since` have a time zone."""
        for year in (year for year in self.years if year >= since.year):
            for month in (month for month in self.months if (year, month) >= (since.year, since.month)):
                for day in sorted(self.days(year, month)):
                    moments = (datetime(year, month, day, h, m) for h in self.hours for m in self.minutes)  # noqa: DTZ001
                    yield from (moment for moment in moments if moment >= since)


def parse_cron(expression: str, fields: str) -> Cron:
    """Return the cron expression that has these six fields.

    Args:
        expression: The whole expression, as errors name it.
        fields: The text in its parentheses.

    Raises:
        ScheduleError: AWS would refuse it.
    """
    texts = fields.upper().split()
    if len(texts) != len(_FIELDS):
        raise ScheduleError(
            expression,
            expected=f"six fields ({' '.join(each.name for each in _FIELDS)})",
            got=f"{len(texts)}: {fields!r}",
            remedy="Unix cron has five: add the year, such as *",
        )
    minutes, hours, day_of_month, month, day_of_week, year = texts
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ScheduleError(
            expression,
            expected="? in exactly one of day-of-month and day-of-week",
            got=f"{day_of_month} and {day_of_week}",
            remedy="write ? in the one that does not matter",
        )
    return Cron(
        minutes=_numbers(expression, _MINUTES, minutes),
        hours=_numbers(expression, _HOURS, hours),
        months=_numbers(expression, _MONTH, month),
        years=_numbers(expression, _YEAR, year),
        days=_days(expression, day_of_month, day_of_week),
    )


def _days(expression: str, day_of_month: str, day_of_week: str) -> Days:
    field, text, read = (
        (_DAY_OF_WEEK, day_of_week, _of_week)
        if day_of_month == "?"
        else (_DAY_OF_MONTH, day_of_month, _of_month)
    )
    if "#" in text and "," in text:
        raise _refusal(expression, field, text, "one expression if it has a #")
    each = [read(expression, item) for item in text.split(",")]
    return lambda year, month: set[int]().union(*(days(year, month) for days in each))


def _of_month(expression: str, text: str) -> Days:
    """Return the days that one item of the field day-of-month means."""
    if text == "LW":
        return lambda year, month: {_weekday_near(year, month, _length(year, month))}
    if last := re.fullmatch(r"L(?:-(\d+))?", text):
        before = int(last[1] or 0)
        return lambda year, month: {_length(year, month) - before} & _all(year, month)
    if near := re.fullmatch(r"(\d+)W", text):
        day = _number(expression, _DAY_OF_MONTH, near[1])
        return lambda year, month: {_weekday_near(year, month, each) for each in {day} & _all(year, month)}
    numbers = set(_item(expression, _DAY_OF_MONTH, text))
    return lambda year, month: numbers & _all(year, month)


def _of_week(expression: str, text: str) -> Days:
    """Return the days that one item of the field day-of-week means."""
    if nth := re.fullmatch(r"(\w+)#(\w+)", text):
        day = _number(expression, _DAY_OF_WEEK, nth[1])
        which = _number(expression, _Field("day-of-week after #", 1, _MOST_WEEKS), nth[2])
        return lambda year, month: set(_on(year, month, {day})[which - 1 : which])
    if text == "L":
        return lambda year, month: set(_on(year, month, {_SATURDAY}))
    if last := re.fullmatch(r"(\w+)L", text):
        day = _number(expression, _DAY_OF_WEEK, last[1])
        return lambda year, month: set(_on(year, month, {day})[-1:])
    numbers = set(_item(expression, _DAY_OF_WEEK, text))
    return lambda year, month: set(_on(year, month, numbers))


def _numbers(expression: str, field: _Field, text: str) -> tuple[int, ...]:
    """Return the numbers that a list of items means, in order."""
    return tuple(sorted({number for item in text.split(",") for number in _item(expression, field, item)}))


def _item(expression: str, field: _Field, text: str) -> Iterator[int]:
    """Yield the numbers that a number, a range, a step or `*` means.

    A range may wrap around, as in AWS's own example `20-2` of hours. Years can't.
    """
    if not (match := _ITEM.fullmatch(text)) or (match["first"] == "*" and match["last"]):
        raise _refusal(expression, field, text)
    low = field.low if match["first"] == "*" else _number(expression, field, match["first"])
    high = _number(expression, field, match["last"]) if match["last"] else low
    if match["first"] == "*" or (match["step"] and not match["last"]):
        high = field.high
    step, size = int(match["step"] or 1), field.high - field.low + 1
    if not step or (high < low and field is _YEAR):
        raise _refusal(expression, field, text)
    end = high if high >= low else high + size
    yield from ((number - field.low) % size + field.low for number in range(low, end + 1, step))


def _number(expression: str, field: _Field, text: str) -> int:
    number = field.names.get(text, int(text) if text.isdecimal() else -1)
    if not field.low <= number <= field.high:
        raise _refusal(expression, field, text)
    return number


def _refusal(expression: str, field: _Field, got: str, expected: str = "") -> ScheduleError:
    return ScheduleError(
        expression,
        expected=f"{expected or field.values} in {field.name}",
        got=repr(got),
        remedy="see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based",
    )


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _all(year: int, month: int) -> set[int]:
    return set(range(1, _length(year, month) + 1))


def _day_of_week(year: int, month: int, day: int) -> int:
    """Return AWS's number of a day of the week: 1 is Sunday."""
    return (calendar.weekday(year, month, day) + 1) % 7 + 1


def _on(year: int, month: int, days_of_week: set[int]) -> list[int]:
    """Return the days of a month that are on these days of the week, in order."""
    return [day for day in sorted(_all(year, month)) if _day_of_week(year, month, day) in days_of_week]


def _weekday_near(year: int, month: int, day: int) -> int:
    """Return the weekday (Monday to Friday) nearest to a day, in the same month."""
    workdays = _on(year, month, {2, 3, 4, 5, 6})
    return min(workdays, key=lambda other: (abs(other - day), other))
