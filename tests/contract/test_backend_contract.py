"""The contract of every backend. Choose one with `--backend`. A new backend must pass this file."""

from __future__ import annotations

import socket
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest

from harness import BackendError, backends, eventually
from harness.aws import clients
from harness.aws.calls import RequestLog
from harness.aws.rest import ApiClient
from harness.backends import localstack
from harness.base.telemetry import progress
from harness.errors import CommandError
from harness.terraform.apply import applied
from tests.contract.containers import containers_of_this_process

if TYPE_CHECKING:
    from pathlib import Path

    from harness import Endpoint, Settings

STARTED_HERE = {"host", "container", "localemu", "ministack"}
SECONDS = 30.0
MID_RUN = r"ended with .* in mid-run"
MANY_KEYS = 'resource "aws_kms_key" "slow" {\n  count = 40\n  enable_key_rotation = true\n}\n'
# Comes first in any Python that has its directory on PYTHONPATH.
BROKEN_START = "import os\nprint('broken on purpose', flush=True)\nos._exit(3)\n"


@pytest.fixture
def fresh(endpoint: Endpoint, harness_settings: Settings) -> Settings:
    """Return the settings for another instance of the backend of `endpoint`."""
    if endpoint.backend not in STARTED_HERE:
        pytest.skip(f"the backend {endpoint.backend} is not started by the harness")
    return replace(harness_settings, backend=endpoint.backend, port=0)


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the directory for temporary files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def bucket(endpoint: Endpoint) -> str:
    """Make a bucket and return its name."""
    name = f"contract-{uuid4().hex}"
    where = {"LocationConstraint": endpoint.region}
    clients.client(endpoint, "s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


def buckets(endpoint: Endpoint) -> set[str]:
    return {found["Name"] for found in clients.client(endpoint, "s3").list_buckets()["Buckets"]}


def port_of(endpoint: Endpoint) -> int:
    port = urlsplit(endpoint.url).port
    assert port is not None
    return port


def crash(endpoint: Endpoint) -> None:
    """Kill the emulator, as in a crash."""
    port = port_of(endpoint)
    if endpoint.backend == "container":
        (container,) = (item for item in containers_of_this_process() if f"{port}/tcp" in item.ports)
        container.kill()
        return
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # children of Terraform come and go
            if any(found.laddr.port == port for found in process.net_connections("tcp")):
                process.kill()


# Start


def test_it_answers_as_aws_once_it_is_entered(endpoint: Endpoint) -> None:
    identity = clients.client(endpoint, "sts").get_caller_identity()

    assert identity["Account"].isdecimal()
    assert endpoint.backend
    assert endpoint.region


def test_it_listens_on_the_port_it_is_told(fresh: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with backends.started(replace(fresh, port=port)) as endpoint:
        assert port_of(endpoint) == port
        assert buckets(endpoint) == set()


def test_a_busy_port_is_told(fresh: Settings, endpoint: Endpoint) -> None:
    with pytest.raises(BackendError, match=f"port {port_of(endpoint)} is taken; .* HARNESS_PORT=0"):
        with backends.started(replace(fresh, port=port_of(endpoint))):
            pytest.fail("it started")


def test_two_at_once_share_nothing(endpoint: Endpoint, fresh: Settings) -> None:
    first = bucket(endpoint)
    with backends.started(fresh) as second:
        own = bucket(second)

        assert second.url != endpoint.url
        assert first not in buckets(second)
        assert own not in buckets(endpoint)

    assert first in buckets(endpoint)


def test_a_start_that_fails_is_told_with_its_own_last_lines(
    fresh: Settings, scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(BROKEN_START, "utf-8")
    monkeypatch.setattr(localstack, "PLUGINS", broken)
    monkeypatch.setattr(localstack.Distribution, "plugins", [broken])
    settings = replace(fresh, environ={**fresh.environ, "PYTHONPATH": str(broken)})

    with pytest.raises(BackendError, match=r"ended with exit code 3 before it was healthy") as failure:
        with backends.started(settings):
            pytest.fail("it started")

    assert failure.value.log[-1] == "broken on purpose"
    assert list(scratch.iterdir()) == []


def test_a_start_that_takes_too_long_is_given_up(fresh: Settings, scratch: Path) -> None:
    before = containers_of_this_process()

    with pytest.raises(BackendError, match=r"waited 0\.001 s for http://.* to answer 200"):
        with backends.started(replace(fresh, start_timeout=0.001)):
            pytest.fail("it started")

    assert containers_of_this_process() == before
    assert list(scratch.iterdir()) == []


# Use


def test_an_api_is_served_where_the_client_looks_for_it(endpoint: Endpoint) -> None:
    gateway = clients.client(endpoint, "apigateway")
    api = mock_api(gateway)
    try:
        url = f"https://{api}.execute-api.{endpoint.region}.amazonaws.com/test/hello"

        response = ApiClient.of(endpoint, url).get()

        assert (response.status, response.text) == (200, "hello")
    finally:
        gateway.delete_rest_api(restApiId=api)


def test_limits_of_a_method_that_are_left_to_aws_refuse_nobody(endpoint: Endpoint) -> None:
    gateway = clients.client(endpoint, "apigateway")
    api = mock_api(gateway)
    limits = [
        {"op": "replace", "path": f"/*/*/throttling/{name}", "value": "-1"}  # as Terraform sends them
        for name in ("rateLimit", "burstLimit")
    ]
    try:
        gateway.update_stage(restApiId=api, stageName="test", patchOperations=limits)
        url = f"https://{api}.execute-api.{endpoint.region}.amazonaws.com/test/hello"

        assert ApiClient.of(endpoint, url).get().status == 200
    finally:
        gateway.delete_rest_api(restApiId=api)


def mock_api(gateway: Any) -> str:  # noqa: ANN401 - a boto3 client
    """Deploy `GET /hello` without a backend to the stage `test`, and return the API's id."""
    api: str = gateway.create_rest_api(name=f"contract-{uuid4().hex}")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="hello")["id"]
    method = {"restApiId": api, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(
        **method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    gateway.put_method_response(**method, statusCode="200")
    gateway.put_integration_response(
        **method, statusCode="200", responseTemplates={"application/json": "hello"}
    )
    gateway.create_deployment(restApiId=api, stageName="test")
    return api


def test_its_request_log_has_the_bodies_of_calls_on_request_and_no_secrets(fresh: Settings) -> None:
    text, large = '{"password": "correct horse", "n": 1}', "x" * 100_000
    with backends.started(replace(fresh, request_log_bodies=True)) as endpoint:
        s3, name = clients.client(endpoint, "s3"), bucket(endpoint)
        for key, content in {"text": text, "large": large}.items():
            s3.put_object(Bucket=name, Key=key, Body=content.encode())
            assert s3.get_object(Bucket=name, Key=key)["Body"].read().decode() == content
        clients.client(endpoint, "sqs").create_queue(QueueName="queue")

        log = RequestLog.of(endpoint)
        calls = {
            (call.operation, *call.resources[-1:]): call
            for call in eventually(log.calls, until=lambda calls: calls[-1].service == "sqs", what="the log")
        }

    both = ("PutObject", "GetObject")
    written, read = (calls[each, f"arn:aws:s3:::{name}/text"] for each in both)
    assert '"n": 1' in written.request
    assert '"n": 1' in read.response
    assert "horse" not in f"{written}{read}"
    others = [calls[each, f"arn:aws:s3:::{name}/large"] for each in both]
    assert [(other.request, other.response) for other in others] == [("", ""), ("", "")]
    (made,) = (call for call in calls.values() if call.operation == "CreateQueue")
    assert '"queue"' in made.request
    assert "/queue" in made.response


def test_its_log_can_be_read_while_it_runs(fresh: Settings) -> None:
    with backends.started(fresh) as endpoint:
        log = endpoint.log
        assert log is not None
        before = log.stat().st_size
        bucket(endpoint)

        eventually(log.stat, until=lambda seen: seen.st_size > before, what="more lines in the log")


# End


def test_it_leaves_no_process_no_container_and_no_file(fresh: Settings, scratch: Path) -> None:
    before = set(psutil.Process().children(recursive=True)), containers_of_this_process()

    with backends.started(fresh) as endpoint:
        bucket(endpoint)
        assert list(scratch.iterdir())

    assert (set(psutil.Process().children(recursive=True)), containers_of_this_process()) == before
    assert list(scratch.iterdir()) == []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port_of(endpoint)))


def test_a_crash_in_mid_run_is_an_error_soon_with_its_last_lines(fresh: Settings) -> None:
    with pytest.raises(BackendError, match=MID_RUN) as failure:  # noqa: PT012 - where it comes from is the point
        with backends.started(fresh) as endpoint:
            bucket(endpoint)
            crash(endpoint)
            begun = time.monotonic()
            bucket(endpoint)

    assert time.monotonic() - begun < SECONDS
    assert failure.value.log


def test_a_crash_that_nobody_noticed_is_an_error_too(fresh: Settings) -> None:
    with pytest.raises(BackendError, match=MID_RUN):  # noqa: PT012 - where it comes from is the point
        with backends.started(fresh) as endpoint:
            crash(endpoint)
            eventually(lambda: refuses(endpoint), what="the end of the emulator")


def test_a_crash_while_terraform_applies_is_an_error_soon(fresh: Settings, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").write_text(MANY_KEYS, "utf-8")
    settings = replace(fresh, terraform_dir=root, package=None, variables={})
    crashed: list[float] = []

    with pytest.raises(BackendError, match=MID_RUN) as failure:  # noqa: PT012 - where it comes from is the point
        with backends.started(fresh) as endpoint:

            def tell(line: str) -> None:
                if "created" in line and not crashed:
                    crashed.append(time.monotonic())
                    crash(endpoint)

            with progress.shown(tell), applied(settings, endpoint, {}):
                pytest.fail("it was applied")

    assert time.monotonic() - crashed[0] < SECONDS
    assert isinstance(failure.value.__cause__, CommandError)


def refuses(endpoint: Endpoint) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port_of(endpoint))) != 0
