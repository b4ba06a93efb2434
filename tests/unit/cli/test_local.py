from __future__ import annotations

import os
import sys
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import Endpoint, HarnessError
from harness.cli import local
from harness.stack.resources import Function
from harness.values import Resource

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from harness.stack.deployment import Deployment

HANDLER = """
import os

def handler(event, context):
    if event is None:
        raise KeyError("nothing")
    print("log")
    names = ("TABLE", "AWS_ENDPOINT_URL", "AWS_PROFILE")
    has_time = context.get_remaining_time_in_millis() > 1000
    return [event, context.function_name, has_time, *map(os.environ.get, names)]
"""


def stack(**config: Any) -> Deployment:  # noqa: ANN401 - Lambda's answer
    """Return a stack whose Lambda has one function."""
    known = {
        "FunctionName": "greet",
        "FunctionArn": "arn:aws:lambda:eu-north-1:000000000000:function:greet",
        "Runtime": "python3.13",
        "Handler": "local_greeter/app.handler",
        "Timeout": 3,
        "Environment": {"Variables": {"TABLE": "t"}},
    }
    client = SimpleNamespace(get_function_configuration=lambda **_: known | config)
    endpoint = Endpoint(backend="ministack", url="http://127.0.0.1:1", region="eu-north-1")
    return cast("Deployment", SimpleNamespace(endpoint=endpoint, client=lambda *_: client))


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "local_greeter").mkdir()
    (tmp_path / "local_greeter" / "app.py").write_text(HANDLER, "utf-8")
    for name in ("local_greeter", "local_greeter.app"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_the_handler_runs_here_in_its_functions_environment(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "real")
    before, path = dict(os.environ), list(sys.path)

    answer = local.invoke(stack(), "greet", {"a": 1}, [sources])

    assert answer == [{"a": 1}, "greet", True, "t", "http://127.0.0.1:1", None]
    assert (dict(os.environ), sys.path) == (before, path)
    assert capsys.readouterr() == ("", "log\n")


def test_a_test_runs_a_handler_in_its_own_process(sources: Path) -> None:
    resource = Resource(
        address="aws_lambda_function.it", type="aws_lambda_function", values={"function_name": "greet"}
    )
    function = Function(stack(), resource)

    assert function.run_here({"a": 1}, sources=[sources])[:2] == [{"a": 1}, "greet"]
    assert function.run_here()[0] == {}


def test_an_error_is_raised_as_it_is_and_can_be_debugged(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def look(trace: TracebackType) -> None:
        *_, (frame, _) = traceback.walk_tb(trace)
        seen.append(frame.f_code.co_name)

    monkeypatch.setattr("pdb.post_mortem", look)

    with pytest.raises(KeyError, match="nothing"):
        local.invoke(stack(), "greet", None, [sources])
    with pytest.raises(KeyError, match="nothing"):
        local.invoke(stack(), "greet", None, [sources], debug=True)

    assert seen == ["handler"]


def test_the_traceback_that_is_shown_is_the_handlers(
    sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BaseException, match="1"), local.own_traceback():
        local.invoke(stack(), "greet", None, [sources])

    told = capsys.readouterr().err
    assert "local_greeter/app.py" in told
    assert "harness/" not in told


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (
            {"Runtime": "nodejs22.x"},
            "greet: only a Python handler can run here, and this one is for nodejs22.x",
        ),
        (
            {"Handler": "nowhere_at_all.handler"},
            "expected the handler nowhere_at_all.handler among the sources",
        ),
        ({"Handler": "local_greeter.app.other"}, "has no attribute 'other'"),
    ],
)
def test_what_can_not_be_run_here_is_told(sources: Path, config: dict[str, str], told: str) -> None:
    with pytest.raises(HarnessError, match=told):
        local.invoke(stack(**config), "greet", {}, [sources])
