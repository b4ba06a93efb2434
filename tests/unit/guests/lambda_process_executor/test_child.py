from __future__ import annotations

import os
import queue
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psutil
import pytest
from lambda_process_executor.child import Child, describe_exit, marked_processes, peak_memory

from .conftest import has_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

type Start = Callable[[str], Child]

FORK_AWAY = """
import subprocess, sys
sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
print(subprocess.Popen(sleeper).pid, subprocess.Popen(sleeper, start_new_session=True).pid, flush=True)
"""


@pytest.fixture
def exits() -> queue.SimpleQueue[int]:
    return queue.SimpleQueue()


@pytest.fixture
def start(tmp_path: Path, exits: queue.SimpleQueue[int]) -> Iterator[Start]:
    with ExitStack() as closing:

        def starter(code: str) -> Child:
            child = Child(
                [sys.executable, "-c", code],
                environment={"MARK": str(tmp_path)},
                directory=tmp_path,
                on_exit=exits.put,
                mark=f"MARK={tmp_path}",
            )
            closing.callback(child.close)
            return child

        yield starter


def read_line(child: Child) -> str:
    for _ in range(1000):
        if line := child.output.read(1000):
            return line.decode().strip()
        time.sleep(0.01)
    raise AssertionError("no output")


def test_its_environment_is_what_it_was_given(start: Start, tmp_path: Path) -> None:
    child = start("import os; print({n: v for n, v in os.environ.items() if n != 'LC_CTYPE'})")

    assert read_line(child) == str({"MARK": str(tmp_path)})


def test_it_leads_a_group_of_its_own_in_our_session(start: Start) -> None:
    child = start("import os; print(os.getpgrp() == os.getpid(), os.getsid(0))")

    assert read_line(child) == f"True {os.getsid(0)}"


@pytest.mark.parametrize(("code", "status"), [("import os; os._exit(3)", 3), ("import os; os.abort()", -6)])
def test_its_end_is_told(start: Start, exits: queue.SimpleQueue[int], code: str, status: int) -> None:
    child = start(code)

    assert exits.get(timeout=10) == status
    assert not child.is_alive


def test_killing_ends_all_its_descendants(start: Start) -> None:
    child = start(FORK_AWAY + "input(); import time; time.sleep(60)")
    descendants = [int(pid) for pid in read_line(child).split()]

    child.kill()

    assert not child.is_alive
    assert has_ended(descendants[0])
    if sys.platform == "linux":
        assert has_ended(descendants[1])
    else:
        os.kill(descendants[1], 9)


def test_descendants_do_not_outlive_it(start: Start, exits: queue.SimpleQueue[int]) -> None:
    child = start(FORK_AWAY)
    descendants = [int(pid) for pid in read_line(child).split()]

    exits.get(timeout=10)

    assert has_ended(descendants[0])


def test_it_can_be_killed_twice(start: Start) -> None:
    child = start("import time; time.sleep(60)")
    child.kill()
    child.kill()


def test_one_that_can_t_start_leaves_nothing_open(tmp_path: Path) -> None:
    before = psutil.Process().num_fds()
    with pytest.raises(FileNotFoundError):
        Child([str(tmp_path / "none")], environment={}, directory=tmp_path, on_exit=print, mark="A=b")
    assert psutil.Process().num_fds() == before


def test_its_peak_memory_is_known_while_it_runs(start: Start) -> None:
    child = start("data = b'x' * (50 * 2**20); print('made', flush=True); del data; input(); input()")
    read_line(child)

    assert 50 < child.peak_memory() < 200 or sys.platform != "linux"
    child.kill()
    assert child.peak_memory() == 0
    assert peak_memory(child.pid) == 0


def test_processes_without_the_mark_are_not_found() -> None:
    assert marked_processes("NO=such mark") == []


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "Runtime exited without providing a reason"),
        (3, "Runtime exited with error: exit status 3"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_ends_are_put_in_lambda_s_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
