"""Rules and schedules of EventBridge."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.errors import PatternError
from harness.eventbridge import expressions, patterns, send, targets
from harness.resources.lookup import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.eventbridge.patterns import NearMiss
    from harness.values import FiredEvent, Sent


class Rule(View):
    """A rule with a pattern: fire it, or send what it must not match."""

    __slots__ = ()

    @property
    def pattern(self) -> dict[str, Any]:
        """The pattern."""
        pattern: dict[str, Any] = json.loads(self.resource.values["event_pattern"])
        return pattern

    @property
    def bus(self) -> str:
        """The name or ARN of the rule's bus."""
        return str(self.resource.values.get("event_bus_name") or "default")

    def fire(self, **overrides: Any) -> FiredEvent:  # noqa: ANN401 - any JSON value
        """Send an event that matches the pattern.

        Args:
            overrides: `source`, `detail_type` or `detail`, in place of those that the harness makes up. If
                the pattern asks for fields that your detail does not have, the harness adds them.

        Raises:
            PatternError: PutEvents can't send such an event, or the overrides don't match the pattern.
            ExpectationError: EventBridge did not accept it.
        """
        given = {name.replace("_", "-"): value for name, value in overrides.items()}
        event = patterns.complete(self.pattern, given)
        if not patterns.matches(self.pattern, event):
            raise PatternError("", f"expected overrides that match {self.pattern}, got {given}")
        fired = patterns.as_fired(event, self.bus)
        return send.put_event(self.client("events"), fired, place=self.stack.endpoint.place)

    def near_misses(self) -> Iterator[NearMiss]:
        """Yield events that do not match for one reason each, as far as PutEvents can send them.

        Send each with `stack.fire(miss.event, bus=rule.bus)`.
        """
        yield from (miss for miss in patterns.near_misses(self.pattern) if miss.can_be_sent)


class Schedule(View):
    """A schedule of EventBridge Scheduler, or a rule with a schedule: run it now, see when it is due."""

    __slots__ = ()

    def next_runs(self, n: int = 5, *, after: datetime | None = None) -> list[datetime]:
        """Return when AWS would run it next, whatever the emulator thinks, enabled or not.

        The times are those of AWS's documentation, in the schedule's time zone; a rule's zone is UTC. A rate
        without a start date counts from `after`. There are fewer than `n` if the schedule ends before.

        Args:
            n: How many times to return at most.
            after: They are all later than this time, which is now by default.

        Raises:
            ScheduleError: AWS would refuse the expression, or `after` has no time zone.
        """
        timetable = expressions.timetable_of(self.resource)
        return list(itertools.islice(timetable.runs(after or datetime.now(UTC)), n))

    def run(self, *, at: datetime | None = None) -> list[FiredEvent | Sent]:
        """Send to each target what AWS would send when the schedule is due; `Deployment.trace` follows it.

        The harness sends it itself, as no API of AWS does, whether the schedule is enabled or not. A target
        is a function, a queue, a topic, a state machine, a bus or a stream of Kinesis. A rule may have a log
        group too, and EventBridge Scheduler a universal target: any action of AWS. These two are not in what
        is returned: nothing follows them.

        Args:
            at: When it is due, as the event says; now by default.

        Raises:
            TargetError: A target is of another kind, or AWS could not send to it.
            ScheduleError: `at` has no time zone.
        """
        moment = expressions.aware(str(self.resource.values["schedule_expression"]), at or datetime.now(UTC))
        return targets.deliver(self.stack, self.resource, moment)
