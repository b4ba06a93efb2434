"""EventBridge rules and schedules."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.aws.eventbridge import expressions, patterns, send, targets
from harness.errors import PatternError
from harness.stack.resources.lookup import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.aws.eventbridge.patterns import NearMiss
    from harness.values import FiredEvent, Sent


class Rule(View):
    """A rule with a pattern: fire it, or send events that it must not match."""

    __slots__ = ()

    @property
    def pattern(self) -> dict[str, Any]:
        """The event pattern."""
        pattern: dict[str, Any] = json.loads(self.resource.values["event_pattern"])
        return pattern

    @property
    def bus(self) -> str:
        """The name or ARN of the rule's bus."""
        return str(self.resource.values.get("event_bus_name") or "default")

    def fire(self, **overrides: Any) -> FiredEvent:  # noqa: ANN401 - any JSON value
        """Send an event that matches the pattern.

        Args:
            overrides: Your own `source`, `detail_type` or `detail`. The harness makes up the others, and adds
                to your detail the fields that the pattern asks for.

        Raises:
            PatternError: PutEvents can't send such an event, or your overrides don't match the pattern.
            ExpectationError: EventBridge did not accept it.
        """
        given = {name.replace("_", "-"): value for name, value in overrides.items()}
        event = patterns.complete(self.pattern, given)
        if not patterns.matches(self.pattern, event):
            raise PatternError("", f"expected overrides that match {self.pattern}, got {given}")
        fired = patterns.to_fired_event(event, self.bus)
        return send.put_event(self.client("events"), fired, place=self.stack.endpoint.place)

    def near_misses(self) -> Iterator[NearMiss]:
        """Yield events that fail to match for exactly one reason each, if PutEvents can send them.

        Send each with `stack.fire(miss.event, bus=rule.bus)`.
        """
        yield from (miss for miss in patterns.near_misses(self.pattern) if miss.can_be_sent)


class Schedule(View):
    """A schedule of EventBridge Scheduler, or a rule with a schedule: run it now, or see its next runs."""

    __slots__ = ()

    def next_runs(self, n: int = 5, *, after: datetime | None = None) -> list[datetime]:
        """Return the next times at which AWS would run it, enabled or not, whatever the emulator does.

        The times follow AWS's documentation and are in the schedule's time zone. A rule's zone is UTC. A rate
        without a start date counts from `after`. You get fewer than `n` times if the schedule ends earlier.

        Args:
            n: The number of times to return at most.
            after: Return times later than this one. By default, later than now.

        Raises:
            ScheduleError: AWS would refuse the expression, or `after` has no time zone.
        """
        timetable = expressions.timetable_of(self.resource)
        return list(itertools.islice(timetable.runs(after or datetime.now(UTC)), n))

    def run(self, *, at: datetime | None = None) -> list[FiredEvent | Sent]:
        """Send to each target what AWS sends when the schedule is due.

        No API of AWS runs a schedule, so the harness sends to the targets itself, whether the schedule is
        enabled or not. A target is a function, a queue, a topic, a state machine, a bus or a Kinesis stream.
        `Deployment.trace` follows each of these. A rule's target may also be a log group, and EventBridge
        Scheduler has universal targets, which call any action of AWS. Nothing follows these two, so they are
        not returned.

        Args:
            at: The time at which the schedule is due, for the event. Now by default.

        Raises:
            TargetError: The target is of another kind, or AWS could not send to it.
            ScheduleError: `at` has no time zone.
        """
        moment = expressions.aware(str(self.resource.values["schedule_expression"]), at or datetime.now(UTC))
        return targets.deliver(self.stack, self.resource, moment)
