# ruff: noqa: ANN401 # keyword arguments and JSON have any type
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lambda_process_executor
import psutil
import pytest
from lambda_process_executor import events
from lambda_process_executor.sandbox import Outcome, Sandbox, Spec, StoppedError
from lambda_process_executor.view import obstacle

from harness.aws.calls import invocations
from harness.aws.calls.invocations import Invocation as KeptInvocation

from .conftest import MakeSandbox, has_ended, invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ON_LINUX = pytest.mark.skipif(bool(obstacle()), reason=f"no mount namespaces: {obstacle()}")
ECHO = "def handler(event, context): return event"
PLUGINS = str(Path(lambda_process_executor.__file__).parents[1])


def invoke(sandbox: Sandbox, event: object = None, request_id: str = "request-1", **more: Any) -> Outcome:
    return sandbox.invoke(invocation(request_id, json.dumps(event).encode(), **more))


def answer(sandbox: Sandbox, event: object = None, **more: Any) -> Any:
    outcome = invoke(sandbox, event, **more)
    assert not outcome.is_error, outcome
    return json.loads(outcome.payload)


def error(outcome: Outcome) -> dict[str, Any]:
    assert outcome.is_error, outcome
    found: dict[str, Any] = json.loads(outcome.payload)
    return found


# What stands in for its code


@ON_LINUX
def test_sources_stand_in_for_the_code_from_the_next_invocation_on_and_until_they_are_taken_away(
    sandbox: MakeSandbox, make_spec: Callable[..., Spec], tmp_path: Path
) -> None:
    place, spec = tmp_path / "digest", make_spec("")

    def write(package: Path, text: str) -> None:
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text(f"def handler(event, context): return {text!r}\n", "utf-8")

    write(spec.code / "app", "zip")
    write(place / "over" / "app", "first")
    made = sandbox("", code=spec.code, hot=place)
    assert answer(made) == "zip"

    (place / "stamp").write_text("1", "utf-8")
    assert answer(made) == "first"
    pid = made.pid
    assert answer(made) == "first"
    assert made.pid == pid  # it stays warm

    (place / "over" / "app" / "__init__.py").write_text(
        "def handler(event, context): return 'second'\n", "utf-8"
    )
    (place / "stamp").write_text("2", "utf-8")
    assert "Init Duration" in str(invoke(made).logs)
    assert answer(made) == "second"

    (place / "stamp").unlink()
    assert answer(made) == "zip"


# What the function sees


def test_an_event_comes_in_and_a_result_goes_out(sandbox: MakeSandbox) -> None:
    assert answer(sandbox(ECHO), {"text": "åäö €"}) == {"text": "åäö €"}


def test_the_context_is_complete(sandbox: MakeSandbox) -> None:
    source = """
        def handler(event, context):
            return {
                "id": context.aws_request_id,
                "arn": context.invoked_function_arn,
                "name": context.function_name,
                "version": context.function_version,
                "memory": context.memory_limit_in_mb,
                "group": context.log_group_name,
                "stream": context.log_stream_name,
                "remaining": context.get_remaining_time_in_millis(),
                "custom": context.client_context.custom,
                "identity": context.identity.cognito_identity_id,
            }
    """
    variables = {
        "AWS_LAMBDA_FUNCTION_VERSION": "7",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/23/[7]abc",
    }

    seen = answer(
        sandbox(source, variables=variables),
        client_context='{"custom": {"key": "value"}}',
        cognito_identity='{"cognitoIdentityId": "me"}',
    )

    assert 30_000 < seen.pop("remaining") <= 60_000
    assert seen == {
        "id": "request-1",
        "arn": "arn:aws:lambda:eu-north-1:000000000000:function:f:live",
        "name": "f",
        "version": "7",
        "memory": "128",
        "group": "/aws/lambda/f",
        "stream": "2026/11/23/[7]abc",
        "custom": {"key": "value"},
        "identity": "me",
    }


def test_the_trace_id_changes_with_each_invocation(sandbox: MakeSandbox) -> None:
    made = sandbox("import os\ndef handler(*_): return os.environ.get('_X_AMZN_TRACE_ID')")

    assert answer(made, trace_id="Root=1") == "Root=1"
    assert answer(made, trace_id="Root=2") == "Root=2"
    assert answer(made) is None


