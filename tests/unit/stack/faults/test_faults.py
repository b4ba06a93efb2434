from __future__ import annotations

import json
import re
import socket
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import BackendError, Deployment, Endpoint, Settings, SettingsError
from harness.base import environments
from harness.stack import faults
from harness.stack.faults import AffectedCall, Calls, Faults, injected, proxied
from harness.values import Outputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from harness.stack.faults import Fault
    from harness.terraform.commands import Terraform

    type Entering = Callable[[Calls], AbstractContextManager[Fault]]

EMULATOR = Endpoint(backend="host", url="http://127.0.0.1:4566", region="eu-north-1")
MET = {
    "service": "s3",
    "operation": "PutObject",
    "key": "k",
    "action": "fail",
    "status": 503,
    "rule": 7,
}

# Stands in for mitmdump: notes how it was started and what it is asked, and answers as the add-on would.
SERVER = """#!{python}
import http.server, json, os, pathlib, re, sys
home = pathlib.Path({home!r})
started = dict(argv=sys.argv[1:], proxy=os.environ.get("HTTPS_PROXY"), profile=os.environ.get("AWS_PROFILE"))
(home / "started").write_text(json.dumps(started))
asked = open(home / "asked", "a", buffering=1)
class Answer(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        asked.write(json.dumps([self.command, self.path, body]) + "\\n")
        if self.path == "/_faults/rules/666":
            os._exit(3)
        status, told = 200, {{"POST /_faults/rules": 7, "GET /_faults/seen": [{met!r}]}}.get(
            self.command + " " + self.path)
        if body and body["key"] == "refused":
            status, told = 400, "no such field"
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())
    do_GET = do_POST = do_DELETE = answer
port = int(re.search(r":(\\d+)$", sys.argv[1])[1])
http.server.HTTPServer(("127.0.0.1", port), Answer).serve_forever()
"""


@dataclass(slots=True)
class FakeTerraform:
    """Remembers the variables of each apply."""

    variables: dict[str, str] = field(default_factory=dict)
    applied: list[dict[str, str]] = field(default_factory=list)

    def apply(self, **variables: str) -> None:
        self.applied.append(variables)


