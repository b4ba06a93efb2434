from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from harness.base.telemetry import timeline

if TYPE_CHECKING:
    from harness.base.telemetry.timeline import Span


def test_a_phase_is_told_with_its_time_when_it_ends() -> None:
    spans: list[Span] = []
    before = time.time()

    with timeline.ENDED.heard_by(spans.append), timeline.phase("wait"):
        time.sleep(0.05)
        assert spans == []

    (span,) = spans
    assert (span.kind, span.name, span.ok) == ("phase", "wait", True)
    assert before <= span.begun <= time.time()
    assert span.seconds >= 0.05


def test_a_phase_that_fails_is_told_so() -> None:
    spans: list[Span] = []

    with timeline.ENDED.heard_by(spans.append), pytest.raises(ZeroDivisionError), timeline.phase("divide"):
        raise ZeroDivisionError

    assert [(span.name, span.ok) for span in spans] == [("divide", False)]


def test_every_listener_hears_what_ends_while_it_listens() -> None:
    first: list[Span] = []
    second: list[Span] = []

    with timeline.ENDED.heard_by(first.append):
        with timeline.ENDED.heard_by(second.append), timeline.phase("one"):
            pass
        with timeline.phase("two"):
            pass
    with timeline.phase("three"):
        pass

    assert [span.name for span in first] == ["one", "two"]
    assert [span.name for span in second] == ["one"]


def test_a_phase_of_another_thread_is_heard() -> None:
    spans: list[Span] = []

    def work() -> None:
        with timeline.phase("elsewhere"):
            pass

    with timeline.ENDED.heard_by(spans.append):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)

    assert [span.name for span in spans] == ["elsewhere"]


def test_a_listener_may_leave_while_it_is_told() -> None:
    heard: list[str] = []
    stack = ExitStack()

    def once(span: Span) -> None:
        heard.append(span.name)
        stack.close()

    stack.enter_context(timeline.ENDED.heard_by(once))
    for name in ("one", "two"):
        with timeline.phase(name):
            pass

    assert heard == ["one"]
