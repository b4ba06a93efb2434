"""Progress as lines, each with the seconds since the start."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


STEP = {"is_step": True}  # what a record has beside it that tells of one resource of many


class ProgressHandler(logging.Handler):
    """Hands each record to `tell` as one line, if `timed` with the seconds since the handler was made.

    Those of single resources are left out unless `steps` says otherwise.
    """

    def __init__(self, tell: Callable[[str], None], *, timed: bool, steps: bool = True) -> None:
        super().__init__(logging.INFO)
        self._tell = tell
        self._timed = timed
        self._steps = steps
        self._begun = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one record."""
        if not self._steps and record.__dict__.keys() >= STEP.keys():
            return
        since = f"[{time.monotonic() - self._begun:6.1f} s] " if self._timed else ""
        self._tell(since + record.getMessage())


@contextmanager
def shown(tell: Callable[[str], None], *, timed: bool = True, steps: bool = True) -> Iterator[None]:
    """Have the harness's progress told to `tell` while the context is open."""
    logger, handler = logging.getLogger("harness"), ProgressHandler(tell, timed=timed, steps=steps)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
