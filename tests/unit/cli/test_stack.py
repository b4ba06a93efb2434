"""The commands on a running stack, with a fake backend and a fake Terraform."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness.cli.main import app

from .test_imports import SLOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from click.testing import Result

pytestmark = pytest.mark.processes
COMMANDS = set(app.commands)
OF_FILES = {"merge", "report", "show-trace", "snapshot"}  # they ask no endpoint
SAYS_WHY = re.compile("nothing answers|to be up, and it is not|expected a table in pyproject.toml")
BACKEND = """
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from harness import Endpoint

class Quiet(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

@contextmanager
def answering():
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

@contextmanager
def backend(settings):
    with answering() as url:
        yield Endpoint(backend="fake", url=url, region=settings.region)
"""
TERRAFORM = """#!/bin/sh
values=$(sed 's/ = "/=/; s/"$//' harness.tfvars 2>/dev/null | tr '\\n' ' ')
echo "$* $values" >> "$CALLS"
case $1 in
  init) mkdir -p .terraform; echo '{"backend": {"type": "local"}}' > .terraform/terraform.tfstate ;;
  apply) cp state.json terraform.tfstate 2>/dev/null || echo "$STATE" > terraform.tfstate
    hook='"hook":{"resource":{"addr":"aws_s3_bucket.b"},"action":"create"}'
    echo "{\\"type\\":\\"apply_start\\",$hook}"; echo "{\\"type\\":\\"apply_complete\\",$hook}"
    grep -q broken main.tf && exit 1 ;;
