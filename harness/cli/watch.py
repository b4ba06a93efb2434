"""Carry out `harness watch`: react each time a source changes."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from harness.cli import console, operations
from harness.cli.changes import changes
from harness.errors import HarnessError, SettingsError
from harness.lifetimes.kept import Kept

if TYPE_CHECKING:
    from pathlib import Path

    from harness.lifetimes.hot import Hot
    from harness.settings import Settings


def run(settings: Settings, spans: console.Spans, *, hot: bool) -> None:
    """Bring the stack up, and apply changed sources for ever.

    Args:
        settings: The stack's settings.
        spans: Collects the resources that Terraform changes.
        hot: Whether functions run saved sources.
    """
    with operations.reloading(settings) if hot else nullcontext() as reload:
        for changed in changes(settings):
            began = time.monotonic()
            if changed:
                typer.echo(f"changed: {', '.join(path.name for path in changed)}", err=True)
            if reload is None or not _reload_and_tell(reload, changed, began):
                _apply_and_tell(settings, spans)
                _begin_and_tell(reload)


def _apply_and_tell(settings: Settings, spans: console.Spans) -> None:
    """Apply, and print an error in the sources. The next change is a new chance."""
    began = time.monotonic()
    spans.ended.clear()
    try:
        url = operations.bring_up(settings).endpoint.url
    except HarnessError as problem:
        typer.echo(f"error: {problem}", err=True)
    else:
        typer.echo(f"up at {url} in {console.summary(spans, began)}; waiting for changes", err=True)


def _reload_and_tell(reload: Hot, changed: list[Path], began: float) -> bool:
    """Make functions run the changed sources, and return whether nothing else has to be done."""
    if not reload.covers(changed):
        return False
    try:
        names = reload.saved()
    except HarnessError as problem:
        typer.echo(f"error: {problem}\nthe previous code keeps running", err=True)
    else:
        seconds = time.monotonic() - began
        typer.echo(f"hot: {', '.join(names) or 'nothing new'} after {seconds:.2f} s", err=True)
    return True


def _begin_and_tell(reload: Hot | None) -> None:
    if reload is None:
        return
    kept = Kept.of(reload.settings)
    try:
        names = ", ".join(reload.begin(kept.running().endpoint, kept.zips_that_run()))
        typer.echo(f"hot: functions run {names} as you save it, until Ctrl-C", err=True)
    except SettingsError:
        raise
    except HarnessError as problem:
        typer.echo(f"error: {problem}", err=True)
