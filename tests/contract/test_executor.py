# ruff: noqa: ANN401 # events and results are any JSON
"""Functions on LocalStack's `process` executor, seen through LocalStack's public API."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest
from botocore.exceptions import ClientError

from harness import BackendError, backends, eventually
from harness.aws import clients

from .functions import Function, MakeFunction, account_of, archive, create, functions, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness import Endpoint, Settings

pytestmark = pytest.mark.requires("process_executor")

ECHO = "def handler(event, context): return event"
SIX_MEGABYTES = 6 * 2**20


@pytest.fixture
def function(endpoint: Endpoint) -> Iterator[MakeFunction]:
    """Return a function that creates Lambda functions from their module `app`, until the test ends."""
    with functions(endpoint) as make:
        yield make


def lines(*texts: str) -> str:
    return "\n".join(texts)


# What a function sees


def test_the_environment_is_lambda_s_and_the_function_s_own(function: MakeFunction) -> None:
    made = function(
        "import os\ndef handler(*_): return dict(os.environ)",
        Environment={"Variables": {"MINE": "1", "TEXT": "å = b"}},
        MemorySize=256,
    )

    seen = made.result()

    assert (seen["MINE"], seen["TEXT"]) == ("1", "å = b")
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == made.name
    assert seen["AWS_LAMBDA_FUNCTION_VERSION"] == "$LATEST"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["AWS_LAMBDA_LOG_GROUP_NAME"] == f"/aws/lambda/{made.name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen["AWS_LAMBDA_LOG_STREAM_NAME"])
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == made.client.meta.region_name
    assert (seen["_HANDLER"], seen["TZ"]) == ("app.handler", ":UTC")
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} <= set(seen)
    assert seen["AWS_EC2_METADATA_DISABLED"] == "true"
    foreign = (
        "PYTHON",
        "GATEWAY_",
        "LAMBDA_PROCESS_",
        "LAMBDA_RUNTIME_EXECUTOR",
        "FILESYSTEM_",
        "VIRTUAL_ENV",
    )
    assert [name for name in seen if name.startswith(foreign)] == []


def test_the_import_path_has_the_code_and_boto3_but_not_localstack(function: MakeFunction) -> None:
    source = """
        import importlib.util, os, sys
        def handler(event, context):
            found = [name for name in event if importlib.util.find_spec(name)]
            return [sys.path[0] == os.environ["LAMBDA_TASK_ROOT"] == os.getcwd(), found]
    """

    names = ["app", "boto3", "localstack", "plux", "lambda_process_executor"]
    assert function(source).result(names) == [True, ["app", "boto3"]]


def test_it_reaches_the_emulator_under_its_own_role(function: MakeFunction, endpoint: Endpoint) -> None:
    made = function("import boto3\ndef handler(*_): return boto3.client('sts').get_caller_identity()['Arn']")

    role = made.wait()["Role"].rpartition("/")[2]
    assert made.result() == f"arn:aws:sts::{account_of(endpoint)}:assumed-role/{role}/{made.name}"


def test_nothing_but_this_machine_is_in_reach(function: MakeFunction, endpoint: Endpoint) -> None:
    source = """
        import boto3, urllib.request
        def handler(event, context):
            try:
                urllib.request.urlopen(event, timeout=5)
            except OSError as error:
                return str(error)
    """

    told = function(source).result("https://s3.amazonaws.com/")

    # In a container functions have a dead proxy: the gate is on another machine than its engine may be.
    assert ("Connection refused" if endpoint.backend == "container" else "the harness refuses s3.") in told


def test_the_context_is_complete(function: MakeFunction) -> None:
    source = """
        import os
        def handler(event, context):
            return {
                "id": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "function": [context.function_name, context.function_version, context.memory_limit_in_mb],
                "group": context.log_group_name,
                "stream": context.log_stream_name == os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
                "remaining": context.get_remaining_time_in_millis(),
                "custom": context.client_context and context.client_context.custom,
                "trace": os.environ["_X_AMZN_TRACE_ID"],
            }
    """
    made = function(source)
    context = base64.b64encode(b'{"custom": {"key": "value"}}').decode()

    answer = made.invoke(ClientContext=context)

    seen = answer.result
    assert f"START RequestId: {seen['id']} Version: $LATEST" in answer.logs
    assert seen["arn"].endswith(f":function:{made.name}")
    assert seen["function"] == [made.name, "$LATEST", "128"]
    assert seen["group"] == f"/aws/lambda/{made.name}"
    assert seen["stream"]
    assert 15_000 < seen["remaining"] <= 20_000
    assert seen["custom"] == {"key": "value"}
    assert re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};", seen["trace"])
    assert made.result()["custom"] is None


def test_an_alias_shows_in_the_arn_and_a_version_keeps_its_code(function: MakeFunction) -> None:
    source = (
        "def handler(event, context): return ['%s', context.invoked_function_arn, context.function_version]"
    )
    made = function(source % "old")
    version = made.client.publish_version(FunctionName=made.name)["Version"]
    made.client.create_alias(FunctionName=made.name, Name="live", FunctionVersion=version)
    made.client.update_function_code(FunctionName=made.name, ZipFile=archive({"app.py": source % "new"}))
    made.wait()

    text, arn, seen_version = made.result(Qualifier="live")
    assert (text, seen_version) == ("old", version)
    assert arn.endswith(f":function:{made.name}:live")
    assert made.result()[0] == "new"


# Code


def test_code_may_come_from_s3_and_the_handler_from_a_package(
    function: MakeFunction, endpoint: Endpoint
) -> None:
    s3 = clients.client(endpoint, "s3")
    bucket = f"executor-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": endpoint.region})
    code = archive({"pkg/__init__.py": "", "pkg/mod.py": "def run(*_): return __name__"})
    s3.put_object(Bucket=bucket, Key="code.zip", Body=code)

    made = function("", Handler="pkg.mod.run", Code={"S3Bucket": bucket, "S3Key": "code.zip"})

    assert made.result() == "pkg.mod"
    s3.delete_object(Bucket=bucket, Key="code.zip")
    s3.delete_bucket(Bucket=bucket)


def test_layers_are_importable_and_the_last_wins(function: MakeFunction, endpoint: Endpoint) -> None:
    client = clients.client(endpoint, "lambda")
    name = f"executor-{uuid4().hex[:8]}"
    site = "python/lib/python3.13/site-packages/deep.py"
    contents = [
        {"python/both.py": "FROM = 'first'", "python/first.py": ""},
        {"python/both.py": "FROM = 'second'", site: ""},
    ]
    layers = [
        client.publish_layer_version(LayerName=f"{name}-{n}", Content={"ZipFile": archive(files)})
        for n, files in enumerate(contents)
    ]

    arns = [layer["LayerVersionArn"] for layer in layers]
    made = function("import both, first, deep\ndef handler(*_): return both.FROM", Layers=arns)

    assert made.result() == "second"


@pytest.mark.usefixtures("on_this_machine")
def test_code_is_unpacked_once_read_only_and_removed_with_its_last_function(endpoint: Endpoint) -> None:
    mark = uuid4().hex
    source = f"import os\ndef handler(*_): return [os.stat(__file__).st_ino, {mark!r}]"
    with functions(endpoint) as make:
        first, second = make(source), make(source)
        first.client.publish_version(FunctionName=first.name)
        inode, _ = first.result()

        assert second.result() == first.result(Qualifier="1") == [inode, mark]
        (file,) = (found for found in unpacked(endpoint) if found.stat().st_ino == inode)
        assert file.stat().st_mode & 0o222 == 0
        assert list(file.parent.glob("__pycache__/app.*.pyc"))
    eventually(lambda: not file.parent.exists(), what=f"the removal of {file.parent}")


def unpacked(endpoint: Endpoint) -> list[Path]:
    """Return the module `app` of each function whose code is unpacked."""
    assert endpoint.log
    return list(endpoint.log.parent.glob("**/lambda-*/code/*/app.py"))


@pytest.mark.parametrize("runtime", ["java21", "dotnet8", "ruby3.3"])
def test_a_runtime_that_needs_docker_is_refused_at_once_with_the_way_out(
    function: MakeFunction, runtime: str
) -> None:
    with pytest.raises(ClientError, match=f"runtime {runtime} can't run without Docker.*EXECUTOR=docker"):
        function(ECHO, Runtime=runtime)


def test_a_function_whose_runtime_can_not_run_here_is_refused_with_the_reason(
    function: MakeFunction, endpoint: Endpoint
) -> None:
    reason = refusal(function, Runtime="provided.al2023", Handler="any")

    assert "expected an executable `bootstrap`" in reason
    assert endpoint.log is None or "expected an executable `bootstrap`" in endpoint.log.read_text("utf-8")


def test_another_account_s_layer_is_refused_by_name(function: MakeFunction, endpoint: Endpoint) -> None:
    layer = (
        f"arn:aws:lambda:{endpoint.region}:017000801446:layer:AWSLambdaPowertoolsPythonV3-python313-x86_64:7"
    )

    with pytest.raises(ClientError, match=f"{layer} is another account's and is not fetched from AWS"):
        function(ECHO, Layers=[layer])


# Logs


def test_output_and_logging_are_events_of_cloudwatch_logs(function: MakeFunction) -> None:
    source = r"""
        import logging
        logging.getLogger().setLevel("INFO")
        print("importing")
        def handler(event, context):
            print("printed")
            logging.info("several\nlines")
    """
    made = function(source)

    answer = made.invoke()

    messages = made.messages("REPORT ")
    importing, start, printed, logged, end, report = messages
    request_id = start.split()[2]
    assert importing == "importing"
    assert start == f"START RequestId: {request_id} Version: $LATEST"
    assert printed == "printed"
    assert re.fullmatch(rf"\[INFO\]\t[\d-]+T[\d:.]+Z\t{request_id}\tseveral\nlines", logged)
    assert end == f"END RequestId: {request_id}"
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 128 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration: [\d.]+ ms\t",
        report,
    )
    assert answer.logs == lines(*messages, "")


def test_logs_may_be_json(function: MakeFunction, endpoint: Endpoint) -> None:
    if endpoint.backend == "ministack":
        pytest.skip("MiniStack writes START, END and REPORT as text")
    source = "import logging\ndef handler(*_): logging.error('bad')"
    json_logs = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
    made = function(source, LoggingConfig=json_logs)

    made.invoke()

    start, logged, *_, report = [json.loads(message) for message in made.messages("platform.report")]
    assert (start["type"], report["type"]) == ("platform.start", "platform.report")
    assert (logged["level"], logged["message"]) == ("ERROR", "bad")


def test_only_the_first_report_tells_of_the_initialisation(function: MakeFunction) -> None:
    made = function(ECHO)

    assert ["Init Duration" in made.invoke().logs for _ in range(3)] == [True, False, False]


# Errors


def test_an_exception_is_told_with_its_stack(function: MakeFunction) -> None:
    made = function("def handler(event, context): fail()\ndef fail(): raise ValueError('no good')")

    answer = made.invoke()

    assert answer.error == "Unhandled"
    assert (answer.result["errorType"], answer.result["errorMessage"]) == ("ValueError", "no good")
    assert "in fail" in answer.result["stackTrace"][-1]
    assert "[ERROR] ValueError: no good\nTraceback" in answer.logs


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("import nothing", "Runtime.ImportModuleError", "No module named 'nothing'"),
        ("", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("raise KeyError('BUCKET_NAME')", "KeyError", "BUCKET_NAME"),
        ("def", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("import os; os._exit(3)", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
    ],
)
def test_a_failed_initialisation_is_told_by_every_invocation(
    function: MakeFunction, source: str, kind: str, text: str
) -> None:
    made = function(source)

    for _ in range(2):
        failure = made.failure()
        assert failure["errorType"] == kind
        assert text in failure["errorMessage"]
    assert any(kind in message for message in made.messages("INIT_REPORT"))


@pytest.mark.parametrize(
    ("end", "told"), [("os._exit(1)", "exit status 1"), ("os.kill(os.getpid(), 11)", "segmentation fault")]
)
def test_a_process_that_ends_is_told_and_the_next_invocation_works(
    function: MakeFunction, end: str, told: str
) -> None:
    made = function(f"import os\ndef handler(event, context):\n    if event: {end}\n    return os.getpid()")
    pid = made.result()

    failure = made.failure("end")

    assert failure["errorType"] == "Runtime.ExitError"
    assert failure["errorMessage"].endswith(told)
    assert made.result() != pid


@pytest.mark.usefixtures("on_this_machine")
def test_a_time_out_is_told_and_kills_the_whole_tree(function: MakeFunction) -> None:
    source = """
        import os, subprocess, sys, time
        def handler(event, context):
            if event != "hang":
                return os.getpid()
            sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
            children = [subprocess.Popen(sleeper), subprocess.Popen(sleeper, start_new_session=True)]
            print("pids", os.getpid(), *(child.pid for child in children))
            time.sleep(60)
    """
    made = function(source, Timeout=2)

    answer = made.invoke("hang")

    text = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [0-9a-f-]{36} Task timed out after 2\.00 seconds"
    assert answer.error == "Unhandled"
    assert re.fullmatch(text, answer.result["errorMessage"])
    assert answer.result["errorMessage"] in made.messages("Task timed out")
    found = re.search(r"pids (.*)", answer.logs)
    assert found
    pids = [int(pid) for pid in found[1].split()]
    eventually(lambda: not any(map(is_running, pids)), what=f"the end of {pids}")
    assert made.result() not in pids


def test_payloads_of_six_megabytes_go_both_ways_and_no_larger_one(function: MakeFunction) -> None:
    made = function("def handler(event, context): return event if isinstance(event, str) else 'x' * event")
    event = "x" * (SIX_MEGABYTES - 2)

    assert made.result(event) == event
    failure = made.failure(SIX_MEGABYTES + 200)
    assert failure["errorType"] == "Function.ResponseSizeTooLarge"
    assert made.result(3) == "xxx"


# Many at once, and asynchronously


def test_each_of_many_at_once_has_its_own_process_which_is_used_again(function: MakeFunction) -> None:
    source = """
        import os, time
        calls = 0
        def handler(event, context):
            global calls
            calls += 1
            time.sleep(event)
            return [os.getpid(), calls]
    """
    made = function(source)

    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(made.result, [2] * 8))
        second = list(pool.map(made.result, [2] * 8))

    assert len({pid for pid, _ in first}) == 8
    assert {calls for _, calls in first} == {1}
    assert {pid for pid, _ in second} == {pid for pid, _ in first}
    assert {calls for _, calls in second} == {2}


def test_a_burst_on_a_cold_function_answers_every_call(function: MakeFunction) -> None:
    made = function(ECHO)

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(made.result, range(200))) == list(range(200))


def test_an_event_invocation_runs_later(function: MakeFunction) -> None:
    made = function("def handler(event, context): print('got', event)")

    answer = made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload='"it"')

    assert answer["StatusCode"] == 202
    assert "got it" in made.messages("REPORT ")


def test_an_event_invocation_that_fails_reaches_the_failure_destination(
    function: MakeFunction, endpoint: Endpoint
) -> None:
    made = function("def handler(event, context): raise ValueError('no good')")
    sqs = clients.client(endpoint, "sqs")
    queue = sqs.create_queue(QueueName=made.name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made.client.put_function_event_invoke_config(
        FunctionName=made.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )

    made.client.invoke(FunctionName=made.name, InvocationType="Event", Payload='{"n": 1}')

    (message,) = eventually(
        lambda: sqs.receive_message(QueueUrl=queue).get("Messages", []), what="a message in the queue"
    )
    sent = json.loads(message["Body"])
    assert sent["requestPayload"] == {"n": 1}
    assert sent["responsePayload"]["errorMessage"] == "no good"
    sqs.delete_queue(QueueUrl=queue)


def test_provisioned_environments_are_ready_or_told_as_failed(
    function: MakeFunction, endpoint: Endpoint
) -> None:
    if endpoint.backend == "ministack":
        pytest.skip("MiniStack provides no environments beforehand")
    good = function("import os\ndef handler(*_): return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']")
    bad = function("import nothing")

    assert provisioned(good)["Status"] == "READY"
    assert good.result(Qualifier="1") == "provisioned-concurrency"
    assert provisioned(bad)["Status"] == "FAILED"


def provisioned(function: Function) -> dict[str, Any]:
    """Provision an environment of version 1, and return the status."""
    function.client.publish_version(FunctionName=function.name)
    function.wait()
    which = {"FunctionName": function.name, "Qualifier": "1"}
    function.client.put_provisioned_concurrency_config(**which, ProvisionedConcurrentExecutions=1)
    return eventually(
        lambda: function.client.get_provisioned_concurrency_config(**which),
        until=lambda seen: seen["Status"] != "IN_PROGRESS",
        what="the end of provisioning",
    )


# Ends


@pytest.mark.usefixtures("on_this_machine")
@pytest.mark.parametrize("end", [psutil.Process.terminate, psutil.Process.kill])
def test_no_function_outlives_localstack(
    harness_settings: Settings, end: Callable[[psutil.Process], None]
) -> None:
    source = """
        import subprocess, sys
        def handler(event, context):
            subprocess.Popen([sys.executable, "-c", "while True: pass"])
            while event == "spin":
                pass
    """
    with pytest.raises(BackendError, match="in mid-run"):
        end_with_busy_functions(harness_settings, source, end)


def end_with_busy_functions(
    harness_settings: Settings, source: str, end: Callable[[psutil.Process], None]
) -> None:
    """Stop LocalStack while functions run, and wait until all processes have ended."""
    with backends.load("host").start(replace(harness_settings, port=0)) as endpoint:
        localstack = listener(endpoint)
        create(endpoint, source).invoke()
        busy = create(endpoint, source)
        busy.client.invoke(FunctionName=busy.name, InvocationType="Event", Payload='"spin"')
        family = eventually(
            lambda: localstack.children(recursive=True),
            until=lambda seen: len(seen) == 4,
            what="two functions with a child each",
        )
        end(localstack)
        eventually(
            lambda: [process for process in family if is_running(process.pid)],
            until=lambda left: not left,
            what="the end of all functions",
        )
        eventually(endpoint.ended, what="LocalStack's end", timeout=60)


@pytest.mark.usefixtures("on_this_machine")
def test_localstacks_side_by_side_keep_their_buckets_apart(
    endpoint: Endpoint, harness_settings: Settings
) -> None:
    bucket, large = f"executor-{uuid4().hex[:8]}", b"x" * 2**20  # too large to stay in memory
    ours = bucket_with(endpoint, bucket, large)
    with backends.load("host").start(replace(harness_settings, port=0)) as other:
        theirs = bucket_with(other, bucket, large)
        theirs.delete_object(Bucket=bucket, Key="large")
        theirs.delete_bucket(Bucket=bucket)

    ours.put_object(Bucket=bucket, Key="another", Body=large)
    assert ours.get_object(Bucket=bucket, Key="large")["Body"].read() == large
    for key in ("large", "another"):
        ours.delete_object(Bucket=bucket, Key=key)
    ours.delete_bucket(Bucket=bucket)


def bucket_with(endpoint: Endpoint, bucket: str, body: bytes) -> Any:
    client = clients.client(endpoint, "s3")
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": endpoint.region})
    client.put_object(Bucket=bucket, Key="large", Body=body)
    return client


def listener(endpoint: Endpoint) -> psutil.Process:
    """Return the process that listens on an endpoint's port."""
    port = urlsplit(endpoint.url).port
    for process in psutil.Process().children(recursive=True):
        if any(found.laddr.port == port for found in process.net_connections("tcp")):
            return process
    raise AssertionError(f"nobody listens on {port}")


def is_running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
