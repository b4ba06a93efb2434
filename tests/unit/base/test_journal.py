from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import eventually
from harness.base import journal, process

if TYPE_CHECKING:
    from pathlib import Path

# Notes a child and a folder, and is killed.
RUN = """
import os, pathlib, signal, subprocess, sys
from harness.base import journal, process
cache, folder = map(pathlib.Path, sys.argv[1:])
folder.mkdir()
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
child = subprocess.Popen(sleep, stdout=subprocess.DEVNULL, start_new_session=True)
started = process.start_time(child.pid)
with journal.noted(cache, "a sleeper", pid=child.pid, started=started, folder=str(folder)):
    print(child.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_an_entry_lives_as_long_as_its_context(tmp_path: Path) -> None:
    with journal.noted(tmp_path, "a thing", folder="there"):
        (file,) = (tmp_path / "journal").iterdir()
        assert json.loads(file.read_text("utf-8"))["folder"] == "there"

    assert list((tmp_path / "journal").iterdir()) == []


def test_an_entry_goes_with_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), journal.noted(tmp_path, "a thing"):
        raise ZeroDivisionError

    assert list((tmp_path / "journal").iterdir()) == []


def test_what_a_living_run_has_noted_is_no_orphan(tmp_path: Path) -> None:
    with journal.noted(tmp_path, "a thing"):
        assert journal.orphans(tmp_path) == {}


@pytest.mark.skipif(not psutil.LINUX, reason="elsewhere the start of a process does not move")
def test_a_living_run_is_no_orphan_after_somebody_has_set_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = psutil.Process().create_time()
    with journal.noted(tmp_path, "a thing"):
        monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 0.0)

        assert psutil.Process().create_time() != before
        assert journal.orphans(tmp_path) == {}


def test_what_a_killed_run_has_noted_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    argv = [sys.executable, "-c", RUN, str(tmp_path), str(folder)]
    sleeper = int(subprocess.run(argv, stdout=subprocess.PIPE, check=False).stdout)
    assert psutil.pid_exists(sleeper)

    ((file, entry),) = journal.orphans(tmp_path).items()
    journal.clear(file, entry)

    assert entry.what == "a sleeper"
    eventually(lambda: not _lives(sleeper), what="the end of the sleeper")
    assert not folder.exists()
    assert journal.orphans(tmp_path) == {}


def test_what_still_works_in_the_folder_of_a_killed_run_ends_too(tmp_path: Path) -> None:
    (folder := tmp_path / "folder" / "root").mkdir(parents=True)
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(argv, cwd=folder, start_new_session=True) as left:
        note = journal.note(tmp_path, "a stack", folder=str(folder.parent))

        journal.clear(note, journal.Entry(owner="", what="a stack", folder=str(folder.parent)))

        assert left.wait(timeout=30) == -signal.SIGKILL


@pytest.mark.parametrize("seconds", [1.0, -1.0])
def test_a_process_that_has_the_number_of_an_earlier_one_is_left_alone(
    tmp_path: Path, seconds: float
) -> None:
    argv = [sys.executable, "-c", "import time; time.sleep(600)"]
    with subprocess.Popen(argv, start_new_session=True) as other:
        started = process.start_time(other.pid) + seconds
        journal.clear(tmp_path / "x.json", journal.Entry(owner="", what="", pid=other.pid, started=started))

        assert other.poll() is None
        other.kill()


def test_what_another_machine_has_noted_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    for host in (f"not-{socket.gethostname()}", socket.gethostname()):
        entry = {"owner": f"{host}/1/1", "what": host}
        (tmp_path / "journal" / f"{host}.json").write_text(json.dumps(entry), "utf-8")

    assert [entry.what for entry in journal.orphans(tmp_path).values()] == [socket.gethostname()]


@pytest.mark.parametrize("text", ["", "{", '{"owner": "x/1/1", "unknown": 1}'])
def test_a_file_that_is_no_entry_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "x.json").write_text(text, "utf-8")

    assert journal.orphans(tmp_path) == {}


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
