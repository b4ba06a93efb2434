"""A failure of a function, of any kind, is visible: its log has the cause, on every backend."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from harness import Endpoint, eventually
from harness.aws import clients
from harness.aws.logs import Invocation, invocations, log_events
from harness.base.emulator_log import complaints_since, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAYS = {
    "a module that is not there": ("import nowhere_to_be_found", "No module named 'nowhere_to_be_found'"),
    "a mistake in the syntax": ("def handler(event, context)\n    return 1", "expected ':'"),
    "an error at its import": ("raise RuntimeError('broken at once')", "broken at once"),
    "an error of the handler": ("def handler(*_):\n    raise KeyError('size')", "size"),
    "a handler that is not there": ("def another(*_):\n    return 1", "handler"),
    "an answer that is no JSON": ("def handler(*_):\n    return object()", "not JSON serializable"),
    "too much time": ("import time\ndef handler(*_):\n    time.sleep(30)", "timed out"),
    "its process ending": ("import os\ndef handler(*_):\n    os._exit(3)", "exit|died"),
}


@pytest.fixture(autouse=True)
def _on_an_emulator(endpoint: Endpoint) -> None:
    if endpoint.is_aws:
        pytest.skip("nothing is created on real AWS beside the stack")


@pytest.fixture
def failing(endpoint: Endpoint) -> Iterator[Callable[[str], str]]:
    """Return a function that makes a Lambda function of a program, and returns its name."""
    lambdas, iam = clients.client(endpoint, "lambda"), clients.client(endpoint, "iam")
    name = f"fails-{uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]

    def create(program: str) -> str:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", program)
        lambdas.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="app.handler",
            Role=role,
            Timeout=3,
            Code={"ZipFile": code.getvalue()},
        )
        eventually(
            lambda: lambdas.get_function_configuration(FunctionName=name)["State"],
            until="Active".__eq__,
            what="the function to be active",
        )
        return name

    yield create
    lambdas.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize("way", WAYS)
def test_the_log_tells_why_a_function_failed(
    endpoint: Endpoint, failing: Callable[[str], str], way: str
) -> None:
    program, cause = WAYS[way]
    function = failing(program)
    logs = clients.client(endpoint, "logs")

    answer = clients.client(endpoint, "lambda").invoke(FunctionName=function, Payload=b"{}")

    assert answer["FunctionError"]

    def failed() -> list[Invocation]:
        return [attempt for attempt in invocations(log_events(logs, function)) if attempt.failure]

    (attempt, *_) = eventually(failed, what="a failed invocation in the log")
    assert re.search(cause, "\n".join(attempt.failure), re.IGNORECASE)


def test_what_the_emulator_complains_of_is_in_its_log(endpoint: Endpoint) -> None:
    if endpoint.log is None:
        pytest.skip(f"the backend {endpoint.backend} keeps no log here")
    events, name, offset = clients.client(endpoint, "events"), f"lost-{uuid4().hex[:8]}", size(endpoint.log)
    account = clients.client(endpoint, "sts").get_caller_identity()["Account"]
    function = f"arn:aws:lambda:{endpoint.region}:{account}:function:{name}"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": function}])
    events.put_events(Entries=[{"Source": name, "DetailType": "lost", "Detail": "{}"}])

    told = eventually(
        lambda: [line for line in complaints_since(endpoint.log, offset) if name in line],
        what="what the emulator says of an event that can't be delivered",
    )
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)

    assert "not found" in told[0]
