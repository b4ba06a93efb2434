"""Schedule expressions: rates, crons, one-time schedules, time zones.

RULES: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
SCHEDULER: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
CREATE: https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from harness.aws.eventbridge.expressions import Service, timetable, timetable_of
from harness.errors import ScheduleError
from harness.values import Resource

NEW_YEAR = "2026-01-01T00:00:00+00:00"
BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def runs(
    text: str, after: str = NEW_YEAR, count: int = 3, *, zone: str = "", start: str = "", end: str = ""
) -> list[str]:
    found = timetable(text, "scheduler", zone=zone, start=start, end=end).runs(datetime.fromisoformat(after))
    return [time.isoformat() for time in itertools.islice(found, count)]


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("rate(1 minute)", timedelta(minutes=1)),
        ("rate(90 minutes)", timedelta(minutes=90)),
        ("rate(1 hour)", timedelta(hours=1)),
        ("rate(36 hours)", timedelta(hours=36)),
        ("rate(1 day)", timedelta(days=1)),
        ("rate(5  days)", timedelta(days=5)),
    ],
)
@pytest.mark.parametrize("service", ["rule", "scheduler"])
def test_a_rate_without_a_start_counts_from_the_time_asked_about(
    text: str, period: timedelta, service: Service
) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC)

    found = itertools.islice(timetable(text, service).runs(after), 3)

    assert list(found) == [after + period, after + 2 * period, after + 3 * period]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("2025-01-01T00:00:00+00:00", ["2026-01-01T12:00", "2026-01-01T13:30"]),
        ("2026-01-01T12:00:00+00:00", ["2026-01-01T13:30", "2026-01-01T15:00"]),
        ("2026-01-01T13:29:59+00:00", ["2026-01-01T13:30", "2026-01-01T15:00"]),
        ("2026-01-01T15:00:00+00:00", []),
    ],
)
def test_a_rate_counts_from_its_start_date_and_ends_at_its_end_date(after: str, expected: list[str]) -> None:
    """SCHEDULER: "use the StartDate property to set the first occurrence of the schedule"."""
    start, end = "2026-01-01T12:00:00Z", "2026-01-01T15:00:00Z"

    assert runs("rate(90 minutes)", after, 2, start=start, end=end) == [
        f"{time}:00+00:00" for time in expected
    ]


def test_a_cron_is_due_between_its_dates_only() -> None:
    start, end = "2026-01-02T09:00:00Z", "2026-01-04T08:59:00Z"

    assert runs("cron(0 9 * * ? *)", start=start, end=end) == [
        "2026-01-02T09:00:00+00:00",
        "2026-01-03T09:00:00+00:00",
    ]


def test_a_time_that_is_asked_about_is_not_after_itself() -> None:
    assert runs("cron(0 9 * * ? *)", "2026-01-01T09:00:00+00:00", 1) == ["2026-01-02T09:00:00+00:00"]
    assert runs("cron(0 9 * * ? *)", "2026-01-01T08:59:59+00:00", 1) == ["2026-01-01T09:00:00+00:00"]


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("", "2026-01-01T08:30:00+00:00"),
        ("UTC", "2026-01-01T08:30:00+00:00"),
        (NEW_YORK, "2026-01-01T08:30:00-05:00"),  # SCHEDULER has this example
        (BERLIN, "2026-01-01T08:30:00+01:00"),
        ("Asia/Kathmandu", "2026-01-01T08:30:00+05:45"),
    ],
)
def test_a_cron_is_read_in_its_time_zone(zone: str, expected: str) -> None:
    assert runs("cron(30 8 * * ? *)", count=1, zone=zone) == [expected]


@pytest.mark.parametrize(
    ("zone", "text", "after", "expected"),
    [
        # Clocks go forward from 02:00 to 03:00 on 2026-03-29 in Berlin, on 2026-03-08 in New York.
        (
            BERLIN,
            "30 2 * * ? *",
            "2026-03-28T00:00:00Z",
            ["2026-03-28T02:30+01:00", "2026-03-30T02:30+02:00"],
        ),
        (
            NEW_YORK,
            "30 2 * * ? *",
            "2026-03-08T00:00:00Z",
            ["2026-03-09T02:30-04:00", "2026-03-10T02:30-04:00"],
        ),
        (
            BERLIN,
            "0 2,3 * * ? *",
            "2026-03-29T00:00:00Z",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"],
        ),
        (BERLIN, "0 9 * * ? *", "2026-03-28T00:00:00Z", ["2026-03-28T09:00+01:00", "2026-03-29T09:00+02:00"]),
        # By half an hour, from 02:00 to 02:30, on 2026-10-04 at Lord Howe.
        (
            LORD_HOWE,
            "15 2 * * ? *",
            "2026-10-03T12:00:00Z",
            ["2026-10-05T02:15+11:00", "2026-10-06T02:15+11:00"],
        ),
        # And back from 03:00 to 02:00 on 2026-10-25 in Berlin, from 02:00 to 01:00 on 2026-11-01 in New York.
        (
            BERLIN,
            "30 2 * * ? *",
            "2026-10-24T12:00:00Z",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        (
            NEW_YORK,
            "30 1 * * ? *",
            "2026-11-01T00:00:00Z",
            ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"],
        ),
        # Asked between the two times that are called 02:15, and at the second one.
        (BERLIN, "30 2 * * ? *", "2026-10-25T02:15:00+02:00", ["2026-10-25T02:30+02:00"]),
        (BERLIN, "30 2 * * ? *", "2026-10-25T02:15:00+01:00", ["2026-10-26T02:30+01:00"]),
        (
            BERLIN,
            "0/30 * * * ? *",
            "2026-10-25T02:00:00+02:00",
            ["2026-10-25T02:30+02:00", "2026-10-25T03:00+01:00"],
        ),
    ],
)
def test_clocks_that_are_set_skip_a_time_or_run_it_once(
    zone: str, text: str, after: str, expected: list[str]
) -> None:
    """SCHEDULER: in spring an invocation is skipped, in the fall it runs once and is not repeated."""
    found = runs(f"cron({text})", after, len(expected), zone=zone)

    assert [time[:16] + time[19:] for time in found] == expected


def test_a_day_of_a_rate_has_24_hours() -> None:
    """SCHEDULER: it is evaluated "24 hours after the schedule's last invocation" on a day of 23 or 25."""
    start = "2026-03-28T11:00:00Z"

    assert runs("rate(1 days)", start, 1, start=start, zone=BERLIN) == ["2026-03-29T13:00:00+02:00"]


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("at(2026-02-03T04:05:06)", "", NEW_YEAR, ["2026-02-03T04:05:06+00:00"]),
        ("at(2026-02-03T04:05:06)", NEW_YORK, NEW_YEAR, ["2026-02-03T04:05:06-05:00"]),
        ("at(2026-02-03T04:05:06)", NEW_YORK, "2026-02-03T09:05:05+00:00", ["2026-02-03T04:05:06-05:00"]),
        ("at(2026-02-03T04:05:06)", NEW_YORK, "2026-02-03T09:05:06+00:00", []),
    ],
)
def test_a_one_time_schedule_runs_once_in_its_zone(
    text: str, zone: str, after: str, expected: list[str]
) -> None:
    """CREATE: StartDate and EndDate are ignored for one-time schedules."""
    start, end = "2027-01-01T00:00:00Z", "2025-01-01T00:00:00Z"

    assert runs(text, after, zone=zone, start=start, end=end) == expected


@pytest.mark.parametrize(
    ("service", "text", "told"),
    [
        # RULES: "rate(1 hours) and rate(5 hour) aren't valid".
        ("rule", "rate(1 hours)", r"expected a singular unit after 1, .*got 1 hours; write rate\(1 hour\)"),
        ("rule", "rate(5 hour)", r"write rate\(5 hours\)"),
        ("rule", "rate(0 minutes)", "expected a whole number from 1 on"),  # RULES: "a positive number"
        ("rule", "rate(-5 minutes)", "got -5 minutes"),
        ("rule", "rate(1.5 hours)", "got 1.5 hours"),
        ("rule", "rate(5 weeks)", "minutes, hours or days, got 5 weeks"),
        ("scheduler", "rate(30 seconds)", "got 30 seconds"),
        ("rule", "rate(5minutes)", r"expected rate\(…\) or cron\(…\), got 'rate\(5minutes\)'"),
        ("rule", "at(2026-01-01T00:00:00)", "make it an aws_scheduler_schedule"),
        ("rule", "0 9 * * ? *", r"expected rate\(…\) or cron\(…\)"),
        ("scheduler", "every day", r"expected rate\(…\), cron\(…\) or at\(…\)"),
        ("scheduler", "at(2026-01-01)", "expected at.yyyy-mm-ddThh:mm:ss., got '2026-01-01'"),
        ("scheduler", "at(2026-01-01T00:00:00Z)", "name the zone in schedule_expression_timezone"),
        ("scheduler", "at(2026-02-30T00:00:00)", "got '2026-02-30T00:00:00'"),
        ("scheduler", "at(2026-1-01T00:00:000)", "got '2026-1-01T00:00:000'"),
        ("rule", "cron(0 24 * * ? *)", "expected 0-23 in hours"),
    ],
)
def test_what_aws_refuses_is_an_error_of_one_line(service: Service, text: str, told: str) -> None:
    with pytest.raises(ScheduleError, match=told) as failure:
        timetable(text, service)

    assert str(failure.value).startswith(f"{text}: expected ")
    assert failure.value.expression == text


@pytest.mark.parametrize("zone", ["Europe/Bern", "CEST+2", "../etc/passwd", "America"])
def test_an_unknown_time_zone_is_an_error(zone: str) -> None:
    with pytest.raises(
        ScheduleError, match=f"a time zone of the IANA database, got '{zone}'".replace("+", r"\+")
    ):
        timetable("rate(1 day)", "scheduler", zone=zone)


def test_the_scheduler_does_not_mind_the_plural_of_one() -> None:
    """SCHEDULER writes `rate(1 days)` itself."""
    assert runs("rate(1 days)", count=1) == runs("rate(1 day)", count=1) == ["2026-01-02T00:00:00+00:00"]


def test_a_time_without_a_zone_is_no_time_to_ask_about() -> None:
    with pytest.raises(ScheduleError, match="a time with a time zone"):
        next(timetable("rate(1 day)", "rule").runs(datetime(2026, 1, 1)))  # noqa: DTZ001


def test_a_resource_says_which_service_reads_it_and_when() -> None:
    own = {"schedule_expression": "cron(0 9 * * ? *)", "schedule_expression_timezone": BERLIN}
    dates = {"start_date": "2026-02-01T00:00:00Z", "end_date": ""}
    schedule = Resource(address="a.s", type="aws_scheduler_schedule", values={**own, **dates})
    rule = Resource(address="a.r", type="aws_cloudwatch_event_rule", values=own)
    after = datetime.fromisoformat(NEW_YEAR)

    assert next(timetable_of(schedule).runs(after)).isoformat() == "2026-02-01T09:00:00+01:00"
    assert next(timetable_of(rule).runs(after)).isoformat() == "2026-01-01T09:00:00+00:00"
