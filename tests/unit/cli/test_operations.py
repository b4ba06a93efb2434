from __future__ import annotations

import io
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import Endpoint, HarnessError, SettingsError
from harness.cli import operations
from harness.values import Resource

if TYPE_CHECKING:
    from pathlib import Path

    from harness.stack.deployment import Deployment


def stack(*resources: tuple[str, dict[str, Any]]) -> Deployment:
    """Return a stack with these resources, given by type and attributes."""
    held = [Resource(address=f"{kind}.it", type=kind, values=values) for kind, values in resources]
    return cast(
        "Deployment",
        SimpleNamespace(
            endpoint=Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1"),
            resources=lambda kind="": [each for each in held if kind in {"", each.type}],
        ),
    )


def test_what_can_be_set_off_is_told_with_its_command() -> None:
    queue = {"name": "q", "url": "http://q", "arn": "arn:aws:sqs:eu-west-1:000000000000:q"}
    deployment = stack(
        ("aws_sqs_queue", queue),
        ("aws_cloudwatch_event_rule", {"name": "daily", "event_pattern": None}),
        ("aws_cloudwatch_event_rule", {"name": "wanted", "event_pattern": "{}"}),
        ("aws_lambda_function", {"function_name": "greet"}),
        ("aws_s3_bucket", {"bucket": "b"}),
    )

    assert operations.ways_in(deployment) == {
        "function greet": "harness invoke greet '{}'",
        "queue q": (
            "aws --endpoint-url http://127.0.0.1:1 --region eu-west-1 "
            "sqs send-message --queue-url http://q --message-body '{}'"
        ),
        "rule wanted": "harness fire --rule wanted",
    }


def test_an_event_is_json_or_a_file_or_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "event.json").write_text('{"from": "file"}', "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO('{"from": "stdin"}'))

    assert operations.event_of('{"a": 1}') == {"a": 1}
    assert operations.event_of(str(tmp_path / "event.json")) == {"from": "file"}
    assert operations.event_of("-") == {"from": "stdin"}
    for wrong in ("event.json", "{", str(tmp_path)):
        with pytest.raises(SettingsError, match="EVENT: expected JSON, the path of a file with JSON"):
            operations.event_of(wrong)


def test_the_only_function_needs_no_name() -> None:
    one, two = (
        ("aws_lambda_function", {"function_name": "a"}),
        ("aws_lambda_function", {"function_name": "b"}),
    )

    assert operations.function(stack(one), "") == "a"
    assert operations.function(stack(one, two), "b") == "b"
    for deployment, told in ((stack(one, two), "one of a, b"), (stack(), "a stack with a function")):
        with pytest.raises(SettingsError, match=told):
            operations.function(deployment, "")


def test_an_invocation_that_failed_is_found_again_or_the_one_of_a_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deployment = stack(
        ("aws_lambda_function", {"function_name": "a"}),
        ("aws_lambda_function", {"function_name": "b"}),
    )
    deployment.endpoint = replace(deployment.endpoint, log=tmp_path / "log")  # type: ignore[misc]
    with pytest.raises(HarnessError, match=r"an invocation that has failed .* found none"):
        operations.again(deployment, "a")

    folder = tmp_path / "events"
    folder.mkdir()
    for number, (name, error) in enumerate([("b", ""), ("a", "KeyError"), ("a", ""), ("other", "KeyError")]):
        fields = {"function": name, "request_id": f"r{number}", "error": error, "event": f"[{number}]"}
        (folder / f"{number}.json").write_text(json.dumps(fields), "utf-8")

    caplog.set_level("INFO")
    assert operations.again(deployment, "") == ("a", [1])
    assert caplog.messages == ["repeating the request r1 of a"]
    assert operations.again(deployment, "b", "r0") == ("b", [0])
    with pytest.raises(HarnessError, match="expected the request r3 among the latest of a, b, found none"):
        operations.again(deployment, "", "r3")


def test_a_dashboard_is_that_of_the_emulator_that_has_one() -> None:
    def at(backend: str) -> Endpoint:
        return Endpoint(backend=backend, url="http://127.0.0.1:4566", region="eu-north-1")

    assert operations.dashboard(at("localemu")) == "http://127.0.0.1:4566/_localemu/dashboard"
    for backend in ("ministack", "package:own"):
        with pytest.raises(HarnessError, match=f"the backend {backend} has no dashboard; localemu has one"):
            operations.dashboard(at(backend))
