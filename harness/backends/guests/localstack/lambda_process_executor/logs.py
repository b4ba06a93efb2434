"""Turn a function's output into the messages of CloudWatch Logs, with the lines that Lambda adds.

Each line of text is a message. Records of `logging` arrive from awslambdaric in frames (4 bytes type, 4 bytes
length, 8 bytes time, message), so a message may span lines. A single pipe for both keeps their order.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import SupportsIndex

FRAME_MARK = b"\xa5\x5a\x00"
FRAME_HEADER_BYTES = 16
FRAME_MAX_BYTES = 16 * 2**20


class MessageDecoder:
    """Turns the bytes of the log pipe into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._line = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Take new output, and return the messages that it completes."""
        self._bytes += data
        return list(self._messages())

    def flush(self) -> list[str]:
        """Return the incomplete rest (a line without newline, a truncated frame) as a message."""
        rest = bytes(self._line + self._bytes)
        self._line.clear()
        self._bytes.clear()
        return [_text(rest)] if rest else []

    def _messages(self) -> Iterator[str]:
        while self._bytes:
            if not self._at_frame():
                yield from self._text_up_to_frame()
                continue
            size = FRAME_HEADER_BYTES + int.from_bytes(self._bytes[4:8], "big")
            if len(self._bytes) < size:
                return
            yield _text(self._take(size)[FRAME_HEADER_BYTES:])

    def _at_frame(self) -> bool:
        """Return whether the next bytes are, or may become, a frame."""
        is_marked = FRAME_MARK.startswith(bytes(self._bytes[: len(FRAME_MARK)]))
        return is_marked and int.from_bytes(self._bytes[4:8], "big") <= FRAME_MAX_BYTES

    def _text_up_to_frame(self) -> Iterator[str]:
        mark = self._bytes.find(FRAME_MARK[:1], 1)
        text = self._take(len(self._bytes) if mark < 0 else mark)
        *lines, rest = text.split(b"\n")
        for line in lines:
            yield _text(bytes(self._line + line))
            self._line.clear()
        self._line += rest

    def _take(self, count: int) -> bytes:
        taken = bytes(self._bytes[:count])
        del self._bytes[:count]
        return taken


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").removesuffix("\n")


class LogText(str):
    r"""Log text that LocalStack splits into whole messages instead of lines.

    LocalStack stores an event for each item of `logs.split("\n")`, but on AWS a message of several lines is
    one event.
    """

    __slots__ = ("messages",)

    messages: tuple[str, ...]

    @classmethod
    def of(cls, messages: Iterable[str]) -> "LogText":
        """Join messages into a text that remembers them."""
        kept = tuple(messages)
        text = cls("".join(f"{message}\n" for message in kept))
        text.messages = kept
        return text

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]:
        """Split as `str` does, but at newlines into messages."""
        return list(self.messages) if sep == "\n" else super().split(sep, maxsplit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The content of an invocation's REPORT line. Times in seconds, memory in MB."""

    request_id: str
    duration: float
    memory_size: int
    max_memory: int
    init_duration: float | None = None
    status: str | None = None
    error_type: str | None = None

    @property
    def billed_ms(self) -> int:
        """Duration rounded up, initialisation included, as AWS bills since August 2025."""
        return math.ceil(round((self.duration + (self.init_duration or 0)) * 1000, 2))


class TextPlatform:
    """Lambda's own lines in the log format `Text`."""

    def start(self, request_id: str, version: str) -> str:
        """Return the line before the function's first."""
        return f"START RequestId: {request_id} Version: {version}"

    def end(self, request_id: str) -> str:
        """Return the line after the function's last."""
        return f"END RequestId: {request_id}"

    def report(self, report: Report) -> str:
        """Return the line that sums up."""
        parts = [
            f"REPORT RequestId: {report.request_id}",
            f"Duration: {report.duration * 1000:.2f} ms",
            f"Billed Duration: {report.billed_ms} ms",
            f"Memory Size: {report.memory_size} MB",
            f"Max Memory Used: {report.max_memory} MB",
        ]
        if report.init_duration is not None:
            parts.append(f"Init Duration: {report.init_duration * 1000:.2f} ms")
        return "\t".join([*parts, *_status(report.status, report.error_type)]) + "\t"

    def init_report(self, duration: float, status: str, error_type: str | None) -> str:
        """Return the line on an initialisation that failed after `duration` seconds."""
        parts = [f"INIT_REPORT Init Duration: {duration * 1000:.2f} ms", "Phase: init"]
        return "\t".join([*parts, *_status(status, error_type)])


class JsonPlatform:
    """Lambda's own lines in the log format `JSON`."""

    def start(self, request_id: str, version: str) -> str:
        """Return the line before the function's first."""
        return _event("platform.start", {"requestId": request_id, "version": version})

    def end(self, request_id: str) -> str:
        """Return the line after the function's last."""
        return _event("platform.runtimeDone", {"requestId": request_id})

    def report(self, report: Report) -> str:
        """Return the line that sums up."""
        metrics = {
            "durationMs": round(report.duration * 1000, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_size,
            "maxMemoryUsedMB": report.max_memory,
        }
        if report.init_duration is not None:
            metrics["initDurationMs"] = round(report.init_duration * 1000, 3)
        record = {"requestId": report.request_id, "metrics": metrics, "status": report.status or "success"}
        return _event("platform.report", record | _error_type(report.error_type))

    def init_report(self, duration: float, status: str, error_type: str | None) -> str:
        """Return the line on an initialisation that failed after `duration` seconds."""
        record = {"phase": "init", "status": status, "metrics": {"durationMs": round(duration * 1000, 3)}}
        return _event("platform.initReport", record | _error_type(error_type))


def utc_now() -> str:
    """Return the time as Lambda writes it, `2026-11-23T09:30:00.123Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _status(status: str | None, error_type: str | None) -> list[str]:
    named = {"Status": status, "Error Type": error_type}
    return [f"{name}: {value}" for name, value in named.items() if value]


def _event(kind: str, record: dict[str, object]) -> str:
    return json.dumps({"time": utc_now(), "type": kind, "record": record}, separators=(",", ":"))


def _error_type(error_type: str | None) -> dict[str, object]:
    return {"errorType": error_type} if error_type else {}
