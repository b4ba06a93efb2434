"""What a test leaves to look at, in a folder of its own: the logs of its time, how far its events came."""

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

from harness import hops
from harness.aws.logs import log_events
from harness.base import emulator_log
from harness.terraform import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from harness.aws.logs import LogEvent
    from harness.deployment import Deployment
    from harness.hops import Trace
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
    """What is known of a test from its beginning on.

    Attributes:
        folder: Where its files go; it is made when there is one.
        begun: Seconds since the epoch.
        offsets: How long the emulator's log was at the beginning, in bytes, by its file.
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
        """Write what there is by now, and return the test's files; never raise.

        Another call writes what has come since too; what it is not given anything for stays as it is.

        Args:
            endpoint: Whose emulator's log to keep; none where the deployment says it, or there is none.
            deployment: Where the functions' logs are.
            functions: The names of the functions.
            traces: How far the test's events came.
            read: What reads a function's log, if it has been read before.
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
        """Write what `read` returns, if it is anything, and return what went wrong."""
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
    """Note where the logs stand, and listen to Terraform while the context is open.

    Args:
        folder: Where the test's files are to go.
        endpoint: Where the test runs, if that is known; the log of one that starts later is kept whole.
    """
    offsets = {endpoint.log: emulator_log.size(endpoint.log)} if endpoint and endpoint.log else {}
    begun = Recording(folder=folder, begun=time.time(), offsets=offsets)
    with commands.PRINTED.heard_by(begun.terraform.append):
        yield begun


@contextmanager
def recorded(
    folder: Path, *, deployment: Deployment, functions: Collection[str] | None = None
) -> Iterator[Recording]:
    """Keep in `folder` what is logged while the context is open: for programs without pytest.

    Args:
        folder: Where the files go.
        deployment: Whose logs.
        functions: The names of its functions; all of the stack's by default, which Terraform is asked for.
    """
    names = function_names(deployment) if functions is None else functions
    with recording(folder, endpoint=deployment.endpoint) as begun:
        try:
            yield begun
        finally:
            begun.keep(deployment=deployment, functions=names)


def function_names(deployment: Deployment) -> tuple[str, ...]:
    """Return the names of the stack's functions; none where Terraform can't tell them.

    Ask once and keep the answer: it takes a second.
    """
    try:
        found = deployment.resources("aws_lambda_function")
        return tuple(sorted(str(function.values["function_name"]) for function in found))
    except Exception:  # noqa: BLE001 - artifacts must not fail a run
        return ()


def log_reader(deployment: Deployment, since: float) -> LogReader:
    """Return what reads the log of a function from a moment on, in seconds since the epoch: each log once."""

    @cache
    def read(function: str) -> list[LogEvent]:
        return log_events(deployment.client("logs"), function, since=since)

    return read


def log_name(function: str) -> str:
    """Return the name of the file of a function's log."""
    return f"lambda-{function}.log"


def mtime_of(file: Path) -> float:
    """Return when a file has last changed, in seconds since the epoch; 0 if there is none."""
    return file.stat().st_mtime if file.exists() else 0.0


def folder_name(test_id: str) -> str:
    """Return the name of a test's folder: any file system takes it, and no other test has it."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", test_id).strip("-.")
    digest = hashlib.sha256(test_id.encode("utf-8", "replace")).hexdigest()[:8]
    # What tells tests of a long name apart stands at its end.
    return f"{readable[-_LONGEST_NAME:]}-{digest}".lstrip("-.")


def _encode(lines: Iterable[str]) -> bytes:
    """Return the lines as UTF-8, the last 5 MB of them."""
    text = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
    return _cap(text[-MOST_BYTES:], left_out=len(text) - MOST_BYTES)


def _slice(log: Path, offset: int) -> bytes:
    """Return what was written into `log` after its first `offset` bytes, the last 5 MB of it."""
    content, left_out = emulator_log.since(log, offset, most=MOST_BYTES)
    return _cap(content, left_out=left_out)


def _cap(content: bytes, *, left_out: int) -> bytes:
    """Return the content, under a line that says how much is missing before it, if anything is."""
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
