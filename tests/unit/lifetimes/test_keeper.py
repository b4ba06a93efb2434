from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import Endpoint, HarnessError, eventually
from harness.base.telemetry import progress, timeline
from harness.lifetimes import keeper
from harness.lifetimes.keeper import Holding, Keeper, Task
from harness.values import Outputs
from tests.unit.fake_stack import FakeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTEXTS = """
import logging
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from harness import Endpoint, HarnessError
from harness.base.telemetry import timeline
from harness.lifetimes.keeper import Holding
from harness.values import Outputs

from fake import note

ENDPOINT = Endpoint(backend="fake", url="http://127.0.0.1:9", region="r", log=Path("/a/log"), name="n")
log = logging.getLogger("harness.contexts")

@contextmanager
def good(settings):
    with timeline.phase("start"):
        log.info("starting it")
    outputs = Outputs({"url": "https://x", "numbers": [1, 2]})
    yield Holding(endpoint=ENDPOINT, root=Path("/a/root"), outputs=outputs)
    log.info("stopping it")
    note("left")

@contextmanager
def on_top(settings, endpoint):
    try:
        yield Holding(endpoint=endpoint)
    finally:
        time.sleep(1)
        note("top left")

@contextmanager
def mute(settings):
    print("my last words", flush=True)
    os._exit(7)
    yield

@contextmanager
def slow(settings):
    note("starting")
    try:
        time.sleep(600)
        yield
    except KeyboardInterrupt as problem:
        note("interrupted")
        problem.add_note("the clean-up failed")
        raise

@contextmanager
def stubborn(settings):
    yield Holding(endpoint=ENDPOINT)
    note("leaving")
    time.sleep(1)
    note("left")

@contextmanager
def not_left(settings):
    yield Holding(endpoint=ENDPOINT)
    raise HarnessError("it can't be left")

@contextmanager
def with_child(settings):
    asked = "import signal; print(signal.getsignal(signal.SIGINT) == signal.default_int_handler)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    yield Holding(endpoint=ENDPOINT, outputs=Outputs({"interruptible": told.strip()}))
"""

# Starts the keepers that its arguments name, each above the one before, and waits to be killed.
STARTER = """
import os, sys, time
from pathlib import Path
from harness import Settings
from harness.lifetimes import keeper
settings = Settings.from_env(os.environ, Path(sys.argv[1]))
below = None
for number, (name, bound, waits) in enumerate(told.split(",") for told in sys.argv[2:]):
    endpoint = below and below.held().endpoint
    task = keeper.Task(context=name, settings=settings, endpoint=endpoint, bound=bound == "bound")
    below = keeper.start(task, Path(sys.argv[1]) / f"keeper{number}", above=below)
    if waits == "ready":
        below.ready()
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    made = FakeStack.made(tmp_path / "project")
    (made.folder / "contexts.py").write_text(CONTEXTS, "utf-8")
    made.made_importable(monkeypatch)
    yield made
    made.kill()


@pytest.fixture
def started(project: FakeStack) -> Callable[..., Keeper]:
    def start(context: str, *, endpoint: Endpoint | None = None, backend: str = "fake:backend") -> Keeper:
        settings = project.settings(HARNESS_BACKEND=backend)
        task = Task(context=context, settings=settings, endpoint=endpoint)
        return keeper.start(task, project.folder / f"keeper-{context}")

    return start


@pytest.fixture
def starter(project: FakeStack) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts a keeper from another process."""
    running: list[subprocess.Popen[str]] = []

    def start(*contexts: str) -> subprocess.Popen[str]:
        environ = os.environ | project.environ | {"PYTHONPATH": str(project.folder)}
        argv = [sys.executable, "-c", STARTER, str(project.folder), *contexts]
        running.append(
            subprocess.Popen(
                argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        )
        assert running[-1].stdout is not None
        assert running[-1].stdout.readline() == "started\n"
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=10)


def test_what_it_holds_is_known_here(started: Callable[..., Keeper]) -> None:
    held = started("contexts:good").ready()

    assert held.endpoint.url == "http://127.0.0.1:9"
    assert (str(held.endpoint.log), str(held.root), held.endpoint.name) == ("/a/log", "/a/root", "n")
    assert held.outputs == Outputs({"url": "https://x", "numbers": [1, 2]})
    assert held.endpoint.ended() == ""


def test_its_progress_and_its_spans_are_told_here(started: Callable[..., Keeper]) -> None:
    lines: list[str] = []
    spans: list[timeline.Span] = []

    with progress.shown(lines.append, timed=False), timeline.ENDED.heard_by(spans.append):
        running = started("contexts:good")
        running.ready()
        assert lines == ["starting it"]
        running.stop()

    assert lines == ["starting it", "stopping it"]
    assert [(span.kind, span.name, span.ok) for span in spans] == [("phase", "start", True)]


def test_stopping_it_leaves_the_context_once(started: Callable[..., Keeper], project: FakeStack) -> None:
    running = started("contexts:good")
    running.ready()

    running.stop()
    running.stop()

    assert project.done() == ["left"]
    assert running.ended() != ""
    assert keeper.find(running.folder) is None


def test_a_context_that_is_not_entered_is_told_in_its_own_words(started: Callable[..., Keeper]) -> None:
    failed = started("harness.lifetimes.held:backend_held", backend="fake:broken")

    for ask in (failed.ready, failed.held):
        with pytest.raises(HarnessError) as told:
            ask()
        assert str(told.value) == "backend 'broken': it is out of order\nseen on a Monday"


def test_a_mistake_in_the_context_is_told_with_its_place(started: Callable[..., Keeper]) -> None:
    with pytest.raises(HarnessError, match=r'(?s)fake\.py", line .*KeyError: .no such key'):
        started("harness.lifetimes.held:backend_held", backend="fake:buggy").ready()


