"""Progress as lines, each with the seconds since the start."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


STEP = {"is_step": True}  # marks a record about one resource of many


class ProgressHandler(logging.Handler):
    """Passes each record to `tell` as one line, with the elapsed seconds if `timed`.

    Records about single resources are left out unless `steps` is true.
    """

    def __init__(self, tell: Callable[[str], None], *, timed: bool, steps: bool = True) -> None:
        super().__init__(logging.INFO)
        self._tell = tell
        self._timed = timed
        self._steps = steps
        self._begun = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on one record."""
        if not self._steps and record.__dict__.keys() >= STEP.keys():
            return
        since = f"[{time.monotonic() - self._begun:6.1f} s] " if self._timed else ""
        self._tell(since + record.getMessage())


@contextmanager
def shown(tell: Callable[[str], None], *, timed: bool = True, steps: bool = True) -> Iterator[None]:
    """Pass the harness's progress to `tell` while the context is open."""
    logger, handler = logging.getLogger("harness"), ProgressHandler(tell, timed=timed, steps=steps)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
