"""Carry out `harness watch`: react each time a source changes."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
from watchfiles import Change, DefaultFilter, watch

from harness.cli import console, operations
from harness.errors import HarnessError, SettingsError
from harness.functions import packages
from harness.lifetimes.kept import KeptStack
from harness.terraform.hcl.scratch import module_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.lifetimes.hot import HotSources
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
                click.echo(f"changed: {', '.join(path.name for path in changed)}", err=True)
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
        click.echo(f"error: {problem}", err=True)
    else:
        click.echo(f"up at {url} in {console.summary(spans, began)}; waiting for changes", err=True)


def _reload_and_tell(reload: HotSources, changed: list[Path], began: float) -> bool:
    """Make functions run the changed sources, and return whether nothing else has to be done."""
    if not reload.covers(changed):
        return False
    try:
        names = reload.saved()
    except HarnessError as problem:
        click.echo(f"error: {problem}\nthe previous code keeps running", err=True)
    else:
        seconds = time.monotonic() - began
        click.echo(f"hot: {', '.join(names) or 'nothing new'} after {seconds:.2f} s", err=True)
    return True


def _begin_and_tell(reload: HotSources | None) -> None:
    if reload is None:
        return
    kept = KeptStack.of(reload.settings)
    try:
        names = ", ".join(reload.begin(kept.running().endpoint, kept.zips_that_run()))
        click.echo(f"hot: functions run {names} as you save it, until Ctrl-C", err=True)
    except SettingsError:
        raise
    except HarnessError as problem:
        click.echo(f"error: {problem}", err=True)


def changes(settings: Settings) -> Iterator[list[Path]]:
    """Yield no files as soon as they are watched, then those that have changed, each time some have.

    Watched are Terraform's files and those that the Lambda zips are made from.

    Raises:
        SettingsError: The root does not exist.
    """
    folders = module_folders(settings.terraform_dir.resolve()) if settings.terraform_dir.is_dir() else []
    if not folders:
        raise SettingsError("HARNESS_TERRAFORM_DIR", expected="a directory", got=str(settings.terraform_dir))
    sources, zips = packages.watch_paths(settings)
    only = _Sources(ignore_paths=[str(file) for file in zips])
    watched = watch(*folders, *sources, watch_filter=only, rust_timeout=200, yield_on_timeout=True)
    for number, changed in enumerate(watched):
        files = {settings.project / path for path in _lasting(changed)}
        if files or number == 0:
            yield sorted(files)


def _lasting(changed: Iterable[tuple[Change, str]]) -> set[str]:
    """Return the paths that have changed, but for files that an editor has made only to save another one."""
    passing = {path for change, path in changed if change is Change.added and not Path(path).exists()}
    return {path for _, path in changed} - passing


class _Sources(DefaultFilter):
    """Passes over what Terraform and Python write themselves."""

    ignore_dirs = (*DefaultFilter.ignore_dirs, ".terraform")
    ignore_entity_patterns = (*DefaultFilter.ignore_entity_patterns, r"\.tfstate", r"\.terraform\.lock\.hcl$")
