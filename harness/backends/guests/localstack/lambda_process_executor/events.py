"""Keep the events of the latest invocations, so that one of them can be run again.

Each is a JSON file in `LAMBDA_PROCESS_EVENTS`. An event may hold secrets, so only the emulator's user can
read it, and it is removed with the emulator's folder.
"""

import json
import logging
import os
import time
from pathlib import Path

from lambda_process_executor.runtime_api import Invocation

LOG = logging.getLogger(__name__)
VARIABLE = "LAMBDA_PROCESS_EVENTS"
MOST = 256


def keep(function: str, invocation: Invocation, error: str) -> None:
    """Keep the event of an invocation that has ended.

    Args:
        function: the function's name.
        invocation: the invocation.
        error: Lambda's name for the failure. Empty if it succeeded.
    """
    if not (place := os.environ.get(VARIABLE)):
        return
    told = {
        "function": function,
        "request_id": invocation.request_id,
        "error": error,
        "event": invocation.payload.decode("utf-8", "replace"),
    }
    folder = Path(place)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _write(folder / f"{time.time_ns()}-{invocation.request_id}.json", json.dumps(told))
        for file in sorted(folder.glob("*.json"))[:-MOST]:
            file.unlink(missing_ok=True)
    except OSError as problem:  # for example a full disk: the function has its answer nevertheless
        LOG.warning("the event of %s can't be kept: %s", invocation.request_id, problem)


def _write(file: Path, text: str) -> None:
    """Write a file that nobody sees half-written, and nobody else may read."""
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600), "w") as opened:
        opened.write(text)
    fresh.replace(file)
