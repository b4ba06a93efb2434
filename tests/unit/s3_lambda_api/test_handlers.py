from __future__ import annotations

import gc
import importlib
import io
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from s3_lambda_api.errors import ConfigError, InvalidEventError
from s3_lambda_api.keys import POINTER_KEY
from tests.unit.s3_lambda_api.conftest import BUCKET, KMS_KEY_ARN, Bucket, count_calls, fail_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

CONTEXT = SimpleNamespace(
    aws_request_id="0badf00d-1111-2222-3333-444444444444",
    function_name="the-function",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-north-1:123456789012:function:the-function",
)
EVENT = {
    "id": "deadbeef-1111-2222-3333-444444444444",
    "detail-type": "Create Encrypted Timestamp",
    "source": "s3_lambda_api.dev",
    "time": "2026-01-02T03:04:05Z",
    "detail": {"timestamp": "2026-01-02T03:04:05.678901Z"},
}
KEY = "hello_world_2026-01-02T03-04-05.678901Z_deadbeef.txt"


@pytest.fixture
def environ(
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Bucket]:
    """Set the variables of both functions, and forget the modules that read them."""
    monkeypatch.setenv("BUCKET_NAME", BUCKET)
    monkeypatch.setenv("KMS_KEY_ARN", KMS_KEY_ARN)
    monkeypatch.setenv("SCHEDULE_INTERVAL_SECONDS", "600")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)  # loggers of one name share one stream
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "the-namespace")
    monkeypatch.setattr("aws_lambda_powertools.logging.logger.is_cold_start", True)
    monkeypatch.setattr("aws_lambda_powertools.metrics.provider.cold_start.is_cold_start", True)
    forget()
    yield bucket
    forget()
    gc.enable()
    gc.unfreeze()


def forget() -> None:
    for module in ("startup", "telemetry", "writer", "reader"):
        sys.modules.pop(f"s3_lambda_api.{module}", None)


class Stdout(io.StringIO):
    """The current stdout. The logger would keep the stdout of its import."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)


def imported(function: str) -> ModuleType:
    module = importlib.import_module(f"s3_lambda_api.{function}")
    for handler in module.logger.handlers:
        handler.setStream(Stdout())
    return module


@pytest.fixture
def writer(environ: Bucket) -> ModuleType:  # noqa: ARG001 - wanted for its effect
    return imported("writer")


@pytest.fixture
def reader(environ: Bucket) -> ModuleType:  # noqa: ARG001 - wanted for its effect
    return imported("reader")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metric(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Merge the printed metrics, and return them."""
    return {key: value for line in lines(capsys) if "_aws" in line for key, value in line.items()}


def test_a_written_object_is_read(writer: ModuleType, reader: ModuleType) -> None:
    written = writer.handler(EVENT, CONTEXT)
    assert (written["key"], written["created"]) == (KEY, True)
    answer = reader.handler({"httpMethod": "GET"}, CONTEXT)
    assert answer["statusCode"] == 200
    assert answer["body"] == "Hello World. The current timestamp is 2026-01-02T03:04:05.678901Z."
    assert (answer["headers"]["ETag"], answer["headers"]["X-Object-Key"]) == (written["etag"], KEY)
    assert json.loads(json.dumps([written, answer])) == [written, answer]


def test_a_second_delivery_is_told_apart(writer: ModuleType) -> None:
    first = writer.handler(EVENT, CONTEXT)
    assert writer.handler(EVENT, CONTEXT) == first | {"created": False}


def test_a_bare_test_invoke_writes(writer: ModuleType) -> None:
    assert writer.handler({}, CONTEXT)["key"].endswith("_0badf00d.txt")