def test_a_context_that_does_not_exist_is_told(started: Callable[..., Keeper]) -> None:
    with pytest.raises(HarnessError, match="No module named 'nowhere'"):
        started("nowhere:nothing").ready()


def test_an_end_without_a_word_is_told_with_what_was_printed(started: Callable[..., Keeper]) -> None:
    with pytest.raises(
        HarnessError, match=r"(?s)holds nothing: the process that held it ended.*my last words"
    ):
        started("contexts:mute").ready()


def test_a_context_that_is_not_left_in_good_order_is_an_error(started: Callable[..., Keeper]) -> None:
    running = started("contexts:not_left")
    running.ready()

    with pytest.raises(HarnessError, match=r"^it can't be left$"):
        running.stop()


def test_what_goes_wrong_on_the_way_out_of_a_start_is_an_error(
    started: Callable[..., Keeper], project: FakeStack
) -> None:
    running = started("contexts:slow")
    eventually(project.done, what="the start")

    with pytest.raises(HarnessError, match=r"^the clean-up failed$"):
        running.stop()

    assert project.done() == ["starting", "interrupted"]


def test_the_end_of_the_emulator_is_known_here(started: Callable[..., Keeper], project: FakeStack) -> None:
    running = started("harness.lifetimes.held:backend_held")
    endpoint = running.ready().endpoint
    ((_, emulator, *_rest),) = project.notes("started")

    os.kill(int(emulator), signal.SIGKILL)

    how = eventually(endpoint.ended, what="the emulator's end", timeout=60)
    assert how == "backend 'fake': it ended with exit code -9 in mid-run"
    assert keeper.find(running.folder) is None


def test_what_is_held_on_a_backend_ends_with_it_for_the_same_reason(
    started: Callable[..., Keeper], project: FakeStack
) -> None:
    below = started("harness.lifetimes.held:backend_held").ready()
    above = started("contexts:on_top", endpoint=below.endpoint).ready()
    ((_, emulator, *_rest),) = project.notes("started")

    os.kill(int(emulator), signal.SIGKILL)

    how = eventually(above.endpoint.ended, what="the emulator's end", timeout=60)
    assert how == "backend 'fake': it ended with exit code -9 in mid-run"


def test_a_second_signal_does_not_cut_the_way_out_short(
    started: Callable[..., Keeper], project: FakeStack
) -> None:
    running = started("contexts:stubborn")
    running.ready()

    os.kill(running.pid, signal.SIGTERM)
    eventually(project.done, what="the way out")
    os.kill(running.pid, signal.SIGTERM)
    os.kill(running.pid, signal.SIGINT)

    eventually(running.ended, what="the end")
    assert project.done() == ["leaving", "left"]


def test_what_it_starts_can_be_interrupted(started: Callable[..., Keeper]) -> None:
    assert started("contexts:with_child").ready().outputs["interruptible"] == "True"


def test_a_file_of_the_project_does_not_pass_for_a_part_of_python(
    started: Callable[..., Keeper], project: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.folder / "elsewhere").mkdir()
    for name in ("contexts.py", "fake.py"):
        (project.folder / name).rename(project.folder / "elsewhere" / name)
    (project.folder / "pickle.py").write_text("raise RuntimeError('not this one')", "utf-8")
    monkeypatch.setattr("sys.path", [path for path in sys.path if path != str(project.folder)])
    monkeypatch.syspath_prepend(project.folder / "elsewhere")

    assert started("contexts:good").ready().outputs["url"] == "https://x"


def test_it_ends_with_a_starter_that_is_killed(
    starter: Callable[..., subprocess.Popen[str]], project: FakeStack
) -> None:
    starter("harness.lifetimes.held:backend_held,bound,ready", "contexts:on_top,bound,ready").kill()

    project.wait_until_clean()
    assert project.done() == ["started", "top", "stopped"]  # in this order: the backend waits


def test_it_ends_with_a_starter_that_is_killed_while_it_starts(
    starter: Callable[..., subprocess.Popen[str]], project: FakeStack
) -> None:
    running = starter("contexts:slow,bound,starting")
    eventually(project.done, what="the start")

    running.kill()

    project.wait_until_clean()
    assert project.done() == ["starting", "interrupted"]


def test_one_that_is_not_bound_outlives_its_starter_and_is_found(
    starter: Callable[..., subprocess.Popen[str]], project: FakeStack
) -> None:
    starter("contexts:good,free,starting").kill()

    running = eventually(lambda: keeper.find(project.folder / "keeper0"), what="the keeper")
    assert running is not None
    assert running.ready().outputs["url"] == "https://x"
    running.stop()
    assert keeper.find(project.folder / "keeper0") is None
    assert project.done() == ["left"]


@pytest.mark.parametrize("text", [None, "", "{", '{"pid": 1, "started": 1.0}', '{"pid": 1}'])
def test_none_is_found_where_none_runs(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "keeper.json").write_text(text, "utf-8")

    assert keeper.find(tmp_path) is None


def test_one_that_was_killed_is_not_found(started: Callable[..., Keeper]) -> None:
    running = started("contexts:good")
    running.ready()

    psutil.Process(running.pid).kill()

    eventually(running.ended, what="its end")
    assert keeper.find(running.folder) is None


def test_what_is_told_can_be_read_back() -> None:
    endpoint = Endpoint(backend="x", url="http://h", region="r", access_key="1" * 12, secret_key="s")  # noqa: S106

    read = Holding.from_json(Holding(endpoint=endpoint).to_json(), ended=lambda: "gone")

    assert read == Holding(endpoint=endpoint)
    assert read.endpoint.ended() == "gone"
