"""The request log: one line of JSON for each AWS call that this emulator has answered.

The format is described in docs/reference/request-log.md.
"""

import functools
import json
import logging
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

LOG = logging.getLogger(__name__)
VARIABLE = "LAMBDA_PROCESS_REQUEST_LOG"
PATH = "/_harness/requests"
HEADER = {"format": "harness-request-log", "version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An AWS call.

    Attributes:
        begun: when it came, in seconds since the epoch.
        seconds: how long the answer took.
        by: the caller.
        request_id: the id of the function's invocation that made it. Empty for other callers.
        service: the service, under boto3's name.
        operation: the operation, under the API's name.
        region: the region of the call.
        account: the account of its resources. Empty if unknown.
        resources: the known ARNs of its resources.
        status: the answer's HTTP status.
        error: the error code. Empty if it succeeded.
        source: on whose behalf the emulator made it: an ARN or a service's name.
    """

    begun: float
    seconds: float
    by: str
    request_id: str = ""
    service: str
    operation: str
    region: str = ""
    account: str = ""
    resources: tuple[str, ...] = ()
    status: int = 200
    error: str = ""
    source: str = ""

    def to_line(self) -> bytes:
        """Return it as a line of the log, without empty fields."""
        told = {
            "time": datetime.fromtimestamp(self.begun, UTC).isoformat(timespec="microseconds"),
            "ms": round(self.seconds * 1000, 3),
            "by": self.by,
            "request_id": self.request_id,
            "service": self.service,
            "operation": self.operation,
            "region": self.region,
            "account": self.account,
            "resources": self.resources,
            "status": self.status,
            "error": self.error,
            "source": self.source,
        }
        return json.dumps({name: value for name, value in told.items() if value}).encode() + b"\n"


class RequestLog:
    """A file to which calls are appended.

    Each takes a single write, so that a killed process leaves whole lines.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        os.write(self._descriptor, json.dumps(HEADER).encode() + b"\n")

    def note(self, call: Call) -> None:
        """Append a call. If the disk is full, the call is answered nevertheless."""
        try:
            os.write(self._descriptor, call.to_line())
        except OSError as problem:
            LOG.warning("the request log lacks a call: %s", problem)

    def read(self, start: int) -> bytes:
        """Return the log from byte `start` on."""
        with self._file.open("rb") as file:
            file.seek(start)
            return file.read()


@functools.cache
def open_log() -> RequestLog | None:
    """Return this emulator's log, which the first call empties, or None if none is configured."""
    path = os.environ.get(VARIABLE)
    return RequestLog(Path(path)) if path else None


def note_invocation(function: str, arn: str, request_id: str, began: float, error: str) -> None:
    """Note that a function has run.

    Args:
        function: its name.
        arn: the ARN in the invocation.
        request_id: the invocation's.
        began: when it began, in seconds since the epoch.
        error: Lambda's name for the failure. Empty if it succeeded.
    """
    if log := open_log():
        _, _, _, region, account, *_ = f"{arn}:::::".split(":")
        call = Call(
            begun=began,
            seconds=time.time() - began,
            by="emulator",
            request_id=request_id,
            service="lambda-runtime",
            operation="Invocation",
            resources=(arn,) if arn else (f"function:{function}",),
            error=error,
            region=region,
            account=account,
        )
        log.note(call)
