"""The requests to APIs that a log has, and what they show of what they took."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.coverage.levels import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.aws.calls import Call
    from harness.values import Resource

type Values = Mapping[str, Any]
type Takes = Callable[[Values, Request, Sequence[Resource]], bool]  # a part, given the resources around it

ERRORS = 400
_ARN = re.compile(
    r"arn:aws:execute-api:[^:]*:[^:]*:(?P<api>[^/]+)/(?P<stage>[^/]+)/(?P<method>[^/]+)(?P<path>/.*)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to an API, with its caller and the status of its answer."""

    api: str
    stage: str
    method: str
    path: str
    by: str
    status: int


def requests_in(calls: Sequence[Call]) -> set[Request]:
    """Return the requests to APIs, each once however often it was made."""
    made = (
        (call, _ARN.fullmatch("".join(call.resources[:1]))) for call in calls if call.service == "execute-api"
    )
    return {Request(**told.groupdict(), by=call.by, status=call.status) for call, told in made if told}


def takes_anything(_values: Values, _request: Request, _resources: Sequence[Resource]) -> bool:
    """Return true: an API takes each request to it."""
    return True


def judge_by(requests: Iterable[Request], takes: Callable[[Request], bool]) -> tuple[Level, str]:
    """Return the highest level that the requests show of what takes some of them, and why."""
    best = (Level.CREATED, "no test and no function has called it")
    for request in requests:
        if takes(request):
            why = f"{request.method} {request.path} by {request.by}: {request.status}"
            best = max(best, (_level(request), why), key=lambda each: each[0])
    return best


def _level(request: Request) -> Level:
    """A test that got an answer has read the API's result. A request of an unknown caller does not count."""
    if request.by.startswith("test:"):
        return Level.ASSERTED if request.status < ERRORS else Level.USED
    return Level.USED if request.by.startswith("function:") else Level.UNKNOWN
