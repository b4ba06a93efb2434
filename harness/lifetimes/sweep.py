"""Remove everything that killed runs have left."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from harness import backends
from harness.backends import real_aws
from harness.base import journal
from harness.errors import BackendError
from harness.lifetimes import broker, record
from harness.terraform import commands

if TYPE_CHECKING:
    from harness.base.journal import Entry
    from harness.settings import Settings

log = logging.getLogger(__name__)


def sweep(settings: Settings) -> list[str]:
    """Remove processes, folders, containers, networks and real stacks of killed runs, and return their names.

    Raises:
        HarnessError: A stack on real AWS can't be destroyed. It stays in the journal.
    """
    stacks = [f"the kept stack in {folder}" for folder in record.sweep(settings.cache_dir)]
    by_backends = [name for backend in backends.BUILT_IN for name in _sweep_backend(backend)]
    return [*_sweep_journal(settings), *stacks, *broker.sweep(), *by_backends]


def _sweep_journal(settings: Settings) -> list[str]:
    removed = []
    for file, entry in journal.orphans(settings.cache_dir).items():
        if entry.root and Path(entry.root).exists():
            _destroy(settings, entry)
        journal.clear(file, entry)
        removed.append(" ".join(filter(None, (entry.what, entry.folder))))
    return removed


def _destroy(settings: Settings, entry: Entry) -> None:
    """Destroy a stack on real AWS, in an account that the settings allow."""
    with real_aws.aws(settings) as endpoint:
        log.info("destroying %s, as %s", entry.what, entry.variables)
        commands.commands_at(endpoint, Path(entry.root), settings, entry.variables).destroy()


def _sweep_backend(backend: str) -> list[str]:
    try:
        return backends.load(backend).sweep()
    except BackendError as problem:
        log.info("nothing of the backend %s is looked for: %s", backend, problem.reason)
        return []
