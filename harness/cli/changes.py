"""Which sources change while `harness watch` runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from watchfiles import Change, DefaultFilter, watch

from harness import packages
from harness.configuration.scratch import module_folders
from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.settings import Settings


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