def test_the_environment_holds_nothing_of_ours(sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("PYTHONPATH", PLUGINS)
    made = sandbox("import os\ndef handler(*_): return dict(os.environ)", variables={"MINE": "1"})

    seen = answer(made)

    assert seen["MINE"] == "1"
    assert set(seen) - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_SDK_UA_APP_ID",
        "HOME",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "MINE",
        "PATH",
        "TMPDIR",
    }


@pytest.mark.parametrize("is_in_place", [pytest.param(False, marks=ON_LINUX), True])
def test_the_import_path_starts_with_the_code_and_holds_nothing_of_ours(
    make_spec: Callable[..., Spec],
    is_in_place: bool,  # noqa: FBT001
) -> None:
    source = "import os, sys, from_layer\ndef handler(*_): return [os.getcwd(), sys.path, from_layer.VALUE]"
    spec = make_spec(source, is_in_place=is_in_place)
    (spec.layers / "python").mkdir()
    (spec.layers / "python" / "from_layer.py").write_text("VALUE = 42", "utf-8")

    with started(spec) as made:
        directory, path, value = answer(made)

    home = spec.layers if is_in_place else Path("/opt")
    site = home / "python" / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    assert path[:3] == [directory, str(site), str(home / "python")]
    assert directory == (str(spec.code) if is_in_place else "/var/task")
    assert not any("lambda_process_executor" in entry or entry == PLUGINS for entry in path)
    assert value == 42


@ON_LINUX
def test_files_are_where_lambda_has_them_and_only_tmp_may_be_written(make_spec: Callable[..., Spec]) -> None:
    source = """
        import os
        def written(path):
            try:
                with open(path, "w") as opened:
                    return bool(opened.write("x"))
            except OSError as error:
                return type(error).__name__ + str(error.errno)
        def handler(event, context):
            return {
                "code": os.listdir("/var/task"),
                "opt": open("/opt/data/words.txt").read(),
                "layers": os.listdir("/opt"),
                "written": [written(f"{place}/new") for place in ("/var/task", "/opt", "/var", "/tmp")],
            }
    """
    spec = make_spec(source)
    (spec.layers / "data").mkdir()
    (spec.layers / "data" / "words.txt").write_text("from the layer", "utf-8")

    with started(spec) as made:
        seen = answer(made)

    assert "app.py" in seen["code"]
    assert (seen["opt"], seen["layers"]) == ("from the layer", ["data"])
    assert seen["written"] == ["OSError30", "OSError30", "OSError30", True]
    assert not any(path.name == "new" for path in (*spec.code.iterdir(), *spec.layers.iterdir()))


