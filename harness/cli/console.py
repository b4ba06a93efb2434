"""The command line's output for people: live progress, and tables."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from harness.telemetry import progress, timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.progress import TaskID

    from harness.telemetry.timeline import Span

_SLOWEST = 5
_LONG = 1.0  # seconds; a resource that takes longer is reported by itself


class Spans:
    """The spans of a run, in the order of their ends."""

    def __init__(self) -> None:
        self.ended: list[Span] = []

    def resources(self) -> list[Span]:
        """Return the spans of resources, the slowest first."""
        found = [span for span in self.ended if span.kind == "resource"]
        return sorted(found, key=lambda span: span.seconds, reverse=True)


@contextmanager
def followed() -> Iterator[Spans]:
    """Show progress on standard error while the context is open, and collect its spans.

    A terminal shows the number of finished resources, and each running phase and resource with its time.
    Otherwise there is one line for each span that has ended.
    """
    console, spans = Console(stderr=True), Spans()
    with ExitStack() as resources:
        resources.enter_context(timeline.ENDED.heard_by(spans.ended.append))
        if console.is_terminal:
            live = resources.enter_context(_Live(console).shown())
            resources.enter_context(progress.shown(live.print, steps=False))
        else:
            resources.enter_context(progress.shown(lambda line: console.print(Text(line), soft_wrap=True)))
        yield spans


class _Live:
    """A bar for the resources that Terraform changes, and a spinner for everything that is running.

    Slow or failed steps leave a line above.
    """

    def __init__(self, console: Console) -> None:
        from rich.console import Group
        from rich.live import Live
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bar = Progress(TextColumn("{task.completed}/{task.total} resources"), BarColumn())
        self._steps = Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._live = Live(
            Group(self._bar, self._steps),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._guard = threading.Lock()

    @contextmanager
    def shown(self) -> Iterator[_Live]:
        """Show bar and lines while the context is open."""
        with (
            self._live,
            timeline.PLANNED.heard_by(self._plan),
            timeline.ENDED.heard_by(self._end),
            timeline.BEGUN.heard_by(self._begin),
        ):
            yield self

    def print(self, line: str) -> None:
        """Print a line above."""
        self._live.console.print(Text(line), soft_wrap=True)

    def _plan(self, resources: int) -> None:
        with self._guard:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            if resources:
                self._bar.add_task("", total=resources)

    def _begin(self, name: str) -> None:
        with self._guard:
            self._tasks[name] = self._steps.add_task(name, total=None)

    def _end(self, span: Span) -> None:
        with self._guard:
            task = self._tasks.pop(span.name, None)
            bars = self._bar.task_ids if span.kind == "resource" else []
        if task is not None:
            self._steps.remove_task(task)
        for bar in bars:
            self._bar.advance(bar)
        if span.kind == "resource" and (span.seconds >= _LONG or not span.ok):
            how = f"{span.name} in" if span.ok else f"{span.name.split()[0]} failed after"
            self.print(f"  {how} {span.seconds:.1f} s")


def summary(spans: Spans, began: float) -> str:
    """Return the duration, and the slowest resources. `began` is a time of `time.monotonic`."""
    resources = spans.resources()
    shown = [span for span in resources[:_SLOWEST] if span.seconds >= _LONG] or resources[:1]
    slowest = ", ".join(f"{span.name.split()[0]} {span.seconds:.1f} s" for span in shown)
    changed = f", {len(resources)} resources changed; slowest: {slowest}" if resources else ""
    return f"{time.monotonic() - began:.1f} s{changed}"


def show(line: Text) -> None:
    """Print a line on standard output, with colours if that is a terminal."""
    Console(soft_wrap=True, highlight=False).print(line)


def show_values(values: Mapping[str, object]) -> None:
    """Print names and values on standard output, one per line."""
    width = max(map(len, values), default=0)
    console = Console(soft_wrap=True, highlight=False)
    for name, value in values.items():
        console.print(Text(f"{name:<{width}}  ", style="bold").append(str(value), style="not bold"))
