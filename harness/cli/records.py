"""Log records for a person: one line per record, without Lambda's own lines."""

from __future__ import annotations

import json
import re
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from harness.aws.logs import LogEvent

_COLOURS = ("cyan", "magenta", "green", "blue", "yellow", "bright_cyan", "bright_magenta", "bright_green")
_OF_LEVELS = {"ERROR": "red", "CRITICAL": "red", "FATAL": "red", "WARNING": "yellow", "WARN": "yellow"}
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
_PLATFORM = re.compile(r'(START|END|REPORT) RequestId: |INIT_START |\{.*"type":\s*"platform\.')
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
_METRICS = re.compile(r'\{.*"_aws":\s*\{.*"CloudWatchMetrics"')
# Lambda's formats of a level and a text, from Python's logging and from the console of Node.js
_TEXTS = (
    re.compile(r"\[([A-Z]+)\]\t\S+Z\t\S*\t(.*)", re.DOTALL),
    re.compile(r"\d\S+Z\t\S*\t([A-Z]+)\t(.*)", re.DOTALL),
)
# The common fields of structured logs, which carry no message: Lambda's own, Powertools', pino's.
_USUAL = frozenset(
    {
        *("timestamp", "time", "level", "log_level", "message", "msg", "logger", "location", "service"),
        *("cold_start", "function_name", "function_memory_size", "function_arn", "function_request_id"),
        *("requestId", "AWSRequestId", "correlation_id", "xray_trace_id", "sampling_rate"),
        *("stackTrace", "stack_trace", "exception", "hostname", "pid"),
    }
)


def is_of_platform(message: str) -> bool:
    """Return whether a message is not the function's own: START, END, REPORT, or embedded metrics."""
    return bool(_PLATFORM.match(message) or _METRICS.match(message))


def line(name: str, event: LogEvent, width: int) -> str:
    """Format a record for a terminal: local time, function, level and message.

    Args:
        name: The function's name.
        event: The record.
        width: The length of the longest name.
    """
    at = datetime.fromtimestamp(event.at).astimezone().strftime("%H:%M:%S.%f")[:-3]
    level, said = _split_level(event.message.rstrip())
    first, *rest = said.splitlines() or [""]
    written = [click.style(at, dim=True)]
    written += [click.style(f"{name:<{width}}", fg=_COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)])]
    written += [click.style(f"{level:<5}", fg=_OF_LEVELS.get(level), bold=True)] if level else []
    return " ".join([*written, "\n    ".join([first, *rest])])


def _split_level(message: str) -> tuple[str, str]:
    """Return the level of a message, which may be empty, and its text."""
    if match := next(filter(None, (text.fullmatch(message) for text in _TEXTS)), None):
        return match[1], match[2]
    try:
        fields = json.loads(message) if message.startswith("{") else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or not (said := fields.get("message") or fields.get("msg")):
        return "", message
    level = str(fields.get("level") or fields.get("log_level") or "")
    more = " ".join(f"{name}={_short(value)}" for name, value in fields.items() if name not in _USUAL)
    text = f"{_short(said)} {more}".rstrip()
    return level, "\n".join([text, *_trace(fields)])


def _trace(fields: dict[str, Any]) -> list[str]:
    found = fields.get("exception") or fields.get("stackTrace") or fields.get("stack_trace") or []
    lines = found if isinstance(found, list) else [found]
    return [text for each in lines if isinstance(each, str) for text in each.rstrip().splitlines()]


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
