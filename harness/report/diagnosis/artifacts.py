"""The files that a test leaves in its folder: the logs of its time, and the hops of its events."""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from harness.aws.logs import log_events
from harness.base import emulator_log
from harness.stack import hops
from harness.terraform import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from harness.aws.logs import LogEvent
    from harness.stack.deployment import Deployment
    from harness.stack.hops import Trace
    from harness.values import Endpoint

type LogReader = Callable[[str], list[LogEvent]]

MOST_BYTES = 5 * 1024 * 1024  # of one file
EMULATOR_LOG = "emulator.log"
TERRAFORM_LOG = "terraform.log"
HOPS = "hops.txt"
PROBLEMS = "problems.txt"
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The state of the logs at the beginning of a test.

    Attributes:
        folder: The folder for its files. It is created with the first one.
        begun: Seconds since the epoch.
        offsets: The sizes of the emulator's logs at the beginning, in bytes, by file.
        terraform: The lines that Terraform has printed since.
    """

    folder: Path
    begun: float
    offsets: dict[Path, int]
    terraform: list[str] = field(default_factory=list)

    def keep(
        self,
        *,
        endpoint: Endpoint | None = None,
        deployment: Deployment | None = None,
        functions: Collection[str] = (),
        traces: Sequence[Trace] = (),
        read: LogReader | None = None,
    ) -> tuple[Path, ...]:
        """Write the present logs, and return the test's files. Never raises.

        Another call writes later lines too. Files for which it gets no source stay unchanged.

        Args:
            endpoint: The endpoint of the emulator whose log to keep. By default that of the deployment, if
                any.
            deployment: The stack whose functions' logs to keep.
            functions: The names of the functions.
            traces: How far the test's events came.
            read: The reader of functions' logs, if they have been read before.
        """
        place = deployment.endpoint if deployment and not endpoint else endpoint
        files: dict[str, Callable[[], bytes]] = {
            TERRAFORM_LOG: lambda: _encode(map(_plain, list(self.terraform))),
            HOPS: lambda: _encode([hops.format_traces(traces)] if traces else []),
        }
        if place and place.log and place.log.exists():
            files[EMULATOR_LOG] = partial(_slice, place.log, self.offsets.get(place.log, 0))
        if deployment:
            read = read or log_reader(deployment, self.begun)
            files |= {log_name(function): partial(_function_log, read, function) for function in functions}
        problems = [problem for name, read in files.items() if (problem := self._write(name, read))]
        self._write(PROBLEMS, lambda: _encode(problems))
        return self._files()

    def _write(self, name: str, read: Callable[[], bytes]) -> str:
        """Write the result of `read`, unless it is empty, and return the error, if any."""
        try:
            if content := read():
                self.folder.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_bytes(content)
        except Exception as problem:  # noqa: BLE001 - what can't be kept must not fail the test
            return f"{name}: {type(problem).__name__}: {problem}"
        return ""

    def _files(self) -> tuple[Path, ...]:
        try:
            return tuple(sorted(self.folder.iterdir()))
        except OSError:  # nothing was worth a file
            return ()


@contextmanager
def recording(folder: Path, *, endpoint: Endpoint | None = None) -> Iterator[Recording]:
    """Record the present sizes of the logs, and listen to Terraform while the context is open.

    Args:
        folder: The folder for the test's files.
        endpoint: The test's endpoint, if known. The log of one that starts later is kept completely.
    """
    offsets = {endpoint.log: emulator_log.size(endpoint.log)} if endpoint and endpoint.log else {}
    begun = Recording(folder=folder, begun=time.time(), offsets=offsets)
    with commands.PRINTED.heard_by(begun.terraform.append):
        yield begun


@contextmanager
def recorded(
    folder: Path, *, deployment: Deployment, functions: Collection[str] | None = None
) -> Iterator[Recording]:
    """Keep the logs of the context in `folder`, for programs without pytest.

    Args:
        folder: The folder for the files.
        deployment: Whose logs.
        functions: The names of its functions. By default, Terraform is asked for all of the stack.
    """
    names = function_names(deployment) if functions is None else functions
    with recording(folder, endpoint=deployment.endpoint) as begun:
        try:
            yield begun
        finally:
            begun.keep(deployment=deployment, functions=names)


def function_names(deployment: Deployment) -> tuple[str, ...]:
    """Return the names of the stack's functions, or none if Terraform fails.

    Call it once and keep the result, because it takes a second.
    """
    try:
        found = deployment.resources("aws_lambda_function")
        return tuple(sorted(str(function.values["function_name"]) for function in found))
    except Exception:  # noqa: BLE001 - artifacts must not fail a run
        return ()


def log_reader(deployment: Deployment, since: float) -> LogReader:
    """Return a reader of functions' logs since a moment, in seconds since the epoch, that caches each log."""

    @cache
    def read(function: str) -> list[LogEvent]:
        return log_events(deployment.client("logs"), function, since=since)

    return read


def log_name(function: str) -> str:
    """Return the name of the file of a function's log."""
    return f"lambda-{function}.log"


def mtime_of(file: Path) -> float:
    """Return the time of a file's last change, in seconds since the epoch, or 0 if it does not exist."""
    return file.stat().st_mtime if file.exists() else 0.0


def folder_name(test_id: str) -> str:
    """Return the name of a test's folder: any file system takes it, and no other test has it."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", test_id).strip("-.")
    digest = hashlib.sha256(test_id.encode("utf-8", "replace")).hexdigest()[:8]
    # The end of a long test name distinguishes it from others.
    return f"{readable[-_LONGEST_NAME:]}-{digest}".lstrip("-.")


def _encode(lines: Iterable[str]) -> bytes:
    """Return the lines as UTF-8, the last 5 MB of them."""
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    return _cap(text[-MOST_BYTES:], left_out=len(text) - MOST_BYTES)


def _slice(log: Path, offset: int) -> bytes:
    """Return the part of `log` after its first `offset` bytes, at most the last 5 MB of it."""
    content, left_out = emulator_log.since(log, offset, most=MOST_BYTES)
    return _cap(content, left_out=left_out)


def _cap(content: bytes, *, left_out: int) -> bytes:
    """Return the content below a line that says how much is missing before it, if any."""
    return content if left_out <= 0 else f"[{left_out} bytes before this are left out]\n".encode() + content


def _function_log(read: LogReader, function: str) -> bytes:
    return _encode(map(format_record, read(function)))


def format_record(event: LogEvent) -> str:
    """Return a record of a log as a line that begins with its time, in UTC."""
    moment = datetime.fromtimestamp(event.at, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{moment} {event.message.rstrip()}"


def _plain(line: str) -> str:
    """Return a line of Terraform as a person reads it: an event's message, with the detail of an error."""
    try:
        event = json.loads(line)
        moment, message = str(event["@timestamp"]), str(event["@message"])
    except (ValueError, LookupError, TypeError):
        return line
    detail = str((event.get("diagnostic") or {}).get("detail") or "")
    return "\n  ".join([f"{moment} {message}", *detail.splitlines()])
