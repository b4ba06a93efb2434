"""A call, and the lines of a request log: docs/reference/request-log.md has the format."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

log = logging.getLogger(__name__)

FORMAT = "harness-request-log"
VERSION = 1
_TEXTS = ("request_id", "region", "account", "error", "source", "request", "response")
_LISTS = ("resources", "variables_read", "variables_unread")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An AWS call that an emulator has answered.

    Attributes:
        time: When it came (UTC).
        ms: How many milliseconds the answer took.
        by: The caller: `test:<node id>`, `function:<name>`, `terraform`, `harness`, `emulator` or `unknown`.
        request_id: The id of the function's invocation that made it. Empty for other callers.
        service: The service, under boto3's name, such as `s3`.
        operation: The operation, under the API's name, such as `PutObject`.
        region: The region of the call. Empty if unknown.
        account: The account of the call. Empty if unknown.
        resources: The known ARNs of the resources in the call.
        status: The HTTP status of the answer.
        error: The error code. Empty if it succeeded.
        source: The principal for whom the emulator made it: an ARN, or a service's name. Empty for any other
            caller.
        request: The body of the request, without secrets. Empty unless `request-log-bodies` is set.
        response: The body of the answer, in the same way.
        variables_read: The environment variables that a function's invocation has read, or its process at its
            start. Only those of its own configuration count.
        variables_unread: Those that its process has certainly not read so far.
    """

    time: datetime
    by: str
    service: str
    operation: str
    ms: float = 0.0
    request_id: str = ""
    region: str = ""
    account: str = ""
    resources: tuple[str, ...] = ()
    status: int = 200
    error: str = ""
    source: str = ""
    request: str = ""
    response: str = ""
    variables_read: tuple[str, ...] = ()
    variables_unread: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether the answer was no error."""
        return not self.error and self.status < 400  # noqa: PLR2004 - HTTP's

    def concerns(self, arn: str) -> bool:
        """Return whether it is about the resource with this ARN, or about something inside it."""
        return any(is_within(each, arn) for each in self.resources)

    def fits(self, *, service: str, operation: str, by: str, resource: str) -> bool:
        """Return whether it has these properties. An empty text matches everything."""
        return (
            service in {"", self.service}
            and operation in {"", self.operation}
            and by in {"", self.by}
            and (not resource or self.concerns(resource))
        )


def is_within(arn: str, outer: str) -> bool:
    """Return whether `arn` is `outer` or something inside it, which follows after a slash or a colon."""
    return arn == outer or arn.startswith((f"{outer}/", f"{outer}:"))


def calls_in(lines: Iterable[str]) -> Iterator[Call]:
    """Yield the calls in the lines of a log. An incomplete line is left out.

    Raises:
        HarnessError: The log is of a later version.
    """
    for line in lines:
        try:
            fields = json.loads(line)
        except ValueError:
            log.warning("the request log has a line that can't be read: %.80s", line)
            continue
        if isinstance(fields, dict) and "format" in fields:
            check_format(fields)
        elif isinstance(fields, dict) and (call := _call(fields)):
            yield call


def check_format(header: dict[str, Any]) -> None:
    """Check that this log has a known version.

    Raises:
        HarnessError: It has not.
    """
    if header.get("format") != FORMAT or header.get("version") != VERSION:
        expected = f"{FORMAT}, version {VERSION}"
        got = f"{header.get('format')}, version {header.get('version')}"
        raise HarnessError(f"request log: expected {expected}, got {got}; start the emulator again")


def _further(fields: dict[str, Any]) -> dict[str, Any]:
    texts = {name: str(fields.get(name, "")) for name in _TEXTS}
    return texts | {name: tuple(map(str, fields.get(name, ()))) for name in _LISTS}


def _call(fields: dict[str, Any]) -> Call | None:
    try:
        return Call(
            time=datetime.fromisoformat(fields["time"]),
            by=str(fields["by"]),
            service=str(fields["service"]),
            operation=str(fields["operation"]),
            ms=float(fields.get("ms", 0)),
            status=int(fields.get("status", 200)),
            **_further(fields),
        )
    except (KeyError, TypeError, ValueError):
        log.warning("ignoring a line of the request log that is not a call: %.80s", fields)
        return None