@dataclass(slots=True)
class FakeLambda:
    """A client of Lambda with the reserved concurrency of one function."""

    reserved: int | None

    def get_function_concurrency(self, **_: str) -> dict[str, int]:
        return {} if self.reserved is None else {"ReservedConcurrentExecutions": self.reserved}

    def put_function_concurrency(self, *, ReservedConcurrentExecutions: int, **_: str) -> None:  # noqa: N803
        self.reserved = ReservedConcurrentExecutions

    def delete_function_concurrency(self, **_: str) -> None:
        self.reserved = None


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace mitmproxy by a server, and return the folder in which the server notes its requests."""
    program = tmp_path / "mitmdump"
    program.write_text(SERVER.format(python=sys.executable, home=str(tmp_path), met=MET), "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(environments, "install", lambda *_: tmp_path / "python")
    return tmp_path


@pytest.fixture
def proxy(settings: Settings, home: Path) -> Iterator[Faults]:  # noqa: ARG001 - it has to be there first
    with proxied(settings, EMULATOR) as made:
        yield made


def asked(home: Path) -> list[list[Any]]:
    """Return the requests to the proxy, except those for its health."""
    lines = (home / "asked").read_text("utf-8").splitlines()
    return [request for line in lines if (request := json.loads(line))[1] != "/_faults/health"]


def deployment(terraform: FakeTerraform, endpoint: Endpoint = EMULATOR) -> Deployment:
    return Deployment(endpoint=endpoint, terraform=cast("Terraform", terraform), outputs=Outputs({}))


def test_the_proxy_stands_in_front_of_the_emulator_on_this_machine_only(
    settings: Settings, home: Path
) -> None:
    mine = replace(settings, environ={**settings.environ, "AWS_PROFILE": "production"})

    with proxied(mine, EMULATOR) as made:
        assert made.endpoint.backend == "host"
        assert made.direct == EMULATOR
        port = made.endpoint.url.removeprefix("http://127.0.0.1:")

    started = json.loads((home / "started").read_text("utf-8"))
    assert started["argv"][0] == f"--mode=reverse:http://127.0.0.1:4566@127.0.0.1:{port}"
    assert [argument for argument in started["argv"] if argument.startswith("--mode")] == [started["argv"][0]]
    assert "keep_host_header=true" in started["argv"]
    assert started["argv"][-2:] == ["--scripts", str(faults.ADDON)]
    assert started["proxy"] == "http://127.0.0.1:9"
    assert started["profile"] is None


@pytest.mark.usefixtures("home")
def test_it_stops_with_its_context(settings: Settings) -> None:
    with proxied(settings, EMULATOR) as made:
        port = int(made.endpoint.url.rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port)).close()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_fault_is_in_force_exactly_while_its_context_is_open(proxy: Faults, home: Path) -> None:
    with proxy.s3("PutObject", key="hello_*", probability=0.5, seed=3).throttled(times=2) as fault:
        assert [request[:2] for request in asked(home)] == [["POST", "/_faults/rules"]]
        assert fault.number == 7

    assert asked(home)[0][2] == {
        "service": "s3",
        "operations": ["PutObject"],
        "key": "hello_*",
        "probability": 0.5,
        "seed": 3,
        "action": "fail",
        "times": 2,
        "code": "SlowDown",
        "status": 503,
        "message": "Please reduce your request rate.",
    }
    assert [request[:2] for request in asked(home)][1:] == [["DELETE", "/_faults/rules/7"]]


def test_a_failing_test_ends_its_fault(proxy: Faults, home: Path) -> None:
    with pytest.raises(ZeroDivisionError), proxy.s3().dropped():
        _ = 1 / 0

    assert asked(home)[-1][:2] == ["DELETE", "/_faults/rules/7"]


@pytest.mark.parametrize(
    ("enter", "told"),
    [
        (lambda calls: calls.fails("NoSuchUpload", status=404), {"action": "fail", "code": "NoSuchUpload"}),
        (lambda calls: calls.fails(message="oh"), {"code": "InternalError", "status": 500, "message": "oh"}),
        (lambda calls: calls.delayed(1.5), {"action": "delay", "seconds": 1.5, "times": None}),
        (lambda calls: calls.dropped(times=3), {"action": "drop", "times": 3}),
        (lambda calls: calls.answer_lost(times=1), {"action": "lose", "times": 1}),
    ],
)
def test_each_fault_is_told_to_the_proxy(
    proxy: Faults, home: Path, enter: Entering, told: dict[str, Any]
) -> None:
    with enter(proxy.s3()):
        pass

    assert asked(home)[0][2].items() >= told.items()


@pytest.mark.parametrize(
    ("operation", "disturbed"),
    [
        ("GenerateDataKey", {"CopyObject", "CreateMultipartUpload", "PutObject"}),
        ("Decrypt", {"CompleteMultipartUpload", "GetObject", "UploadPart"}),
    ],
)
def test_a_fault_of_kms_meets_the_calls_in_which_s3_uses_a_key(
    proxy: Faults, home: Path, operation: str, disturbed: set[str]
) -> None:
    with proxy.kms(operation).throttled():
        pass

    rule = asked(home)[0][2]
    assert rule["service"] == "s3"
    assert set(rule["operations"]) == disturbed
    assert rule["code"] == "KMS.ThrottlingException"
    assert rule["status"] == 400


def test_a_fault_of_kms_meets_writes_and_reads_alike_when_nothing_is_said(proxy: Faults) -> None:
    assert {"PutObject", "GetObject"} <= set(proxy.kms().operations)


def test_a_fault_of_lambda_meets_invocations_of_the_named_function(proxy: Faults, home: Path) -> None:
    with proxy.lambda_("create_*").throttled():
        pass

    rule = asked(home)[0][2]
    assert (rule["service"], rule["operations"]) == ("lambda", ["Invoke"])
    assert rule["key"] == "create_*"
    assert (rule["code"], rule["status"]) == ("TooManyRequestsException", 429)


@pytest.mark.parametrize(
    "misspelt",
    [
        lambda proxy: proxy.s3("PutObjects"),
        lambda proxy: proxy.kms("Encrypt"),
        lambda proxy: proxy.calls("lambda", "GetFunction"),
    ],
)
def test_an_operation_that_no_call_could_match_is_refused(
    proxy: Faults, misspelt: Callable[[Faults], Calls]
) -> None:
    with pytest.raises(SettingsError, match=r"operation .*: expected one of .*, got '\w+'"):
        misspelt(proxy)


def test_what_was_met_is_told_as_values(proxy: Faults) -> None:
    assert proxy.seen == [
        AffectedCall(service="s3", operation="PutObject", key="k", action="fail", status=503, rule=7)
    ]
    with proxy.s3().dropped() as fault:
        assert fault.seen == proxy.seen


def test_a_fault_sees_its_own_calls_only(proxy: Faults) -> None:
    assert faults.Fault(proxy.control, 8).seen == []


def test_clearing_forgets_everything(proxy: Faults, home: Path) -> None:
    proxy.clear()

    assert asked(home) == [["DELETE", "/_faults/", None]]


def test_a_rule_that_the_proxy_refuses_is_an_error_that_says_why(proxy: Faults) -> None:
    with pytest.raises(BackendError, match='expected status 200, got 400: "no such field'):
        with proxy.s3(key="refused").dropped():
            pytest.fail("it was accepted")


@pytest.mark.usefixtures("home")
def test_a_proxy_that_ends_in_mid_run_is_told_as_that(settings: Settings) -> None:
    with pytest.raises(BackendError, match="'mitmproxy': it ended with exit code 3 in mid-run"):
        with proxied(settings, EMULATOR) as made:
            made.control.call("DELETE", "/rules/666")


def test_an_installation_that_fails_is_an_error_that_says_why(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.txt"
    broken.write_text("broken @ file:///nowhere\n", "utf-8")
    monkeypatch.setattr(faults, "REQUIREMENTS", broken)

    with pytest.raises(BackendError, match=r"(?s)mitmproxy-.* could not be installed.*nowhere"):
        with proxied(settings, EMULATOR):
            pytest.fail("it started")


def test_what_is_installed_is_the_version_that_is_named() -> None:
    assert f"mitmproxy=={faults.VERSION}" in faults.REQUIREMENTS.read_text("utf-8").splitlines()


def test_real_aws_meets_no_faults(settings: Settings) -> None:
    aws = Endpoint(backend="aws", url="", region="eu-north-1")

    with pytest.raises(BackendError, match="choose another backend than aws"):
        with injected(settings, deployment(FakeTerraform(), aws)):
            pytest.fail("it started")


@pytest.mark.usefixtures("home")
def test_the_functions_are_pointed_at_the_proxy_and_back(settings: Settings) -> None:
    terraform = FakeTerraform()

    with injected(settings, deployment(terraform)) as made:
        (given,) = terraform.applied
        assert json.loads(given["function_environment"]) == {
            "AWS_ENDPOINT_URL": made.endpoint.url,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    assert terraform.applied[1:] == [{}]


@pytest.mark.usefixtures("home")
def test_what_the_stack_gives_its_functions_already_stays(settings: Settings) -> None:
    terraform = FakeTerraform(variables={"extra": '{"COLOUR": "red"}'})

    with injected(settings, deployment(terraform), variable="extra"):
        assert json.loads(terraform.applied[0]["extra"])["COLOUR"] == "red"


@pytest.mark.usefixtures("home")
def test_a_variable_of_another_form_is_refused(settings: Settings) -> None:
    terraform = FakeTerraform(variables={"function_environment": "{ COLOUR = red }"})

    with pytest.raises(SettingsError, match="function_environment: expected a map of strings, as JSON"):
        with injected(settings, deployment(terraform)):
            pytest.fail("it started")


@pytest.mark.usefixtures("home")
def test_the_functions_are_pointed_back_after_a_failure(settings: Settings) -> None:
    terraform = FakeTerraform()

    with pytest.raises(ZeroDivisionError), injected(settings, deployment(terraform)):
        _ = 1 / 0

    assert terraform.applied[1:] == [{}]


@pytest.mark.usefixtures("home")
def test_nothing_is_put_back_where_the_emulator_has_gone(settings: Settings) -> None:
    terraform = FakeTerraform()
    gone = replace(EMULATOR, ended=lambda: "it ended with exit code 137")

    with injected(settings, deployment(terraform, gone)):
        pass

    assert len(terraform.applied) == 1


def test_functions_in_a_container_reach_the_proxy_over_dockers_bridge(settings: Settings, home: Path) -> None:
    terraform = FakeTerraform()
    contained = replace(EMULATOR, host_address="172.17.0.1")

    with injected(settings, deployment(terraform, contained)) as made:
        given = json.loads(terraform.applied[0]["function_environment"])

    port = made.endpoint.url.rpartition(":")[2]
    assert given["AWS_ENDPOINT_URL"] == f"http://172.17.0.1:{port}"
    assert "172.17.0.1" in given["NO_PROXY"].split(",")
    modes = json.loads((home / "started").read_text("utf-8"))["argv"][:2]
    assert [re.sub(".*@", "", mode) for mode in modes] == [f"127.0.0.1:{port}", f"172.17.0.1:{port}"]


@pytest.mark.usefixtures("home")
def test_a_machine_without_dockers_bridge_needs_to_be_told_its_address(settings: Settings) -> None:
    contained = replace(EMULATOR, host_address="")

    with pytest.raises(BackendError, match="not known by which address the functions could reach the proxy"):
        with injected(settings, deployment(FakeTerraform(), contained)):
            pytest.fail("it started")
    with injected(settings, deployment(terraform := FakeTerraform(), contained), host="127.0.0.1"):
        assert "http://127.0.0.1:" in terraform.applied[0]["function_environment"]


@pytest.mark.parametrize("before", [None, 5])
def test_a_throttled_function_gets_back_the_concurrency_it_had(
    before: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = FakeLambda(before)
    monkeypatch.setattr("harness.aws.clients.client", lambda *_: client)
    made = Faults(endpoint=EMULATOR, direct=EMULATOR, control=faults.Control("http://127.0.0.1:9"))

    with made.function_throttled("create"):
        assert client.reserved == 0

    assert client.reserved == before


def test_a_client_of_the_faults_talks_to_the_proxy(proxy: Faults) -> None:
    assert proxy.client("s3").meta.endpoint_url == proxy.endpoint.url


def test_calls_of_any_service_can_be_named(proxy: Faults) -> None:
    calls = proxy.calls("dynamodb", "PutItem", seed=2)

    assert calls == Calls(control=proxy.control, service="dynamodb", operations=["PutItem"], seed=2)
    assert calls.throttle.code == "ThrottlingException"
