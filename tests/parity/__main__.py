"""Run one scenario on every backend that can run here, and print the differences of their answers."""
# ruff: noqa: T201 - a terminal program

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from harness import Settings, backends, deployed_at
from harness.base.process import sigterm_as_interrupt
from harness.base.telemetry.progress import shown
from harness.cli import doctor
from tests.parity.observations import Observed, observe
from tests.parity.table import differences, durations, rendered
from tests.system import Scenario

if TYPE_CHECKING:
    from collections.abc import Sequence

EMULATORS = ("container", "host", "localemu", "ministack", "external")


def main(wanted: Sequence[str]) -> int:
    """Compare the named backends, or all that can run. Returns 1 if there are fewer than two."""
    settings = Settings.from_env(os.environ)
    with sigterm_as_interrupt(), shown(lambda line: print(line, file=sys.stderr, flush=True)):
        names = wanted or runnable(settings)
        observed = {name: observed_on(replace(settings, backend=name)) for name in names}
    head = ["", *observed]
    print(rendered(head, differences(observed)), end="\n\n")
    print(rendered(head, durations(observed)))
    return 0 if len(observed) > 1 else 1


def runnable(settings: Settings) -> list[str]:
    """Return the emulators that can run here, which never include real AWS."""
    usable = {finding.subject for finding in doctor.examine(settings) if finding.ok}
    return [name for name in EMULATORS if f"backend {name}" in usable]


def observed_on(settings: Settings) -> Observed:
    """Start the backend, deploy to it and play the scenario."""
    seen = Observed()
    with seen.timed("all"), backends.started(settings) as endpoint:
        with seen.timed("apply, scenario, destroy"), deployed_at(settings, endpoint) as deployment:
            observe(Scenario.of(deployment), seen)
    return seen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
