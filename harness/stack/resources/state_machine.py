"""Step Functions state machines."""

from __future__ import annotations

import json
import time
from typing import Any

from harness.base.polling import eventually
from harness.errors import ExpectationError
from harness.stack.hops import state_machine
from harness.stack.resources.lookup import View
from harness.values import Sent


class StateMachine(View):
    """A state machine: run it to its end."""

    __slots__ = ()

    def start(self, given: object = None) -> Sent:
        """Start an execution with a JSON value, `{}` by default, and return it for `Deployment.trace`."""
        text, at = json.dumps({} if given is None else given), time.time()
        answer = self.client("stepfunctions").start_execution(stateMachineArn=self.arn, input=text)
        return self._remember(Sent(arn=self.arn, id=str(answer["executionArn"]), payload=text, at=at), at)

    def run(self, given: object = None, *, timeout: float = 60.0) -> Any:  # noqa: ANN401 - any JSON value
        """Run a standard state machine with a JSON value, `{}` by default, and return its output.

        Raises:
            ExpectationError: The execution did not succeed. `got` has its status, the failed state, and the
                cause.
            NotReachedError: It was still running after `timeout` seconds.
        """
        states = self.client("stepfunctions")
        execution = self.start(given).id
        ended = eventually(
            lambda: states.describe_execution(executionArn=execution),
            until=lambda seen: seen["status"] not in state_machine.RUNNING,
            what=f"the end of {execution}",
            timeout=timeout,
        )
        if ended["status"] != "SUCCEEDED":
            got = {
                "status": ended["status"],
                **state_machine.failure(state_machine.history(states, execution)),
            }
            raise ExpectationError(f"execution {execution}", expected="SUCCEEDED", got=got)
        return json.loads(ended.get("output") or "null")