esac
exit 0
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a project with a root and a fake Terraform."""
    (tmp_path / "terraform").mkdir()
    (tmp_path / "terraform" / "main.tf").touch()
    (tmp_path / "terraform" / "variables.tf").write_text('variable "colour" { default = "" }\n', "utf-8")
    (tmp_path / "fake.py").write_text(BACKEND, "utf-8")
    program = tmp_path / "terraform.sh"
    program.write_text(TERRAFORM, "utf-8")
    program.chmod(0o755)
    return tmp_path


@pytest.fixture
def environ(project: Path) -> dict[str, str]:
    return os.environ | {
        "HARNESS_BACKEND": "fake:backend",
        "HARNESS_CACHE_DIR": str(project / "cache"),
        "HARNESS_TERRAFORM": str(project / "terraform.sh"),
        "CALLS": str(project / "calls"),
        "STATE": json.dumps({"outputs": {"url": {"value": "ftp://x", "type": "string"}}}),
        "PYTHONPATH": str(project),
    }


@pytest.fixture
def harness(
    project: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Result]]:
    """Return a function that runs a command in the project. A running stack is stopped after the test.

    The command runs in this process, because starting Python takes longer than most commands do. If a command
    lets an exception through, the test fails.
    """
    monkeypatch.chdir(project)
    monkeypatch.syspath_prepend(project)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environ, catch_exceptions=False, prog_name="harness")

    yield run
    run("down")


def test_up_applies_and_tells_outputs_time_and_the_slowest(harness: Callable[..., Result]) -> None:
    done = harness("up")

    assert done.exit_code == 0, done.stderr
    assert done.stdout == "url  ftp://x\n"
    assert "aws_s3_bucket.b created in " in done.stderr
    assert re.search(r"up at http://127\.0\.0\.1:\d+ in ", done.stderr)
    assert "1 resources changed; slowest: aws_s3_bucket.b " in done.stderr


def test_up_again_applies_nothing_and_variables_apply_the_difference(
    harness: Callable[..., Result], project: Path
) -> None:
    harness("up")
    harness("up")
    calls = (project / "calls").read_text("utf-8")
    assert calls.count("apply ") == 1

    harness("up", "--terraform-var", "colour=red")

    assert "colour=red" in (project / "calls").read_text("utf-8").removeprefix(calls)


def test_up_answers_in_json_for_scripts(harness: Callable[..., Result]) -> None:
    told = json.loads(harness("up", "--json").stdout)

    assert told["endpoint"].startswith("http://127.0.0.1:")
    assert told["outputs"] == {"url": "ftp://x"}


def test_status_says_what_is_up_and_whether_it_is_current(
    harness: Callable[..., Result], project: Path
) -> None:
    assert harness("status").exit_code == 1

    harness("up")
    assert json.loads(harness("status", "--json").stdout)["current"] is True

    (project / "terraform" / "main.tf").write_text("# changed\n", "utf-8")
    assert "no: `harness up` applies what has changed" in harness("status").stdout


def test_an_output_is_printed_by_itself(harness: Callable[..., Result]) -> None:
    harness("up")

    assert harness("outputs", "url").stdout == "ftp://x\n"
    assert harness("outputs").stdout == "url  ftp://x\n"
    assert json.loads(harness("outputs", "--json").stdout) == {"url": "ftp://x"}
    assert "not declared; the root declares: url" in harness("outputs", "urk").stderr


def test_a_url_of_api_gateway_is_shown_with_the_one_that_answers_here(
    harness: Callable[..., Result], project: Path
) -> None:
    published = "https://a1b2.execute-api.eu-north-1.amazonaws.com/dev/latest"
    state = {"outputs": {"url": {"value": published, "type": "string"}}}
    (project / "terraform" / "state.json").write_text(json.dumps(state), "utf-8")

    for command in ("up", "status"):
        shown = harness(command).stdout

        assert published in shown
        assert re.search(r"url \(here\)\s+http://127\.0\.0\.1:\d+/_aws/execute-api/a1b2/dev/latest\n", shown)


def test_down_stops_it_once(harness: Callable[..., Result]) -> None:
    harness("up")

    assert harness("down").stdout == "stopped\n"
    assert harness("down").stdout == "nothing was up\n"
    assert harness("status").exit_code == 1


@pytest.mark.parametrize("command", ["fire", "latest", "logs", "status"])
def test_without_a_stack_the_way_out_is_named(harness: Callable[..., Result], command: str) -> None:
    done = harness(command)

    assert done.exit_code == 1
    assert done.stderr.startswith("error: the stack of ")
    assert done.stderr.endswith("is not up; start it with `harness up`\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["latest", "--output", "url"],
            "terraform output 'url': expected the URL of an API, got 'ftp://x'",
        ),
        (["latest"], "terraform output 'api_url': not declared; the root declares: url"),
        (["fire"], "--rule: expected a stack with a rule that has a pattern, got 'none'"),
        (["logs", "nobody"], "FUNCTION: expected one of , got 'nobody'"),
        (["up", "--terraform-var", "x"], "--terraform-var: expected NAME=VALUE, got 'x'"),
    ],
)
def test_a_users_mistake_on_a_stack_is_one_message(
    harness: Callable[..., Result], arguments: list[str], told: str
) -> None:
    harness("up")

    done = harness(*arguments)

    assert done.exit_code == 1
    assert f"error: {told}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("root", "arguments", "told"),
    [
        (
            'variable "colour" {}',
            ["--terraform-var", "color=red"],
            "expected a variable of the root (colour), got 'color'; did you mean colour?",
        ),
        (
            'variable "size" {}',
            [],
            "terraform variable 'size': expected a value, because it has no",
        ),
    ],
)
def test_a_wrong_variable_is_told_before_anything_starts(
    harness: Callable[..., Result], project: Path, root: str, arguments: list[str], told: str
) -> None:
    (project / "terraform" / "variables.tf").write_text(root, "utf-8")

    done = harness("up", *arguments)

    assert told in done.stderr
    assert (done.exit_code, harness("down").stdout) == (1, "nothing was up\n")
    assert not (project / "calls").exists()


def test_a_failed_apply_is_told_and_tried_again(harness: Callable[..., Result], project: Path) -> None:
    (project / "terraform" / "main.tf").write_text("broken", "utf-8")
    done = harness("up")
    assert done.exit_code == 1
    assert "error: terraform apply failed" in done.stderr

    (project / "terraform" / "main.tf").write_text("mended", "utf-8")

    assert harness("up").exit_code == 0


def test_up_tells_what_can_be_set_off(harness: Callable[..., Result], project: Path) -> None:
    rule = {"name": "wake", "event_pattern": "{}", "event_bus_name": "b"}
    function = {"function_name": "greet"}
    state = {
        "resources": [
            _resource("aws_cloudwatch_event_rule", rule),
            _resource("aws_lambda_function", function),
        ]
    }
    (project / "terraform" / "state.json").write_text(json.dumps(state), "utf-8")

    told = harness("up").stderr

    assert "function greet: harness invoke greet '{}'\nrule wake: harness fire --rule wake\n" in told
    assert "FUNCTION: expected one of greet, got 'great'" in harness("invoke", "great").stderr
    assert "EVENT: expected JSON" in harness("invoke", "greet", "{").stderr


def test_status_loads_nothing_that_takes_long(
    harness: Callable[..., Result], project: Path, environ: dict[str, str]
) -> None:
    harness("up")
    program = (
        "import sys; from harness.cli.main import app; app(['status'], standalone_mode=False); "
        f"print('loaded', *(name for name in {SLOW} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, env=environ, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "loaded"


def test_names_of_the_stack_are_completed(
    harness: Callable[..., Result], project: Path, environ: dict[str, str]
) -> None:
    environ |= {"_HARNESS_COMPLETE": "bash_complete", "COMP_CWORD": "2"}
    words = {"COMP_WORDS": "harness invoke g"}

    def completed() -> str:
        argv = [sys.executable, "-c", "from harness.cli.main import app; app(prog_name='harness')"]
        ran = subprocess.run(
            argv, cwd=project, env=environ | words, capture_output=True, text=True, check=False, timeout=60
        )
        return ran.stdout

    assert completed().split() == []
    resources = [
        _resource("aws_lambda_function", {"function_name": "greet"}),
        _resource("aws_cloudwatch_event_rule", {"name": "greeted", "event_pattern": "{}"}),
        _resource("aws_cloudwatch_event_rule", {"name": "gone_at_noon", "event_pattern": ""}),
    ]
    (project / "terraform" / "state.json").write_text(json.dumps({"resources": resources}), "utf-8")
    complete = environ.pop("_HARNESS_COMPLETE")
    harness("up")
    environ["_HARNESS_COMPLETE"] = complete
    assert completed().split() == ["plain,greet"]
    environ["COMP_CWORD"], words["COMP_WORDS"] = "3", "harness fire --rule g"
    assert completed().split() == ["plain,greeted"]
    del environ["_HARNESS_COMPLETE"]


def test_an_event_that_the_pattern_refuses_is_not_sent(harness: Callable[..., Result], project: Path) -> None:
    rule = {
        "name": "wake",
        "event_pattern": '{"source": ["me"], "detail": {"n": [1]}}',
        "event_bus_name": "b",
    }
    state = {"resources": [_resource("aws_cloudwatch_event_rule", rule)]}
    (project / "terraform" / "state.json").write_text(json.dumps(state), "utf-8")
    harness("up")

    refused = harness("fire", "--detail", '{"n": 2}')
    unknown = harness("fire", "--rule", "sleep")
    malformed = harness("fire", "--detail", "n=1")

    assert "--detail: expected a detail that the pattern of wake matches" in refused.stderr
    assert "--rule: expected one of wake, got 'sleep'" in unknown.stderr
    assert "--detail: expected a JSON object, got 'n=1'" in malformed.stderr


def test_watch_applies_whenever_a_source_changes(project: Path, environ: dict[str, str]) -> None:
    argv = [sys.executable, "-c", "from harness.cli import run; run()", "watch"]
    with subprocess.Popen(argv, cwd=project, env=environ, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        _read_until(running.stderr, "waiting for changes")
        (project / "terraform" / "main.tf").write_text("broken", "utf-8")
        _read_until(running.stderr, "changed: main.tf")
        _read_until(running.stderr, "error: terraform apply failed")
        (project / "terraform" / "main.tf").write_text("mended", "utf-8")
        _read_until(running.stderr, "changed: main.tf")
        _read_until(running.stderr, "waiting for changes")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)

    assert running.returncode == 130
    subprocess.run([*argv[:-1], "down"], cwd=project, env=environ, check=True, timeout=60)


def test_sweep_removes_what_a_killed_run_has_left(
    harness: Callable[..., Result],
    project: Path,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(project))  # so that no other run leaves anything here
    left = project / "left"
    left.mkdir()
    script = (
        "import os, sys, pathlib; from harness.base import journal\n"
        "with journal.noted(pathlib.Path(sys.argv[1]), 'a folder', folder=sys.argv[2]): os._exit(1)"
    )
    argv = [sys.executable, "-c", script, environ["HARNESS_CACHE_DIR"], str(left)]
    subprocess.run(argv, check=False, timeout=60)

    done = harness("sweep")

    assert f"removed a folder {left}\n" in done.stdout
    assert not left.exists()
    assert json.loads(harness("sweep", "--json").stdout) == {"removed": []}


def _read_until(lines: Iterable[str], wanted: str) -> None:
    for line in lines:
        if wanted in line:
            return
    pytest.fail(f"it ended before it said {wanted!r}")


def _resource(kind: str, values: dict[str, str]) -> dict[str, object]:
    return {"mode": "managed", "type": kind, "name": "it", "instances": [{"attributes": values}]}


STS = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Account>000000000000</Account><Arn>a</Arn><UserId>u</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>"""


