"""A state machine of Step Functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.base.polling import eventually
from harness.errors import ExpectationError
from harness.resources.lookup import View

if TYPE_CHECKING:
    from collections.abc import Mapping

_FAILURES = ("Failed", "TimedOut", "Aborted")  # how the types of a history's events of failure end


class StateMachine(View):
    """A state machine: run it to its end."""

    __slots__ = ()

    @property
    def arn(self) -> str:
        """The state machine's ARN."""
        return str(self.resource.values["arn"])

    def run(self, given: object = None, *, timeout: float = 60.0) -> Any:  # noqa: ANN401 - any JSON value
        """Run a standard state machine with a JSON value, `{}` by default, and return its output.

        Raises:
            ExpectationError: It did not succeed; `got` has the status, the state that failed, and the cause.
            NotReachedError: It was still running after `timeout` seconds.
        """
        states = self.client("stepfunctions")
        text = json.dumps({} if given is None else given)
        execution = states.start_execution(stateMachineArn=self.arn, input=text)["executionArn"]
        ended = eventually(
            lambda: states.describe_execution(executionArn=execution),
            until=lambda seen: seen["status"] not in {"RUNNING", "PENDING_REDRIVE"},
            what=f"the end of {execution}",
            timeout=timeout,
        )
        if ended["status"] != "SUCCEEDED":
            got = {"status": ended["status"], **_why(states, execution)}
            raise ExpectationError(f"execution {execution}", expected="SUCCEEDED", got=got)
        return json.loads(ended.get("output") or "null")


def _why(states: Any, execution: str) -> dict[str, str]:  # noqa: ANN401 - a boto3 client
    """Return the first failure of an execution's history that ended it: state, error and cause."""
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    state, found = "", dict[str, str]()
    for event in (event for page in pages for event in page["events"]):
        state = event.get("stateEnteredEventDetails", {}).get("name", state)
        if event["type"].endswith(_FAILURES):
            found = {"state": state} | _details(event) if _details(event) else found
    return found


def _details(event: Mapping[str, Any]) -> dict[str, str]:
    details: Mapping[str, Any] = next(
        (value for name, value in event.items() if name.endswith("EventDetails")), {}
    )
    return {name: details[name] for name in ("error", "cause") if details.get(name)}
