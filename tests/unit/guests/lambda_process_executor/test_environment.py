# ruff: noqa: ANN401 # keyword arguments and JSON have any type
from __future__ import annotations

from pathlib import Path
from typing import Any

from lambda_process_executor.environment import Surroundings, function_environment
from lambda_process_executor.view import View


def around(**changes: Any) -> Surroundings:
    usual: dict[str, Any] = {
        "runtime": "python3.13",
        "view": View(code=Path("/code"), layers=Path("/layers"), tmp=Path("/scratch")),
        "endpoint_host": "10.0.0.5",
    }
    return Surroundings(**{**usual, **changes})


def test_variables_of_lambda_and_of_the_function_pass() -> None:
    given = {"AWS_REGION": "eu-north-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 128, "BUCKET": "b"}

    environment = function_environment(given, {"BUCKET": "b"}, around())

    assert environment["AWS_REGION"] == "eu-north-1"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "128"
    assert environment["BUCKET"] == "b"


def test_what_is_internal_to_localstack_does_not() -> None:
    given = {"LOCALSTACK_RUNTIME_ID": "x", "LOCALSTACK_HOSTNAME": "10.0.0.5"}

    environment = function_environment(given, {}, around())

    assert "LOCALSTACK_RUNTIME_ID" not in environment
    assert environment["LOCALSTACK_HOSTNAME"] == "10.0.0.5"


def test_the_machine_adds_a_minimum() -> None:
    environment = function_environment({}, {}, around())

    assert environment.pop("AWS_SDK_UA_APP_ID").startswith("lambda-environment-")
    assert environment == {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/layers/bin",
        "LD_LIBRARY_PATH": "/code:/code/lib:/layers/lib",
        "LANG": "C.UTF-8",
        "HOME": "/scratch",
        "TMPDIR": "/scratch",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBDA_TASK_ROOT": "/code",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    }


def test_a_proxy_is_given_in_both_cases_and_spares_this_machine() -> None:
    environment = function_environment({}, {}, around(proxy="http://127.0.0.1:9"))

    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        assert environment[name] == "http://127.0.0.1:9"
    for name in ("NO_PROXY", "no_proxy"):
        assert environment[name] == "127.0.0.1,localhost,10.0.0.5"


def test_a_gate_is_told_the_function_and_leads_to_localstack_s_usual_port() -> None:
    gate = around(proxy="http://127.0.0.1:9", gate="http://127.0.0.1:4000", function="my function")
    environment = function_environment({"LOCALSTACK_HOSTNAME": "10.0.0.5"}, {}, gate)

    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        assert environment[name] == "http://my%20function:-@127.0.0.1:4000"
    for name in ("NO_PROXY", "no_proxy"):
        assert environment[name] == "127.0.0.1,10.0.0.5"
    assert environment["LOCALSTACK_HOSTNAME"] == "localhost"


def test_the_function_s_own_variables_win_but_not_over_the_runtime_s() -> None:
    own = {"PATH": "/mine", "HTTPS_PROXY": "http://mine", "LAMBDA_TASK_ROOT": "/mine"}

    environment = function_environment(own, own, around(proxy="http://127.0.0.1:9"))

    assert environment["PATH"] == "/mine"
    assert environment["HTTPS_PROXY"] == "http://mine"
    assert environment["LAMBDA_TASK_ROOT"] == "/code"
