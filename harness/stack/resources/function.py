"""Lambda functions and log groups."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from harness.aws import outbox
from harness.aws.logs import group_events, lines_of_test
from harness.aws.metrics import totals
from harness.errors import NotReachedError
from harness.functions import handlers
from harness.stack.hops.function import parse_json
from harness.stack.resources.lookup import View
from harness.values import Sent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from harness.aws.logs import LogEvent
    from harness.values import Acted


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeResult:
    """The answer of a function.

    Attributes:
        payload: The returned JSON value, or the fields of the error. A text if it is no JSON, which a
            `bootstrap` may return.
        error_type: The type of the error. Empty if the function succeeded.
        error_message: The message of the error. Empty if the function succeeded.
        log_tail: The last lines of the log, if the backend returns them.
        request_id: The id of the request.
        sent: The invocation, for `Deployment.trace`.
    """

    payload: Any
    error_type: str
    error_message: str
    log_tail: str
    request_id: str
    sent: Sent


class _Logged(View):
    __slots__ = ()
    interval = 0.5

    @property
    def log_group(self) -> str:
        raise NotImplementedError

    def logs(self, *, since: datetime | None = None) -> list[str]:
        """Return the log lines since a moment, oldest first.

        By default it returns all lines, and an empty list if nothing has been logged yet.
        """
        return [event.message.rstrip("\n") for event in self._events(since)]

    def wait_for_log(
        self,
        pattern: str,
        *,
        timeout: float = 30.0,
        since: datetime | None = None,
        of: Acted | None = None,
    ) -> str:
        """Wait for a line that the regular expression `pattern` matches, and return the line.

        Args:
            pattern: The regular expression.
            timeout: Seconds until giving up.
            since: The earliest time of the line, with a time zone. By default the line may be older than the
                test.
            of: The event or message that should cause the line. By default, everything that the test has
                sent. The wait ends early once it is lost.

        Raises:
            NotReachedError: No line matched in time. `last` has the lines since the test began.
        """
        log: list[LogEvent] = []

        def events() -> list[LogEvent]:
            log[:] = self._events(since)
            return log

        what = f"a line like {pattern!r} in the log group {self.log_group}"
        try:
            self._wait(
                events,
                until=lambda events: any(re.search(pattern, event.message) for event in events),
                what=what,
                timeout=timeout,
                of=of,
            )
        except NotReachedError as problem:
            shown, waited = lines_of_test(log), problem.timeout
            raise NotReachedError(what, timeout=waited, last=shown, reason=problem.reason) from None
        return next(event.message.rstrip("\n") for event in log if re.search(pattern, event.message))

    def wait_for_metric(
        self,
        name: str,
        *,
        minimum: float = 1.0,
        dimensions: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        since: datetime | None = None,
        of: Acted | None = None,
    ) -> float:
        """Wait for a metric in CloudWatch's embedded metric format, and return the sum of its values.

        Args:
            name: The metric's name.
            minimum: The smallest sum to wait for.
            dimensions: All dimensions of the metric. By default any, and the largest sum counts.
            timeout: Seconds until giving up.
            since: The earliest time of the lines, with a time zone. By default they may be older than the
                test.
            of: The event or message that should cause the metric. By default, everything that the test has
                sent. The wait ends early once it is lost.

        Raises:
            NotReachedError: The sum was not reached in time. `last` has the sums of all metrics in the log.
        """
        seen = self._wait(
            lambda: totals(self.logs(since=since)),
            until=lambda seen: seen.of(name, dimensions) >= minimum,
            what=f"metric {name} of at least {minimum:g} in the log group {self.log_group}",
            timeout=timeout,
            of=of,
        )
        return seen.of(name, dimensions)

    def _events(self, since: datetime | None) -> list[LogEvent]:
        start = since.timestamp() if since else 0.0
        return group_events(self.client("logs"), self.log_group, since=start)


class LogGroup(_Logged):
    """A log group: read its lines, or wait for one."""

    __slots__ = ()

    @property
    def log_group(self) -> str:
        """The log group's name."""
        return str(self.resource.values["name"])


class Function(_Logged):
    """A function: invoke it, read its log, or wait for a line of the log."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The function's name."""
        return str(self.resource.values["function_name"])

    @property
    def log_group(self) -> str:
        """The log group of the function: its configured one, else Lambda's default."""
        (config, *_) = self.resource.values.get("logging_config") or [{}]
        return str(config.get("log_group") or f"/aws/lambda/{self.name}")

    def invoke(self, payload: object = None, *, qualifier: str = "") -> InvokeResult:
        """Invoke the function with a JSON value, `{}` by default, and wait for its answer.

        A failed function answers too. Look at `error_type`.

        Args:
            payload: The event.
            qualifier: An alias or a version. By default, the latest code.
        """
        answer, sent = self._invoke(payload, qualifier, LogType="Tail")
        text = answer["Payload"].read().decode(errors="replace")
        result = _result(answer, parse_json(text) if text else None, replace(sent, is_answered=True))
        error = ": ".join(filter(None, [result.error_type, result.error_message]))
        outbox.remember_answer(outbox.Answered(function=self.name, request_id=result.request_id, error=error))
        return result

    def invoke_later(self, payload: object = None, *, qualifier: str = "") -> Sent:
        """Invoke the function asynchronously, and return the invocation for `Deployment.trace`.

        If the function fails, Lambda retries, and then sends the event to its destination or dead-letter
        queue.

        Args:
            payload: The event: a JSON value, `{}` by default.
            qualifier: An alias or a version. By default, the latest code.
        """
        answer, sent = self._invoke(payload, qualifier, InvocationType="Event")
        answer["Payload"].read()  # it is empty, and until then the connection is not free
        return self._remember(sent, sent.at)

    def run_here(self, payload: object = None, *, sources: Sequence[Path] = ()) -> Any:  # noqa: ANN401 - a handler returns anything
        """Run the function's handler in this process, and return its result.

        The handler gets the function's environment variables. Breakpoints and coverage.py work without any
        set-up. It has the permissions of the harness and no time limit. This works only for functions in
        Python.

        Args:
            payload: The event, `{}` by default.
            sources: The directories to import its modules from, ahead of `sys.path`.

        Raises:
            HarnessError: The function is not in Python, or its handler isn't found.
            Exception: Whatever the handler raises.
        """
        config = self.client("lambda").get_function_configuration(FunctionName=self.name)
        return handlers.run(self.stack.endpoint, config, {} if payload is None else payload, sources)

    def _invoke(self, payload: object, qualifier: str, **how: str) -> tuple[Any, Sent]:
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
