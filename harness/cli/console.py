"""The command line's output for people: live progress, and tables."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import click

from harness.base.telemetry import progress, timeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.progress import TaskID

    from harness.base.telemetry.timeline import Span

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
def followed(*, live: bool) -> Iterator[Spans]:
    """Show progress on standard error while the context is open, and collect its spans.

    A terminal can show the number of finished resources, and each running phase and resource with its time.
    Otherwise there is one line for each span that has ended.

    Args:
        live: Whether to show that, for commands that run Terraform. Loading it takes others too long.
    """
    spans = Spans()
    with ExitStack() as resources:
        resources.enter_context(timeline.ENDED.heard_by(spans.ended.append))
        if live and sys.stderr.isatty():
            bar = resources.enter_context(_Live().shown())
            resources.enter_context(progress.shown(bar.print, steps=False))
        else:
            resources.enter_context(progress.shown(lambda line: click.echo(line, err=True)))
        yield spans


class _Live:
    """A bar for the resources that Terraform changes, and a spinner for everything that is running.

    Slow or failed steps leave a line above.
    """

    def __init__(self) -> None:
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._bar = Progress(TextColumn("{task.completed}/{task.total} resources"), BarColumn())
        self._steps = Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._live = Live(
            Group(self._bar, self._steps),
            console=Console(stderr=True),
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
        self._live.console.print(line, soft_wrap=True, highlight=False, markup=False)

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


def show_values(values: Mapping[str, object]) -> None:
    """Print names and values on standard output, one per line."""
    width = max(map(len, values), default=0)
    for name, value in values.items():
        click.echo(f"{click.style(f'{name:<{width}}', bold=True)}  {value}")
