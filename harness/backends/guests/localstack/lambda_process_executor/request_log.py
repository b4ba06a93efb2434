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
from typing import Self

LOG = logging.getLogger(__name__)
VARIABLE = "LAMBDA_PROCESS_REQUEST_LOG"
BODIES = "LAMBDA_PROCESS_REQUEST_LOG_BODIES"
MOST_BYTES = 2**16  # of a body in the log
PATH = "/_harness/requests"
HEADER = {"format": "harness-request-log", "version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What an invocation has read of the function's own variables.

    Attributes:
        read: those that it has read, or its process at its start.
        unread: those that its process has certainly not read so far.
    """

    read: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: bytes) -> Self:
        """Return what a function's process has told."""
        told = json.loads(text)
        return cls(read=tuple(told["read"]), unread=tuple(told["unread"]))


NO_READS = Reads()


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
        reads: of an invocation, what it has read of the function's variables.
        request: the body of the request. Empty if the log has no bodies, or it is too large.
        response: that of the answer.
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
    reads: Reads = NO_READS
    request: bytes = b""
    response: bytes = b""

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
            "variables_read": self.reads.read,
            "variables_unread": self.reads.unread,
            "request": _text(self.request),
            "response": _text(self.response),
        }
        return json.dumps({name: value for name, value in told.items() if value}).encode() + b"\n"


def _text(body: bytes) -> str:
    """Return a body as it stands in the log, which has only texts. The harness leaves secrets out of them."""
    try:
        return body.decode() if len(body) <= MOST_BYTES else ""
    except UnicodeDecodeError:
        return ""


class RequestLog:
    """A file to which calls are appended.

    Each takes a single write, so that a killed process leaves whole lines.

    Args:
        file: the file.
        has_bodies: whether the calls in it have their bodies.
    """

    def __init__(self, file: Path, *, has_bodies: bool = False) -> None:
        self.has_bodies = has_bodies
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
    return RequestLog(Path(path), has_bodies=os.environ.get(BODIES) == "1") if path else None


def note_invocation(
    function: str, arn: str, request_id: str, began: float, error: str, reads: Reads = NO_READS
) -> None:
    """Note that a function has run.

    Args:
        function: its name.
        arn: the ARN in the invocation.
        request_id: the invocation's.
        began: when it began, in seconds since the epoch.
        error: Lambda's name for the failure. Empty if it succeeded.
        reads: what it has read of the function's variables.
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
            reads=reads,
        )
        log.note(call)
