"""What a healthy system looks like; each failure names what was expected and what came."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from harness.assertions.expect import expect
from harness.assertions.metrics import Metric, totals
from harness.aws.inventory import SERVICES, inventory
from harness.aws.logs import lines_of_test, log_events
from harness.base.polling import eventually
from harness.errors import NotReachedError, tail

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from harness.aws.logs import LogEvent
    from harness.deployment import Deployment
    from harness.values import Change, Endpoint, StoredObject

_INTERVAL = 0.5  # seconds between two looks at an account or a log


def assert_encrypted(stored: StoredObject, *, key_arn: str) -> None:
    """Check that `stored` is encrypted with SSE-KMS under exactly `key_arn`.

    Raises:
        ExpectationError: It is not.
    """
    expect(f"encryption of {stored.key}", "aws:kms", stored.encryption)
    expect(f"KMS key of {stored.key}", key_arn, stored.kms_key)


def assert_no_drift(changes: Sequence[Change]) -> None:
    """Check that a plan proposes nothing.

    Raises:
        ExpectationError: It proposes changes.
    """
    expect("changes of a second plan", [], list(changes))


def assert_nothing_left(
    endpoint: Endpoint,
    *,
    before: Collection[str] = frozenset(),
    services: Collection[str] = SERVICES,
    timeout: float = 10.0,
) -> None:
    """Check that an account holds nothing that it did not hold before.

    Args:
        endpoint: The account.
        before: What `harness.aws.inventory.inventory` found before the run; nothing by default.
        services: The services to ask, as there.
        timeout: Seconds that the last deletions may take to show.

    Raises:
        NotReachedError: Something is left; `last` lists it as `service:name`.
    """
    eventually(
        lambda: sorted(inventory(endpoint, services=services) - set(before)),
        until=lambda left: not left,
        what="the end of everything that was not there before",
        timeout=timeout,
        interval=_INTERVAL,
    )


def wait_for_log(
    deployment: Deployment,
    function: str,
    pattern: str,
    *,
    timeout: float = 30.0,
    since: datetime | None = None,
) -> str:
    """Wait for a line in the log of a function, and return it.

    Args:
        deployment: The stack.
        function: The function's name.
        pattern: A regular expression that is to be found in the line.
        timeout: Seconds until giving up.
        since: The earliest time of the line, aware; by default it may be from before the test.

    Raises:
        NotReachedError: There was no such line; the log's last lines are in its notes.
    """
    log: list[LogEvent] = []

    def found() -> list[str]:
        log[:] = _log(deployment, function, since)
        return [line for line in map(_line, log) if re.search(pattern, line)]

    try:
        what = f"a line like {pattern!r} in the log of {function}"
        return eventually(found, unless=deployment.lost(), what=what, timeout=timeout, interval=_INTERVAL)[0]
    except NotReachedError as problem:
        problem.add_note(f"log of {function}:\n{tail(lines_of_test(log)) or '  empty'}")
        raise


def wait_for_metric(
    deployment: Deployment,
    function: str,
    name: str,
    *,
    minimum: float = 1.0,
    dimensions: Mapping[str, str] | None = None,
    timeout: float = 30.0,
    since: datetime | None = None,
) -> float:
    """Wait until a function has emitted a metric in the embedded metric format, and return its sum.

    Args:
        deployment: The stack.
        function: The function's name.
        name: The metric's name.
        minimum: What the values are to add up to, at least.
        dimensions: All dimensions of the metric; any by default, and then the largest sum counts.
        timeout: Seconds until giving up.
        since: The earliest time of the lines, aware; by default they may be from before the test.

    Raises:
        NotReachedError: The sum was not reached; `last` has the sums of all metrics that were seen.
    """
    seen = eventually(
        lambda: _Sums(totals(map(_line, _log(deployment, function, since)))),
        until=lambda seen: seen.of(name, dimensions) >= minimum,
        unless=deployment.lost(),
        what=f"metric {name} of at least {minimum:g} in the log of {function}",
        timeout=timeout,
        interval=_INTERVAL,
    )
    return seen.of(name, dimensions)


class _Sums(dict[Metric, float]):
    """Sums of metrics that tell themselves as a person reads them."""

    def of(self, name: str, dimensions: Mapping[str, str] | None) -> float:
        wanted = None if dimensions is None else tuple(sorted(dimensions.items()))
        fitting = (metric for metric in self if metric.name == name and wanted in {None, metric.dimensions})
        return max((self[metric] for metric in fitting), default=-math.inf)

    def __repr__(self) -> str:
        return ", ".join(sorted(f"{metric} = {total:g}" for metric, total in self.items())) or "no metric"


def _log(deployment: Deployment, function: str, since: datetime | None) -> list[LogEvent]:
    """Return what a function has logged since a moment."""
    return log_events(deployment.client("logs"), function, since=since.timestamp() if since else 0.0)


def _line(event: LogEvent) -> str:
    return event.message.rstrip("\n")
