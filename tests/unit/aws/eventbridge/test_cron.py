"""Cron expressions against calendars.

AWS documents rules on the page RULES, and EventBridge Scheduler on the page SCHEDULER.
RULES: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
SCHEDULER: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from __future__ import annotations

import itertools
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.aws.eventbridge import cron
from harness.errors import ScheduleError

NEW_YEAR = "2026-01-01T00:00"  # a Thursday


def times(fields: str, since: str = NEW_YEAR, count: int = 3) -> list[str]:
    found = cron.parse_cron(f"cron({fields})", fields).times(datetime.fromisoformat(since))
    return [time.isoformat(timespec="minutes") for time in itertools.islice(found, count)]


def days(fields: str, since: str = NEW_YEAR, count: int = 3) -> list[str]:
    return [time[:10] for time in times(fields, since, count)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0 10 * * ? *", ["2026-01-01T10:00", "2026-01-02T10:00", "2026-01-03T10:00"]),
        ("15 12 * * ? *", ["2026-01-01T12:15", "2026-01-02T12:15", "2026-01-03T12:15"]),
        ("0 18 ? * MON-FRI *", ["2026-01-01T18:00", "2026-01-02T18:00", "2026-01-05T18:00"]),
        ("0 8 1 * ? *", ["2026-01-01T08:00", "2026-02-01T08:00", "2026-03-01T08:00"]),
        ("0/15 * * * ? *", ["2026-01-01T00:00", "2026-01-01T00:15", "2026-01-01T00:30"]),
        ("0/10 * ? * MON-FRI *", ["2026-01-01T00:00", "2026-01-01T00:10", "2026-01-01T00:20"]),
        ("0/5 8-17 ? * MON-FRI *", ["2026-01-01T08:00", "2026-01-01T08:05", "2026-01-01T08:10"]),
        ("5,35 14 * * ? *", ["2026-01-01T14:05", "2026-01-01T14:35", "2026-01-02T14:05"]),
        ("15 10 ? * 6L 2026-2027", ["2026-01-30T10:15", "2026-02-27T10:15", "2026-03-27T10:15"]),
    ],
)
def test_the_examples_of_aws_mean_what_aws_says(fields: str, expected: list[str]) -> None:
    """The examples of RULES, with newer years."""
    assert times(fields) == expected


def test_a_range_of_hours_may_go_over_midnight() -> None:
    """RULES has `0/30 20-2 ? * MON-FRI *`: from 10 pm to 2 am."""
    assert times("0 20-2 * * ? *", count=8) == [
        *(f"2026-01-01T{hour}:00" for hour in ("00", "01", "02", "20", "21", "22", "23")),
        "2026-01-02T00:00",
    ]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("5", [5]),
        ("*", list(range(60))),
        ("1/10", [1, 11, 21, 31, 41, 51]),  # RULES: "the 11th, 21st, and 31st minute, and so on"
        ("*/20", [0, 20, 40]),
        ("10-12", [10, 11, 12]),
        ("10-20/5", [10, 15, 20]),
        ("58-1", [0, 1, 58, 59]),
        ("50-10/10", [0, 10, 50]),
        ("3,1,2,2", [1, 2, 3]),
        ("7,50/5", [7, 50, 55]),
        ("00,059", [0, 59]),
    ],
)
def test_minutes(field: str, expected: list[int]) -> None:
    assert list(cron.parse_cron("cron", f"{field} 0 1 1 ? *").minutes) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # 1 is Sunday (RULES), which Unix cron takes for Monday.
        ("0 9 ? * 1 *", ["2026-01-04", "2026-01-11", "2026-01-18"]),
        ("0 9 ? * SUN *", ["2026-01-04", "2026-01-11", "2026-01-18"]),
        ("0 9 ? * 7 *", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("0 9 ? * sat *", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("0 9 ? * 2-6 *", ["2026-01-01", "2026-01-02", "2026-01-05"]),
        ("0 9 ? * 1,TUE *", ["2026-01-04", "2026-01-06", "2026-01-11"]),
        ("0 9 ? * FRI-MON *", ["2026-01-02", "2026-01-03", "2026-01-04"]),
        ("0 9 ? * 2/2 *", ["2026-01-02", "2026-01-05", "2026-01-07"]),
        # L alone is the last day of the week, and after a day the last such day of the month (RULES).
        ("0 9 ? * L *", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("0 9 ? * 6L *", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("0 9 ? * SUNL *", ["2026-01-25", "2026-02-22", "2026-03-29"]),
        # "3#2 would be the second Tuesday of the month" (RULES).
        ("0 9 ? * 3#2 *", ["2026-01-13", "2026-02-10", "2026-03-10"]),
        ("0 9 ? * 2#1 *", ["2026-01-05", "2026-02-02", "2026-03-02"]),
        ("0 9 ? * MON#1 *", ["2026-01-05", "2026-02-02", "2026-03-02"]),
        ("0 9 ? * THU#5 *", ["2026-01-29", "2026-04-30", "2026-07-30"]),  # months that have five
    ],
)
def test_days_of_the_week(fields: str, expected: list[str]) -> None:
    assert days(fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0 9 15 * ? *", ["2026-01-15", "2026-02-15", "2026-03-15"]),
        ("0 9 31 * ? *", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("0 9 1/10 * ? *", ["2026-01-01", "2026-01-11", "2026-01-21"]),
        ("0 9 L * ? *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("0 9 L-2 * ? *", ["2026-01-29", "2026-02-26", "2026-03-29"]),
        ("0 9 L 2 ? *", ["2026-02-28", "2027-02-28", "2028-02-29"]),
        ("0 9 LW * ? *", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        ("0 9 15,L 2 ? *", ["2026-02-15", "2026-02-28", "2027-02-15"]),
        # "3W specifies the weekday closest to the third day of the month" (RULES).
        ("0 9 3W * ? *", ["2026-01-02", "2026-02-03", "2026-03-03"]),  # a Saturday, a Tuesday, a Tuesday
        ("0 9 4W * ? *", ["2026-01-05", "2026-02-04", "2026-03-04"]),  # a Sunday
        ("0 9 1W 8 ? *", ["2026-08-03", "2027-08-02", "2028-08-01"]),  # never in the month before
        ("0 9 31W 5 ? *", ["2026-05-29", "2027-05-31", "2028-05-31"]),  # nor in the month after
        ("0 9 29 2 ? *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 9 30 2 ? *", []),
        ("0 9 31W 2 ? *", []),
    ],
)
def test_days_of_the_month(fields: str, expected: list[str]) -> None:
    assert days(fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("0 9 1 JAN,dec ? *", ["2026-01-01", "2026-12-01", "2027-01-01"]),
        ("0 9 1 4/4 ? *", ["2026-04-01", "2026-08-01", "2026-12-01"]),
        ("0 9 1 NOV-FEB ? *", ["2026-01-01", "2026-02-01", "2026-11-01"]),
        ("0 9 1 1 ? 2027,2030", ["2027-01-01", "2030-01-01"]),
        ("0 9 1 1 ? 2198-2199", ["2198-01-01", "2199-01-01"]),
        ("0 9 1 1 ? 2025", []),
        ("0 9 1 1 ? 1970/30", ["2030-01-01", "2060-01-01", "2090-01-01"]),
    ],
)
def test_months_and_years(fields: str, expected: list[str]) -> None:
    assert days(fields) == expected


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("0 9 * * ?", r"expected six fields \(minutes .* year\), got 5: '0 9 \* \* \?'; .*add the year"),
        ("0 0 9 * * ? *", "got 7"),
        ("", "got 0"),
        # "If you specify a value or a * in one of the fields, you must use a ? in the other" (RULES).
        ("0 9 * * * *", r"expected \? in exactly one of day-of-month and day-of-week, got \* and \*;"),
        ("0 9 1 * MON *", r"got 1 and MON; write \?"),
        ("0 9 ? * ? *", r"got \? and \?"),
        ("60 9 * * ? *", "expected 0-59 in minutes, got '60'"),
        ("0 24 * * ? *", "expected 0-23 in hours, got '24'"),
        ("0 9 0 * ? *", "expected 1-31 in day-of-month, got '0'"),
        ("0 9 32 * ? *", "got '32'"),
        ("0 9 * 13 ? *", "expected 1-12 or JAN-DEC in month, got '13'"),
        ("0 9 * MAI ? *", "got 'MAI'"),
        ("0 9 ? * 0 *", "expected 1-7 or SUN-SAT in day-of-week, got '0'"),
        ("0 9 ? * 8 *", "got '8'"),
        ("0 9 * * ? 1969", "expected 1970-2199 in year, got '1969'"),
        ("0 9 * * ? 2200", "got '2200'"),
        ("0 9 * * ? 2030-2020", "in year, got '2030-2020'"),
        ("? 9 * * ? *", r"in minutes, got '\?'"),
        ("0/0 9 * * ? *", "got '0/0'"),
        ("/5 9 * * ? *", "got '/5'"),
        ("-5 9 * * ? *", "got '-5'"),
        ("*-5 9 * * ? *", r"got '\*-5'"),
        ("5- 9 * * ? *", "got '5-'"),
        ("1,,2 9 * * ? *", "got ''"),
        ("0 L * * ? *", "in hours, got 'L'"),
        ("0 9 W * ? *", "in day-of-month, got 'W'"),
        ("0 9 0W * ? *", "got '0'"),
        ("0 9 1-5W * ? *", "got '5W'"),
        ("0 9 ? * 3W *", "in day-of-week, got '3W'"),  # W is for day-of-month only (RULES)
        ("0 9 2#1 * ? *", "in day-of-month, got '2#1'"),  # and # for day-of-week
        ("0 9 ? * 2#6 *", "expected 1-5 in day-of-week after #, got '6'"),
        ("0 9 ? * 8#1 *", "got '8'"),
        # `"3#1,6#3"` is not valid because it is interpreted as two expressions (RULES).
        ("0 9 ? * 3#1,6#3 *", "expected one expression if it has a # in day-of-week, got '3#1,6#3'"),
    ],
)
def test_what_aws_refuses_is_an_error_of_one_line(fields: str, told: str) -> None:
    with pytest.raises(ScheduleError, match=told) as failure:
        cron.parse_cron(f"cron({fields})", fields)

    assert str(failure.value).startswith(f"cron({fields}): expected ")
    assert "\n" not in str(failure.value)


@given(
    since=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2150, 1, 1)),  # noqa: DTZ001
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    day=st.sampled_from(["* * ?", "L * ?", "LW * ?", "1W * ?", "? * 1", "? * 6L", "? * 2#5", "29 2 ?"]),
)
def test_times_are_in_order_and_never_before_the_start(
    since: datetime, minute: int, hour: int, day: str
) -> None:
    fields = f"{minute},0 {hour},12 {day} *"

    found = list(itertools.islice(cron.parse_cron("cron", fields).times(since), 10))

    assert len(found) == 10
    assert found == sorted(set(found))
    assert found[0] >= since
    assert {(time.hour in {hour, 12}, time.minute in {minute, 0}) for time in found} == {(True, True)}
