"""Functions of Lambda, and log groups."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.aws import outbox
from harness.aws.logs import group_events
from harness.base.polling import eventually
from harness.resources.lookup import View
from harness.values import Sent

if TYPE_CHECKING:
    from datetime import datetime

_INTERVAL = 0.5  # seconds between two looks at a log


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeResult:
    """The answer of a function.

    Attributes:
        payload: What it returned, as the JSON value that it is; the error's fields if it failed.
        error_type: The type of the error; empty if it went well.
        error_message: The message of the error; empty if it went well.
        log_tail: The last lines of its log, if the backend gives them.
        request_id: The id of the request.
        sent: What it was invoked with, as `Deployment.trace` takes it.
    """

    payload: Any
    error_type: str
    error_message: str
    log_tail: str
    request_id: str
    sent: Sent


class _Logged(View):
    __slots__ = ()

    @property
    def log_group(self) -> str:
        raise NotImplementedError

    def logs(self, *, since: datetime | None = None) -> list[str]:
        """Return the lines since a moment, all by default, oldest first; none if nothing has logged yet."""
        start = since.timestamp() if since else 0.0
        events = group_events(self.client("logs"), self.log_group, since=start)
        return [event.message.rstrip("\n") for event in events]

    def wait_for_log(self, pattern: str, *, timeout: float = 30.0, since: datetime | None = None) -> str:
        """Wait for a line in which the regular expression `pattern` is found, and return the line.

        Raises:
            NotReachedError: There was none within `timeout` seconds; `last` has the lines that were there.
        """
        lines = eventually(
            lambda: self.logs(since=since),
            until=lambda lines: any(re.search(pattern, line) for line in lines),
            what=f"a line like {pattern!r} in the log group {self.log_group}",
            timeout=timeout,
            interval=_INTERVAL,
        )
        return next(line for line in lines if re.search(pattern, line))


class LogGroup(_Logged):
    """A log group: read its lines, wait for one."""

    __slots__ = ()

    @property
    def log_group(self) -> str:
        """The log group's name."""
        return str(self.resource.values["name"])


class Function(_Logged):
    """A function: invoke it, read its log, wait for a line of it."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.resource.values["function_name"])

    @property
    def log_group(self) -> str:
        """The log group that the function writes to: the one it names, else Lambda's own."""
        (config, *_) = self.resource.values.get("logging_config") or [{}]
        return str(config.get("log_group") or f"/aws/lambda/{self.name}")

    def invoke(self, payload: object = None, *, qualifier: str = "") -> InvokeResult:
        """Invoke the function with a JSON value, `{}` by default, and wait for its answer.

        A function that fails is an answer too: look at `error_type`.

        Args:
            payload: The event.
            qualifier: An alias or a version; the latest code by default.
        """
        answer, sent = self._invoked(payload, qualifier, LogType="Tail")
        text = answer["Payload"].read().decode()
        return _result(answer, json.loads(text) if text else None, replace(sent, is_answered=True))

    def invoke_later(self, payload: object = None, *, qualifier: str = "") -> Sent:
        """Invoke the function asynchronously, and return what it is sent, as `Deployment.trace` takes it.

        Lambda tries again what fails, and hands it to the function's destination or dead-letter queue.

        Args:
            payload: The event: a JSON value, `{}` by default.
            qualifier: An alias or a version; the latest code by default.
        """
        _, sent = self._invoked(payload, qualifier, InvocationType="Event")
        return outbox.remember(sent, sent.at)

    def _invoked(self, payload: object, qualifier: str, **how: str) -> tuple[Any, Sent]:
        text, at = json.dumps({} if payload is None else payload), time.time()
        which = {"Qualifier": qualifier} if qualifier else {}
        answer = self.client("lambda").invoke(FunctionName=self.name, Payload=text.encode(), **which, **how)
        arn = ":".join(filter(None, [str(self.resource.values["arn"]), qualifier]))
        request = str(answer["ResponseMetadata"].get("RequestId", ""))
        return answer, Sent(arn=arn, id=request, payload=text, at=at)


def _result(answer: Any, returned: Any, sent: Sent) -> InvokeResult:  # noqa: ANN401 - boto3's answer, and any JSON value
    failed = bool(answer.get("FunctionError"))
    error = returned if failed and isinstance(returned, dict) else {}
    return InvokeResult(
        payload=returned,
        error_type=str(error.get("errorType") or answer.get("FunctionError") or ""),
        error_message=str(error.get("errorMessage") or ""),
        log_tail=base64.b64decode(answer.get("LogResult", "")).decode(errors="replace"),
        request_id=sent.id,
        sent=sent,
    )
