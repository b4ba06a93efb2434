# ruff: noqa: ANN401 # events and results are any JSON
"""Lambda functions that a test creates without Terraform."""

from __future__ import annotations

import base64
import io
import json
import textwrap
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from harness import eventually
from harness.aws import clients

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to an invocation. `logs` is the end of the log that comes with it."""

    result: Any
    error: str | None
    logs: str
    version: str


class Function:
    """A Lambda function of a test."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        self.client = clients.client(endpoint, "lambda")
        self.name = name
        self._logs = clients.client(endpoint, "logs")

    def wait(self) -> dict[str, Any]:
        """Wait until the function is created or updated, and return its configuration."""
        return eventually(
            lambda: self.client.get_function_configuration(FunctionName=self.name),
            until=lambda seen: seen["State"] != "Pending" and seen["LastUpdateStatus"] != "InProgress",
            what=f"the end of the update of {self.name}",
        )

    def invoke(self, event: Any = None, **arguments: Any) -> Answer:
        usual = {"FunctionName": self.name, "LogType": "Tail", "Payload": json.dumps(event)}
        answer = self.client.invoke(**{**usual, **arguments})
        return Answer(
            result=json.loads(answer["Payload"].read() or "null"),
            error=answer.get("FunctionError"),
            logs=base64.b64decode(answer.get("LogResult", "")).decode(),
            version=answer.get("ExecutedVersion", ""),
        )

    def result(self, event: Any = None, **arguments: Any) -> Any:
        answer = self.invoke(event, **arguments)
        assert answer.error is None, answer
        return answer.result

    def failure(self, event: Any = None, **arguments: Any) -> dict[str, Any]:
        answer = self.invoke(event, **arguments)
        assert answer.error == "Unhandled", answer
        found: dict[str, Any] = answer.result
        return found

    def messages(self, containing: str) -> list[str]:
        """Wait until a message in CloudWatch Logs contains the text, and return all messages."""
        return eventually(
            self._messages,
            until=lambda seen: any(containing in message for message in seen),
            what=f"{containing!r} in the logs of {self.name}",
        )

    def _messages(self) -> list[str]:
        group = f"/aws/lambda/{self.name}"
        try:
            events = self._logs.filter_log_events(logGroupName=group)["events"]
        except self._logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].removesuffix("\n") for event in events]


class MakeFunction(Protocol):
    def __call__(self, source: str, **configuration: Any) -> Function: ...


@contextmanager
def functions(endpoint: Endpoint) -> Iterator[MakeFunction]:
    with ExitStack() as deleting:

        def make(source: str, **configuration: Any) -> Function:
            role = deleting.enter_context(role_that_may_do_anything(endpoint))
            made = create(endpoint, source, **{"Role": role, **configuration})
            deleting.callback(made.client.delete_function, FunctionName=made.name)
            return made

        yield make


def refusal(make: MakeFunction, **configuration: Any) -> str:
    """Return the reason why a backend can't create a function.

    Some backends refuse the call. Others report the reason in the function's state.
    """
    try:
        made = make("", **configuration)
    except ClientError as problem:
        return str(problem)
    reason = str(made.wait()["StateReason"])
    with pytest.raises(ClientError, match="state: Failed"):
        made.invoke()
    return reason


@contextmanager
def role_that_may_do_anything(endpoint: Endpoint) -> Iterator[str]:
    iam, name = clients.client(endpoint, "iam"), f"function-{uuid4().hex[:8]}"
    lambda_may_take_it = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(lambda_may_take_it))["Role"]
    anything = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    iam.put_role_policy(RoleName=name, PolicyName="anything", PolicyDocument=anything)
    try:
        yield str(role["Arn"])
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="anything")
        iam.delete_role(RoleName=name)


def document(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def create(endpoint: Endpoint, source: str, **configuration: Any) -> Function:
    """Create a function from the source of its module `app`, or from a `Code` of the API."""
    usual = {
        "FunctionName": f"executor-{uuid4().hex[:8]}",
        "Runtime": "python3.13",
        "Handler": "app.handler",
        "Role": f"arn:aws:iam::{account_of(endpoint)}:role/function",
        "Timeout": 20,
        "Code": {"ZipFile": archive({"app.py": source})},
    }
    created = clients.client(endpoint, "lambda").create_function(**{**usual, **configuration})
    made = Function(endpoint, created["FunctionName"])
    made.wait()
    return made


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of files, which are all executable."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as opened:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o755 << 16
            opened.writestr(info, textwrap.dedent(text) if isinstance(text, str) else text)
    return data.getvalue()


def account_of(endpoint: Endpoint) -> str:
    return str(clients.client(endpoint, "sts").get_caller_identity()["Account"])
