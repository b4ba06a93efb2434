"""The cause of a test's failure, in one line, as a person would put it after reading the whole report."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.base.gate import REFUSED
from harness.stack import hops
from harness.stack.hops import Hop

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.aws.logs import Invocation
    from harness.aws.outbox import Answered
    from harness.aws.rest import Request
    from harness.stack.hops import Trace

_WIDEST = 400
_LONG_LIST = re.compile(r'\[(?:"[^"\]]*"[ ,]*){6,}\]')  # such as all runtimes that a provider knows
# How the provider introduces an emulator's refusal: https://pkg.go.dev/github.com/aws/smithy-go#OperationError
_OF_A_CALL = re.compile(
    r"operation error [^:]+: \w+, https response error StatusCode: \d+, RequestID: [^,]*, "
    r"(?:HostID: [^,]*, )?(?:api error )?"
)
_SERVER_ERRORS = 500  # and above: the status of an answer after an error of the API itself
_CLOCKS_DIFFER = 1.0  # seconds
_SERVED_AT = re.compile(
    r"^/_aws/execute-api/[^/]+(?:/\$default(?=/|$))?"
)  # an emulator's path before that of the API
_REQUEST = re.compile(r"^request \S+: ")  # its id differs from test to test, and the cause may be the same
_CLASS = re.compile(r"^(?:harness\.errors\.\w+|Failed): ")  # the message is complete without it
# Errors of the test itself, independent of its events. An attribute of None may be missing because no answer
# came.
_MISTAKE = re.compile(
    r"(NameError|UnboundLocalError|ImportError|ModuleNotFoundError): "
    r"|AttributeError: (?!'NoneType')"
    r"|harness\.errors\.(ResourceError|OutputError): "
)
# A line of the project's own has a relative path. The last is the innermost in Python, the first
# in Node.
_PYTHON = re.compile(r'File "([^"/<][^"]*)", line (\d+)')
_AT_END = re.compile(r" \(([^()]+:\d+)\)$")
_NODE = re.compile(r"^\s*at (?:.*\()?([^\s(/<:][^\s(:]*):(\d+):\d+\)?$", re.MULTILINE)


def cause_of(said: str, traces: Iterable[Trace], refused: Sequence[str], answer: Hop | None = None) -> str:
    """Return why a test failed.

    Args:
        said: The error that the test itself ended with.
        traces: How far its events came, the latest first.
        refused: The requests that the gate refused during the test.
        answer: The hop behind the last answer of the API, or of a function.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if refused:
        return _line(f"{REFUSED}: {refused[0]}")
    if refusal := next((line for line in lines if line.startswith(REFUSED)), None):
        return _line(refusal)
    if lines and _MISTAKE.match(lines[0]):
        return _whole(lines)
    if stopped := next(filter(None, (hops.failure_in(trace.hops) for trace in traces)), None):
        return _of_hop(stopped)
    if answer:
        return _of_hop(answer)
    return _whole(lines or ["no reason was given"])


def _whole(lines: Sequence[str]) -> str:
    """Return the first line, with the next if it only announces that."""
    first, *rest = lines
    whole = f"{first} {rest[0]}" if first.endswith(":") and rest else first
    return _line(_CLASS.sub("", whole))


def place_of(cause: str) -> str:
    """Return the place at the end of a cause, as `file:line`, or an empty text."""
    match = _AT_END.search(cause)
    return match[1] if match else ""


def is_server_error(requests: Sequence[Request]) -> bool:
    """Return whether the last request of a test was answered by 5xx."""
    return bool(requests) and requests[-1].status >= _SERVER_ERRORS


def hop_of_server_error(request: Request, attempts: Iterable[Invocation]) -> Hop:
    """Return the hop behind a 5xx, with the error of the function that ran during the request.

    Args:
        request: The request.
        attempts: The invocations of the stack's functions.
    """
    begun, ended = request.begun - _CLOCKS_DIFFER, request.begun + request.seconds + _CLOCKS_DIFFER
    meanwhile = [attempt for attempt in attempts if begun <= attempt.begun <= ended]
    failed = next((attempt for attempt in meanwhile if attempt.failure), None)
    complaint = next((attempt.complaint for attempt in meanwhile if attempt.complaint), ())
    lines = [failed.error, *failed.failure] if failed else [*complaint] or ["no function logged an error"]
    path = _SERVED_AT.sub("", urlsplit(request.url).path) or "/"
    name = f"{request.method} {path} answered {request.status}"
    return Hop(name=name, state="failed", seen="\n".join(lines))


def hop_of_error(answered: Answered, attempts: Iterable[Invocation]) -> Hop:
    """Return the hop behind the error with which a function answered a test.

    Args:
        answered: The answer.
        attempts: The invocations of the stack's functions.
    """
    logged = (attempt.failure for attempt in attempts if attempt.request_id == answered.request_id)
    lines = [answered.error, *next(logged, ())]
    return Hop(name=f"function {answered.function} answered", state="failed", seen="\n".join(lines))


def group(causes: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the tests that share each cause, in the order in which they failed.

    Args:
        causes: Test and cause of each failure.
    """
    found: dict[str, list[str]] = {}
    for test, cause in causes:
        found.setdefault(cause, []).append(test)
    return found


def _of_hop(hop: Hop) -> str:
    first = hop.seen.partition("\n")[0]
    places = [*_NODE.findall(hop.seen)[:1], *_PYTHON.findall(hop.seen)[-1:]]
    ending = "".join(f" ({file}:{line})" for file, line in places)
    return _line(f"{hop.name}: {_REQUEST.sub('', first)}") + ending


def _line(text: str) -> str:
    text = _OF_A_CALL.sub("", _LONG_LIST.sub("[…]", text))
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