def test_the_writer_counts_and_logs(writer: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    writer.handler(EVENT, CONTEXT)
    output = lines(capsys)
    cold, metrics = (line for line in output if "_aws" in line)
    (entry,) = (line for line in output if "_aws" not in line)
    assert cold["ColdStart"] == [1]
    assert (metrics["Events"], metrics["ObjectsWritten"], metrics["service"]) == (
        [1],
        [1],
        "test_the_writer_counts_and_logs",
    )
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "the-namespace"
    assert (entry["correlation_id"], entry["cold_start"]) == (EVENT["id"], True)
    assert entry["result"]["key"] == KEY


def test_the_log_tells_how_long_each_operation_of_s3_took(
    writer: ModuleType, reader: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.handler(EVENT, CONTEXT)
    written = metric(capsys)["s3_ms"]
    reader.handler({"httpMethod": "GET"}, CONTEXT)
    read = metric(capsys)

    assert written.keys() == {"PutObject", "GetObject", "ListObjectsV2"}
    assert read["s3_ms"].keys() == {"GetObject", "ListObjectsV2"}
    assert all(milliseconds > 0 for milliseconds in (*written.values(), *read["s3_ms"].values()))
    assert "s3_ms" not in str(read["_aws"])


def test_it_tells_that_of_a_call_that_failed_too(
    reader: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    reader._store._client.meta.events.register_first("before-send.s3", _disconnect)

    assert reader.handler({"httpMethod": "GET"}, CONTEXT)["statusCode"] == 503
    assert metric(capsys)["s3_ms"].keys() == {"GetObject"}


def _disconnect(**_: object) -> None:
    raise EndpointConnectionError(endpoint_url="https://s3")


def test_the_writer_rejects_the_future(writer: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidEventError, match="lies more than"):
        writer.handler(EVENT | {"detail": {"timestamp": "2999-01-01T00:00:00Z"}}, CONTEXT)
    assert metric(capsys)["RejectedEvents"] == [1]


def test_an_empty_bucket_is_404(reader: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    answer = reader.handler({"headers": {"accept": "application/json"}}, CONTEXT)
    assert answer["statusCode"] == 404
    assert json.loads(answer["body"]) == {"message": "No object has been written yet."}
    assert metric(capsys)["EmptyBucket"] == [1]


def test_what_the_client_has_is_304(writer: ModuleType, reader: ModuleType) -> None:
    etag = writer.handler(EVENT, CONTEXT)["etag"]
    assert reader.handler({"headers": {"if-none-match": etag}}, CONTEXT)["statusCode"] == 304


def test_head_has_no_body(writer: ModuleType, reader: ModuleType) -> None:
    writer.handler(EVENT, CONTEXT)
    answer = reader.handler({"httpMethod": "HEAD"}, CONTEXT)
    assert (answer["statusCode"], answer["body"]) == (200, "")


def test_throttling_is_503(reader: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    fail_with(reader._store._client, 503, "SlowDown")
    answer = reader.handler({}, CONTEXT)
    assert (answer["statusCode"], answer["headers"]["Retry-After"]) == (503, "1")
    assert "secret-inside" not in json.dumps(answer)
    assert metric(capsys)["Throttled"] == [1]


def test_what_fails_inside_stays_inside(reader: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    fail_with(reader._store._client, 403, "AccessDenied")
    answer = reader.handler({}, CONTEXT)
    assert (answer["statusCode"], answer["body"]) == (500, "Internal server error.")
    assert "secret-inside" not in json.dumps(answer)
    output = lines(capsys)
    assert any("secret-inside" in line.get("exception", "") for line in output)
    assert any(line.get("Failures") == [1] for line in output)


def test_repairs_and_freshness_are_measured(
    writer: ModuleType, reader: ModuleType, environ: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    writer.handler({}, CONTEXT)
    environ.delete(POINTER_KEY)
    capsys.readouterr()
    reader.handler({"requestContext": {"requestId": "the-request"}}, CONTEXT)
    output = lines(capsys)
    merged = {key: value for line in output for key, value in line.items()}
    assert (merged["Repairs"], merged["reason"], merged["correlation_id"]) == ([1], "lost", "the-request")
    assert 0 <= merged["FreshnessAge"][0] < 60


def test_the_client_is_built_once_and_a_read_is_two_calls(writer: ModuleType, reader: ModuleType) -> None:
    writer.handler({}, CONTEXT)
    calls: list[str] = []
    count_calls(reader._store._client, calls)
    for _ in range(3):
        reader.handler({}, CONTEXT)
    assert calls == ["GetObject"] * 6


@pytest.mark.usefixtures("environ")
@pytest.mark.parametrize(
    ("function", "variable"),
    [
        ("writer", "BUCKET_NAME"),
        ("writer", "KMS_KEY_ARN"),
        ("writer", "SCHEDULE_INTERVAL_SECONDS"),
        ("reader", "BUCKET_NAME"),
        ("reader", "SCHEDULE_INTERVAL_SECONDS"),
    ],
)
def test_a_missing_variable_is_an_init_error_that_names_it(
    function: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigError, match=variable):
        importlib.import_module(f"s3_lambda_api.{function}")


@pytest.mark.usefixtures("writer", "reader")
def test_the_garbage_collector_runs_once_all_is_loaded() -> None:
    assert gc.isenabled()
