"""Check who may invoke a function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.errors import ExpectationError
from harness.stack.assertions.expect import retry_until_passes
from harness.stack.assertions.policies import Request, allowed_by, as_list, statement_id, statements

if TYPE_CHECKING:
    from harness.stack.assertions.policies import Policy, Statement
    from harness.stack.deployment import Deployment

_INVOKE = "lambda:InvokeFunction"


def assert_invokable(
    deployment: Deployment,
    function: str,
    *,
    by_service: str,
    source_arn: str,
    source_account: str = "",
    timeout: float = 5.0,
) -> None:
    """Check that a function's policy lets a service invoke it on behalf of a resource.

    The policy is judged, not tried: emulators let any service call any function.

    Args:
        deployment: The stack.
        function: The function's name or ARN, followed by a colon and the alias or version if the caller uses
            one.
        by_service: The service, such as `events.amazonaws.com`.
        source_arn: The ARN of the resource, such as a rule's.
        source_account: The resource's account. By default the one in its ARN.
        timeout: Seconds that a new permission may take to show.

    Raises:
        ExpectationError: The policy does not permit it. The error lists its permissions.
        PolicyError: The policy has a part that cannot be judged here.
    """
    account = source_account or source_arn.split(":")[4]
    context = {"aws:SourceArn": source_arn} | ({"aws:SourceAccount": account} if account else {})

    def check() -> None:
        resource, policy = _function_policy(deployment, function)
        request = Request(action=_INVOKE, resource=resource, service=by_service, context=context)
        if not allowed_by(policy, request):
            grants = [_format(each) for each in statements(policy) if each["Effect"] == "Allow"]
            raise ExpectationError(
                f"policy of {function}",
                expected=f"{_INVOKE} by {by_service} for {source_arn}",
                got=grants or "no permission",
            )

    retry_until_passes(check, timeout=timeout)


def _function_policy(deployment: Deployment, function: str) -> tuple[str, Policy]:
    """Return the ARN of a function, alias or version included, and its policy, which may be empty."""
    client = deployment.client("lambda")
    name, _, qualifier = function.rpartition(":function:")[2].partition(":")
    qualified = {"Qualifier": qualifier} if qualifier else {}
    try:
        arn = client.get_function_configuration(FunctionName=name)["FunctionArn"]
    except client.exceptions.ResourceNotFoundException as problem:
        raise ExpectationError("function to invoke", expected=function, got=str(problem)) from None
    try:
        policy: Policy = json.loads(client.get_policy(FunctionName=name, **qualified)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        policy = {}
    return ":".join([arn, *qualified.values()]), policy


def _format(statement: Statement) -> str:
    actions, condition = ", ".join(as_list(statement.get("Action", "*"))), statement.get("Condition")
    when = f" if {json.dumps(condition)}" if condition else ""
    return f"{statement_id(statement)}: {actions} by {json.dumps(statement.get('Principal'))}{when}"
