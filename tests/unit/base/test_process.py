from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import eventually
from harness.base import process
from harness.errors import CommandError, MissingToolError

if TYPE_CHECKING:
    from pathlib import Path

ENV = dict(os.environ)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_it_keeps_the_two_streams_apart_and_shows_each_line_as_it_comes() -> None:
    shown: list[str] = []

    done = process.run(
        python("import sys; print('out'); print('err', file=sys.stderr)"),
        env=ENV,
        timeout=20,
        on_line=shown.append,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")
    assert sorted(shown) == ["err", "out"]


def test_output_larger_than_a_pipe_does_not_block() -> None:
    done = process.run(python("print('x' * 1_000_000)"), env=ENV, timeout=20)

    assert len(done.stdout) == 1_000_001


def test_what_a_listener_raises_is_raised_at_the_end_and_the_child_is_not_held_up() -> None:
    told: list[str] = []

    def choke(line: str) -> None:
        told.append(line)
        raise ValueError("no such line")

    begun = time.monotonic()
    with pytest.raises(ValueError, match="no such line") as caught:
        process.run(python("[print('x' * 100) for _ in range(10_000)]"), env=ENV, timeout=60, on_line=choke)

    assert told == ["x" * 100]
    assert caught.value.__cause__ is None
    assert time.monotonic() - begun < 30


def test_what_a_listener_raises_comes_with_the_childs_own_failure() -> None:
    def choke(_line: str) -> None:
        raise ValueError("no such line")

    with pytest.raises(ValueError, match="no such line") as caught:
        process.run(python("print('the reason'); exit(3)"), env=ENV, timeout=20, on_line=choke)

    assert isinstance(caught.value.__cause__, CommandError)
    assert "the reason" in str(caught.value.__cause__)


def test_a_failure_tells_the_exit_code_and_the_last_lines() -> None:
    with pytest.raises(CommandError, match=r"(?s)failed with exit code 3.*\n  line 99") as caught:
        process.run(python("[print('line', n) for n in range(100)]; exit(3)"), env=ENV, timeout=20)

    assert caught.value.returncode == 3
    assert "line 0\n" in caught.value.output


def test_an_accepted_exit_code_is_no_failure() -> None:
    assert process.run(python("exit(2)"), env=ENV, timeout=20, accept=frozenset({0, 2})).returncode == 2


def test_a_killed_child_is_told_by_its_signal() -> None:
    with pytest.raises(CommandError, match="killed by SIGKILL"):
        process.run(python("import os; os.kill(os.getpid(), 9)"), env=ENV, timeout=20)


def test_a_time_out_kills_the_child_and_its_children() -> None:
    code = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); time.sleep(600)"
    )

    with pytest.raises(CommandError, match="did not end within 1 s") as caught:
        process.run(python(code), env=ENV, timeout=1)

    assert caught.value.returncode is None
    grandchild = int(caught.value.output)
    eventually(lambda: not alive(grandchild), what="the grandchild's end", timeout=5)


def test_an_interrupt_reaches_the_child_as_sigint_and_is_raised_again(tmp_path: Path) -> None:
    note = tmp_path / "note"
    code = (
        "import pathlib, sys, time\n"
        "try:\n    print('ready', flush=True); time.sleep(600)\n"
        f"except KeyboardInterrupt:\n    pathlib.Path({str(note)!r}).write_text('wound down')\n"
    )

    def interrupt(_line: str) -> None:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()

    with process.sigterm_as_interrupt(), pytest.raises(KeyboardInterrupt):
        process.run(python(code), env=ENV, timeout=20, on_line=interrupt)

    assert note.read_text() == "wound down"


def test_a_second_interrupt_ends_the_child_at_once() -> None:
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, lambda *_: print('not yet', flush=True))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(1)\n"
    )
    begun = time.monotonic()

    def interrupt(_line: str) -> None:  # once it is ready, and once it has ignored the first one
        os.kill(os.getpid(), signal.SIGTERM)

    with process.sigterm_as_interrupt(), pytest.raises(KeyboardInterrupt):
        process.run(python(code), env=ENV, timeout=300, on_line=interrupt, grace=300)

    assert time.monotonic() - begun < 60


def test_a_child_that_a_signal_has_killed_is_told_with_its_name_and_what_it_printed() -> None:
    code = "import os; print('last words', flush=True); os.kill(os.getpid(), 9)"

    with pytest.raises(CommandError, match=r"was killed by SIGKILL after it printed:\n  last words$"):
        process.run(python(code), env=ENV, timeout=20)


def test_the_handler_of_sigterm_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with process.sigterm_as_interrupt():
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before


def test_a_server_and_what_it_started_end_with_the_context(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = (
        "import os, subprocess, sys, time;"
        "nap = [sys.executable, '-c', 'import time; time.sleep(600)'];"
        "own_group = subprocess.Popen(nap, process_group=0);"
        "print(own_group.pid, flush=True); time.sleep(600)"
    )

    with process.serving(python(code), env=ENV, log=log) as server:
        grandchild = int(eventually(log.read_text, what="the server's line"))
        assert alive(grandchild)

    assert not alive(server.pid)
    assert not alive(grandchild)


def test_a_server_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STOP_GRACE", 0.3)
    log = tmp_path / "log"
    deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    code = f"import signal, time; {deaf}; print('ready', flush=True); time.sleep(600)"
    begun = time.monotonic()

    with process.serving(python(code), env=ENV, log=log) as server:
        eventually(log.read_text, what="the server's line")

    assert not alive(server.pid)
    assert time.monotonic() - begun < 30


def test_a_child_is_killed_once_there_is_a_reason_to() -> None:
    begun = time.monotonic()
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"

    with pytest.raises(CommandError, match="was stopped: the power failed") as caught:
        process.run(python(code), env=ENV, timeout=60, stop_if=lambda: "the power failed")

    assert caught.value.returncode is None
    assert time.monotonic() - begun < 30


def test_a_missing_tool_says_how_to_get_it() -> None:
    with pytest.raises(MissingToolError, match="'terraform' is not on PATH; install it") as caught:
        process.find("terraform", path="", remedy="install it")

    assert caught.value.tool == "terraform"


def test_a_program_answers_line_by_line_until_it_ends() -> None:
    program = """
import sys
for line in sys.stdin:
    if line == "end\\n":
        break
    print(line.upper(), end="", flush=True)
"""
    with process.answering([sys.executable, "-c", program], env={}) as ask:
        assert [ask("one"), ask("two")] == ["ONE", "TWO"]
        assert [ask("end"), ask("three")] == ["", ""]
