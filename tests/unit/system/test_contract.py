from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from harness.errors import OutputError
from harness.values import Outputs
from tests.system import System, on_demand

SYSTEM = System(
    **{name: name for name in System.__dataclass_fields__},  # every field is a text
)


def test_an_event_carries_its_own_time_in_utc_with_microseconds() -> None:
    moment = datetime(2026, 11, 23, 10, 30, 0, 5, timezone(timedelta(hours=1)))

    event = on_demand(SYSTEM, timestamp=moment)

    assert event.timestamp == moment
    assert event.detail == {"timestamp": "2026-11-23T09:30:00.000005Z"}
    assert (event.source, event.detail_type) == ("event_source", "event_detail_type")
    assert event.bus == "event_bus_name"


def test_the_time_is_now_by_default() -> None:
    before = datetime.now(UTC)

    event = on_demand(SYSTEM)

    assert before <= event.timestamp <= datetime.now(UTC)


def test_a_root_without_this_projects_outputs_is_no_system() -> None:
    with pytest.raises(OutputError, match=r"'environment'.*declares: none"):
        System.of(Outputs({}))
