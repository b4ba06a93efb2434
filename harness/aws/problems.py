"""The errors of others, in one line each: of AWS's SDK, of HTTP, and of the file system."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 300
_GONE = "is the emulator still there? `harness status` tells, and `harness up` starts it afresh"


@contextmanager
def as_harness_errors() -> Iterator[None]:
    """Turn errors from outside the harness into errors that tell the user what to do.

    Raises:
        HarnessError: In place of an error of botocore, urllib3 or the operating system, which is its cause.
    """
    try:
        yield
    except ClientError as problem:
        code = problem.response.get("Error", {}).get("Code", "")
        raise HarnessError(
            f"AWS answered {problem.operation_name} with {code}: {_short(problem)}"
        ) from problem
    except (BotoCoreError, urllib3.exceptions.HTTPError) as problem:
        raise HarnessError(f"no proper answer: {_short(problem)}; {_GONE}") from problem
    except OSError as problem:
        if isinstance(problem, HarnessError):  # a time-out of the harness is one of Python's too
            raise
        place = f": {problem.filename}" if problem.filename else ""
        raise HarnessError(f"{problem.strerror or _short(problem)}{place}") from problem


def _short(problem: Exception) -> str:
    return (" ".join(str(problem).split()) or type(problem).__name__)[:_LONGEST]