@contextmanager
def emulator(port: int = 0) -> Iterator[int]:
    """Serve the requests of `external`, and yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(STS)

        do_POST = do_GET  # noqa: N815 - the base class calls it so

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def gone(_port: int) -> Iterator[None]:
    yield


@contextmanager
def hanging(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port), backlog=64):
        yield


@contextmanager
def garbage(port: int) -> Iterator[None]:
    def answer(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                with server.accept()[0] as line:
                    line.sendall(b"what?\r\n\r\n")

    with socket.create_server(("127.0.0.1", port), backlog=64) as server:
        threading.Thread(target=answer, args=(server,), daemon=True).start()
        yield
        server.shutdown(socket.SHUT_RDWR)


def until_error(project: Path, environ: dict[str, str]) -> str:
    """Return the first error of `harness watch`, which continues after it."""
    argv = [sys.executable, "-c", "from harness.cli import run; run()", "watch"]
    with subprocess.Popen(argv, cwd=project, env=environ, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        told = next(line for line in running.stderr if line.startswith(("error:", "Traceback")))
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=30)
    return told


@pytest.mark.parametrize("become", [gone, hanging, garbage])
def test_an_endpoint_that_is_not_there_any_more_wedges_nothing(
    harness: Callable[..., Result],
    project: Path,
    environ: dict[str, str],
    become: Callable[[int], AbstractContextManager[None]],
) -> None:
    environ["HARNESS_BACKEND"] = "external"
    with emulator() as port:
        environ["HARNESS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
        assert harness("up").exit_code == 0

    with become(port):
        for command in sorted(COMMANDS - OF_FILES - {"down", "sweep", "watch"}):
            began = time.monotonic()
            done = harness(command)
            assert (done.exit_code, "Traceback" in done.stderr) == (1, False), done.stderr
            assert SAYS_WHY.search(done.stdout + done.stderr), command
            assert time.monotonic() - began < 60  # not the minutes that a call of AWS's SDK waits
        assert "nothing answers" in until_error(project, environ)
        assert harness("down").exit_code == 0
        assert harness("sweep").exit_code == 0

    with emulator(port):
        assert harness("up").exit_code == 0


def test_a_kept_stack_on_an_endpoint_that_is_gone_is_swept(
    harness: Callable[..., Result], environ: dict[str, str], project: Path
) -> None:
    environ["HARNESS_BACKEND"] = "external"
    with emulator() as port:
        environ["HARNESS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
        harness("up")

    done = harness("sweep")

    assert (done.exit_code, done.stdout.startswith("removed the kept stack in ")) == (0, True), done.stderr
    assert not [folder for folder in (project / "cache" / "kept").iterdir() if folder.is_dir()]


def test_another_endpoint_in_the_settings_is_noticed(
    harness: Callable[..., Result], environ: dict[str, str]
) -> None:
    environ["HARNESS_BACKEND"] = "external"
    with emulator() as first, emulator() as second:
        environ["HARNESS_ENDPOINT_URL"] = f"http://127.0.0.1:{first}"
        harness("up")
        environ["HARNESS_ENDPOINT_URL"] = f"http://127.0.0.1:{second}"

        assert "was started with other settings; `harness up` starts afresh" in harness("status").stderr
        assert f"up at http://127.0.0.1:{second} " in harness("up").stderr


def test_a_backend_that_another_command_is_starting_is_not_one_of_other_settings(
    harness: Callable[..., Result], project: Path
) -> None:
    harness("up")
    (note,) = (project / "cache" / "kept").glob("*/backend.json")  # it is written when the backend is ready
    note.unlink()

    assert "error: another command is starting the kept backend" in harness("status").stderr


def test_logs_say_that_no_invocation_logs_an_event(harness: Callable[..., Result]) -> None:
    harness("up")

    done = harness("logs", "--event", "e-1", "--minutes", "5")

    assert (done.exit_code, done.stdout) == (0, "")
    assert "no invocation of the last 5 minutes logs e-1" in done.stderr


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"fingerprint": 1}'])
@pytest.mark.parametrize("file", ["backend.json", "stack.json"])
def test_a_note_that_is_damaged_is_replaced(
    harness: Callable[..., Result], project: Path, file: str, damage: str
) -> None:
    harness("up")
    (note,) = (project / "cache" / "kept").glob(f"*/{file}")
    note.write_text(damage, "utf-8")

    status = harness("status")
    assert (status.exit_code, "Traceback" in status.stderr) == (1, False)
    assert harness("up").exit_code == 0
    assert json.loads(harness("status", "--json").stdout)["current"] is True


def test_a_folder_that_is_half_deleted_is_made_anew(harness: Callable[..., Result], project: Path) -> None:
    harness("up")
    (kept,) = (folder for folder in (project / "cache" / "kept").iterdir() if folder.is_dir())
    shutil.rmtree(kept / "workspace")

    status = harness("status")
    assert "Traceback" not in status.stderr
    assert harness("up").exit_code == 0
    assert harness("down").exit_code == 0
