"""Hops as values and as text."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from harness.stack import hops
from harness.stack.hops import Hop, Hops, Trace, trace_sent
from harness.values import FiredEvent
from tests.unit.stack.hops.world import QUEUE, WORKER, sent

if TYPE_CHECKING:
    from harness.values import Sent
    from tests.unit.stack.hops.world import World


def an_event() -> FiredEvent:
    return FiredEvent(
        id=str(uuid4()), timestamp=datetime.now(UTC), bus="b", source="shop", detail_type="placed", detail={}
    )


def test_the_stop_is_the_first_hop_that_failed() -> None:
    trace = Hops(Hop(name=state, state=state, seen="") for state in ("reached", "failed", "failed"))

    assert trace.failure is trace[1]
    assert Hops(trace[:1]).failure is None


def test_the_text_is_aligned_and_log_lines_stand_below() -> None:
    trace = [
        Hop(name="one", state="reached", seen="fine", payload='{"a":\n 1}'),
        Hop(name="the second", state="failed", seen="bad\n[ERROR] x\n  in f"),
        Hop(name="third", state="unknown", seen=""),
        Hop(name="fourth", state="unreached", seen=""),
    ]

    assert hops.format_hops(trace).splitlines() == [
        "  ✓ one         fine",
        '      > {"a": 1}',
        "  ✗ the second  bad",
        "      | [ERROR] x",
        "      |   in f",
        "  ? third",
        "  · fourth",
    ]
    assert str(Hops(trace)) == hops.format_hops(trace)
    event = an_event()
    headed = hops.format_traces([Trace(sent=event, hops=tuple(trace[:1]))])
    assert headed == f"event {event.id} (shop, 'placed'):\n  ✓ one  fine\n      > {{\"a\": 1}}"
    message = sent(QUEUE)
    assert hops.format_traces([Trace(sent=message, hops=())]) == f"{message.id} (sent to sqs:jobs):\n"


def test_a_terminal_shows_the_functions_own_frames_and_not_those_of_libraries() -> None:
    seen = """request 1: AccessDenied: no
Traceback (most recent call last):
  File "src/greeter/__init__.py", line 13, in handler
    s3.put_object(Bucket=bucket)
  File "/opt/lib/python3.13/site-packages/botocore/client.py", line 602, in _api_call
    return self._make_api_call(operation_name, kwargs)
           ~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^^^^^^
  File "/usr/lib/python3.13/json/decoder.py", line 1, in decode
    raise error
END"""
    failed = Trace(sent=sent(QUEUE), hops=(Hop(name="returned", state="failed", seen=seen),))

    assert hops.format_briefly([failed]).splitlines()[1:] == [
        "  ✗ returned  request 1: AccessDenied: no",
        "      | …",
        "      | Traceback (most recent call last):",
        '      |   File "src/greeter/__init__.py", line 13, in handler',
        "      |     s3.put_object(Bucket=bucket)",
        "      | END",
    ]


def test_of_many_events_the_latest_are_traced() -> None:
    fired = [an_event() for _ in range(12)]

    found = hops.trace_all(lambda event: (Hop(name=event.id, state="reached", seen=""),), fired)

    assert [trace.sent for trace in found] == fired[:1:-1]
    assert [trace.hops[0].name for trace in found] == [event.id for event in fired[:1:-1]]


def test_an_emulator_that_hangs_holds_nobody_up() -> None:
    released = threading.Event()
    fired = [an_event(), an_event(), an_event()]

    def trace(event: FiredEvent | Sent) -> tuple[Hop, ...]:
        if event is fired[1]:
            released.wait(30)
        return (Hop(name="done", state="reached", seen=""),)

    begun = time.monotonic()
    found = hops.trace_all(trace, fired, budget=0.3)
    released.set()

    assert time.monotonic() - begun < 10
    assert [each.hops[0].state for each in found] == ["reached", "unknown", "unknown"]
    assert found[2].sent is fired[0]


def test_a_glance_begins_no_trace_after_its_time() -> None:
    fired = [an_event(), an_event()]

    found = hops.glance_all(lambda _: (Hop(name="done", state="reached", seen=""),), fired, seconds=0)

    assert [(trace.sent, trace.hops[0].state) for trace in found] == [
        (fired[1], "unknown"),
        (fired[0], "unknown"),
    ]
    assert "the test has passed" in found[0].hops[0].seen


def test_a_glance_waits_but_a_moment_for_all_and_what_is_not_there_yet_is_unknown(world: World) -> None:
    messages = [sent(WORKER, {"number": number}) for number in range(10)]

    def trace(one: FiredEvent | Sent) -> tuple[Hop, ...]:
        return trace_sent(world.stack(), one, patience=20)

    begun = time.monotonic()
    found = hops.glance_all(trace, messages, seconds=60)

    assert time.monotonic() - begun < 15
    assert {(hop.name, hop.state) for each in found for hop in each.hops[1:]} == {
        ("function invoked", "unknown"),
        ("function returned", "unknown"),
    }