@contextmanager
def started(spec: Spec) -> Iterator[Sandbox]:
    made = Sandbox(spec)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def test_a_handler_may_live_in_a_package(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("", handler="pkg.sub.mod.run")
    package = spec.code / "pkg" / "sub"
    package.mkdir(parents=True)
    (package / "mod.py").write_text("def run(event, context): return __name__", "utf-8")
    made = Sandbox(spec)
    made.start()

    assert answer(made) == "pkg.sub.mod"
    made.stop()


def test_standard_input_is_empty(sandbox: MakeSandbox) -> None:
    assert answer(sandbox("import sys\ndef handler(*_): return sys.stdin.read()")) == ""


def test_globals_survive_from_one_invocation_to_the_next(sandbox: MakeSandbox) -> None:
    made = sandbox("import itertools\ncount = itertools.count(1)\ndef handler(*_): return next(count)")

    assert [answer(made) for _ in range(3)] == [1, 2, 3]


def test_it_works_without_awslambdaric_s_native_client(sandbox: MakeSandbox, tmp_path: Path) -> None:
    """As on macOS, where it is not built."""
    (tmp_path / "runtime_client.py").write_text("raise ImportError('not built here')", "utf-8")
    source = """
        import runtime_client
        def handler(event, context):
            if event == "fail":
                raise ValueError("no")
            return [event, type(runtime_client).__name__, context.get_remaining_time_in_millis() > 0]
    """
    made = sandbox(source, variables={"PYTHONPATH": str(tmp_path)}, is_in_place=True)

    assert answer(made, "å", trace_id="Root=1") == ["å", "PythonRuntimeClient", True]
    assert error(invoke(made, "fail"))["errorType"] == "ValueError"
    assert answer(made, "again")[0] == "again"


# Logs


def test_output_and_logging_become_messages_between_lambda_s_lines(sandbox: MakeSandbox) -> None:
    source = r"""
        import logging, sys
        logging.getLogger().setLevel("INFO")
        def handler(event, context):
            print("first\nsecond")
            logging.info("one\nmessage")
            print("to stderr", file=sys.stderr)
            sys.stdout.write("no end")
    """

    start, first, second, logged, stderr, rest, end, report = invoke(sandbox(source)).logs.messages

    assert start == "START RequestId: request-1 Version: 7"
    assert [first, second, stderr, rest] == ["first", "second", "to stderr", "no end"]
    assert re.fullmatch(r"\[INFO\]\t[\d-]+T[\d:.]+Z\trequest-1\tone\nmessage", logged)
    assert end == "END RequestId: request-1"
    assert report.startswith("REPORT RequestId: request-1\tDuration: ")


def test_only_the_first_report_tells_of_the_initialisation(sandbox: MakeSandbox) -> None:
    made = sandbox(ECHO)

    reports = [invoke(made).logs.messages[-1] for _ in range(2)]

    assert re.search(r"\tInit Duration: \d+\.\d\d ms\t", reports[0])
    assert "Init Duration" not in reports[1]
    assert all(re.search(r"\tMemory Size: 128 MB\tMax Memory Used: [1-9]\d* MB\t", line) for line in reports)


def test_output_at_import_comes_before_the_first_start(sandbox: MakeSandbox) -> None:
    made = sandbox("print('importing')\n" + ECHO)

    assert made.pending_logs() == "importing\n"
    assert invoke(made).logs.messages[:2] == ("importing", "START RequestId: request-1 Version: 7")


def test_more_output_than_a_pipe_holds_arrives_whole(sandbox: MakeSandbox) -> None:
    source = "def handler(*_):\n    for number in range(3000): print(f'{number} ' + 'x' * 100)"

    messages = invoke(sandbox(source)).logs.messages[1:-2]

    assert messages == tuple(f"{number} " + "x" * 100 for number in range(3000))


def test_lambda_s_lines_are_json_when_asked_for(sandbox: MakeSandbox) -> None:
    source = "import logging\ndef handler(*_): logging.error('bad')"
    made = sandbox(source, has_json_logs=True, variables={"AWS_LAMBDA_LOG_FORMAT": "JSON"})

    events = [json.loads(message) for message in invoke(made).logs.messages]

    assert [event.get("type") for event in events] == [
        "platform.start",
        None,
        "platform.runtimeDone",
        "platform.report",
    ]
    assert (events[1]["level"], events[1]["message"]) == ("ERROR", "bad")


# Errors


def test_an_exception_is_reported_with_its_stack_and_the_process_lives_on(sandbox: MakeSandbox) -> None:
    source = """
        import os
        def handler(event, context):
            if event: fail()
            return os.getpid()
        def fail(): raise ValueError("no good")
    """
    made = sandbox(source)
    pid = answer(made)

    outcome = invoke(made, True)  # noqa: FBT003 # any event will do

    found = error(outcome)
    assert (found["errorType"], found["errorMessage"]) == ("ValueError", "no good")
    assert "app.py" in found["stackTrace"][0]
    assert 'raise ValueError("no good")' in found["stackTrace"][-1]
    assert any(
        message.startswith("[ERROR] ValueError: no good\nTraceback") for message in outcome.logs.messages
    )
    assert answer(made) == pid


@pytest.mark.parametrize(
    ("source", "handler", "kind", "text"),
    [
        (
            "import nothing_like_it",
            "app.handler",
            "Runtime.ImportModuleError",
            "No module named 'nothing_like_it'",
        ),
        ("", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("", "nothing.handler", "Runtime.ImportModuleError", "No module named 'nothing'"),
        ("", "nodots", "Runtime.MalformedHandlerName", "Bad handler 'nodots'"),
        ("def", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("raise KeyError('missing variable')", "app.handler", "KeyError", "missing variable"),
        ("import os; os._exit(3)", "app.handler", "Runtime.ExitError", "RequestId: request-1 Error: Runtime"),
    ],
)
def test_a_failed_initialisation_is_the_outcome_of_every_invocation(
    sandbox: MakeSandbox, source: str, handler: str, kind: str, text: str
) -> None:
    made = sandbox(source, handler=handler)

    for _ in range(2):
        found = error(invoke(made))
        assert found["errorType"] == kind
        assert text in found["errorMessage"]


def test_a_failed_initialisation_is_logged(sandbox: MakeSandbox) -> None:
    messages = invoke(sandbox("import nothing_like_it")).logs.messages

    assert any("Unable to import module 'app'" in message for message in messages)
    assert any(
        re.match(r"INIT_REPORT Init Duration: .* ms\tPhase: init\tStatus: error\t", line) for line in messages
    )
    assert messages[-1].endswith("\tStatus: error\tError Type: Runtime.ImportModuleError\t")


def test_an_initialisation_that_hangs_is_tried_again_within_the_function_s_time(
    sandbox: MakeSandbox,
) -> None:
    source = """
        import pathlib, tempfile, time
        flag = pathlib.Path(tempfile.gettempdir(), "been here")
        if not flag.exists():
            flag.touch()
            time.sleep(60)
        def handler(*_): return "at last"
    """
    made = sandbox(source, init_timeout=1.0)

    assert "\tStatus: timeout" in made.pending_logs()
    assert answer(made) == "at last"


@pytest.mark.parametrize(
    ("code", "end"),
    [
        ("os._exit(1)", "exit status 1"),
        ("sys.exit(4)", "exit status 4"),
        ("os.kill(os.getpid(), 11)", "signal: segmentation fault"),
    ],
)
def test_a_process_that_ends_is_reported_and_replaced(sandbox: MakeSandbox, code: str, end: str) -> None:
    made = sandbox(
        f"import os, sys\ndef handler(event, context):\n    if event: {code}\n    return os.getpid()"
    )
    pid = answer(made)

    outcome = invoke(made, "end")

    text = f"RequestId: request-1 Error: Runtime exited with error: {end}"
    assert error(outcome) == {"errorType": "Runtime.ExitError", "errorMessage": text}
    assert f"{text}\nRuntime.ExitError" in outcome.logs.messages
    assert outcome.logs.messages[-1].endswith("\tStatus: error\tError Type: Runtime.ExitError\t")
    assert answer(made) != pid


def test_a_process_that_ends_before_it_takes_an_invocation_is_replaced_for_it(sandbox: MakeSandbox) -> None:
    """As Node.js's does after an error that nobody handled."""
    source = """
        import os, threading, time
        def handler(event, context):
            if event:
                threading.Timer(0.2, os._exit, [128]).start()
                def hold(*_): time.sleep(60)
                import awslambdaric.lambda_runtime_client as client
                client.LambdaRuntimeClient.wait_next_invocation = hold
            return os.getpid()
    """
    made = sandbox(source)

    pid = answer(made, "end soon", request_id="request-1")

    assert answer(made, request_id="request-2") != pid


def test_a_time_out_kills_everything_and_is_reported(sandbox: MakeSandbox) -> None:
    source = """
        import os, subprocess, sys, time
        def handler(event, context):
            if not event:
                return os.getpid()
            sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            print(sleeper.pid, os.getpid())
            time.sleep(60)
    """
    made = sandbox(source, timeout=5.0)

    outcome = invoke(made, "hang")

    pids = [int(pid) for pid in outcome.logs.messages[1].split()]
    assert all(has_ended(pid) for pid in pids)
    found = error(outcome)
    text = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z request-1 Task timed out after 5\.00 seconds"
    assert found["errorType"] == "Sandbox.Timedout"
    assert re.fullmatch(text, found["errorMessage"])
    assert found["errorMessage"] in outcome.logs.messages
    assert outcome.logs.messages[-1].endswith("\tStatus: timeout\t")
    assert answer(made) not in pids


def test_a_response_that_is_too_large_is_an_error_and_the_next_works(sandbox: MakeSandbox) -> None:
    made = sandbox("def handler(event, context): return 'x' * event", max_response=1000)

    assert error(invoke(made, 999)) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (1000 bytes).",
    }
    assert len(answer(made, 998)) == 998


def test_payloads_of_six_megabytes_go_both_ways(sandbox: MakeSandbox) -> None:
    event = "x" * (6 * 2**20)

    assert answer(sandbox(ECHO), event) == event


def test_a_result_that_is_not_json_is_an_error(sandbox: MakeSandbox) -> None:
    assert error(invoke(sandbox("def handler(*_): return object()")))["errorType"] == "Runtime.MarshalError"


# Ends


def test_stopping_ends_the_process_and_removes_its_scratch(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("import tempfile\ndef handler(*_): return tempfile.mkdtemp()")
    made = Sandbox(spec)
    made.start()
    pid = made.pid
    assert pid is not None
    assert answer(made).startswith(str(spec.view.tmp))
    assert list(spec.scratch.iterdir())

    made.stop()

    assert has_ended(pid)
    assert not spec.scratch.exists()
    with pytest.raises(StoppedError):
        invoke(made)


@pytest.mark.parametrize(
    "source", ["import time; time.sleep(60)", "def handler(*_): import time; time.sleep(60)"]
)
def test_stopping_interrupts_what_runs(make_spec: Callable[..., Spec], source: str) -> None:
    made = Sandbox(make_spec(source))

    def start_and_invoke() -> Outcome:
        made.start()
        return invoke(made)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(start_and_invoke)
        while made.pid is None:
            time.sleep(0.01)
        began = time.monotonic()
        made.stop()
        assert isinstance(running.exception(5), StoppedError)
    assert time.monotonic() - began < 3


def test_nothing_is_left_open(make_spec: Callable[..., Spec]) -> None:
    def live() -> None:
        made = Sandbox(make_spec(ECHO))
        made.start()
        invoke(made)
        made.stop()

    live()
    before = psutil.Process().num_fds(), threading.active_count()
    for _ in range(3):
        live()
    assert (psutil.Process().num_fds(), threading.active_count()) <= before


PARENT = """
import pathlib, sys
from lambda_process_executor.runtime_api import Invocation
from lambda_process_executor.runtimes import Python
from lambda_process_executor.sandbox import Sandbox, Spec
from lambda_process_executor.toolchains import Toolchain
from lambda_process_executor.view import View

root = pathlib.Path(sys.argv[1])
view = View(code=root, layers=root, tmp=root)
python = Python("3.13", Toolchain(program=pathlib.Path(sys.executable)))
spec = Spec(
    command=python.command("app.handler", view, root),
    version="1", environment={"LAMBDA_TASK_ROOT": str(root)}, view=view, code=root, layers=root,
    scratch=root / "scratch", timeout=60, memory_size=128,
)
sandbox = Sandbox(spec)
sandbox.start()
sandbox.invoke(Invocation(request_id="1", function_arn="arn", payload=b"{}"))
"""


@pytest.mark.parametrize(
    "busy",
    [
        "while True: pass",
        "time.sleep(60)",
        pytest.param(
            "ctypes.PyDLL(None).pause()",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's help"),
            id="never lets go of the GIL",
        ),
    ],
)
def test_the_child_ends_soon_after_its_parent_was_killed(tmp_path: Path, busy: str) -> None:
    pid_file = tmp_path / "pid"
    source = f"""
        import ctypes, os, pathlib, subprocess, sys, time
        def handler(event, context):
            sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
            pathlib.Path({str(pid_file)!r}).write_text(f"{{os.getpid()}} {{sleeper.pid}}\\n")
            {busy}
    """
    (tmp_path / "app.py").write_text(textwrap.dedent(source), "utf-8")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], env={**os.environ, "PYTHONPATH": PLUGINS}
    )
    while not pid_file.exists() or not pid_file.read_text().endswith("\n"):
        time.sleep(0.01)

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    assert all(has_ended(int(pid)) for pid in pid_file.read_text().split())


# What is kept of it


def test_the_latest_events_are_kept_for_their_owner_alone(
    sandbox: MakeSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "events"
    monkeypatch.setenv(events.VARIABLE, str(folder))
    monkeypatch.setattr(events, "MOST", 2)
    made = sandbox("def handler(event, context): return 1 / event['divisor']")
    for divisor in (2, 1, 0):
        invoke(made, {"divisor": divisor}, request_id=f"request-{divisor}")

    last, before = invocations.read(folder)
    assert last == KeptInvocation(
        function="f", request_id="request-0", error="Unhandled", event={"divisor": 0}
    )
    assert (before.request_id, before.error) == ("request-1", "")
    assert {folder.stat().st_mode & 0o777, *(file.stat().st_mode & 0o777 for file in folder.iterdir())} == {
        0o700,
        0o600,
    }


def test_an_event_that_can_not_be_kept_is_no_reason_not_to_answer(
    sandbox: MakeSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "events").touch()
    monkeypatch.setenv(events.VARIABLE, str(tmp_path / "events"))

    assert answer(sandbox(ECHO), {"a": 1}) == {"a": 1}
    assert "the event of request-1 can't be kept" in caplog.text
