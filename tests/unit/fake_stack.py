"""A project with a fake backend and a fake Terraform, which note each step. A life cycle takes seconds."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from harness import Settings, eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

FAILS = "[ $1 != {command} ] || {{ echo '{told}'; exit 1; }}"

_BACKEND = """
import os
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

from harness import BackendError, Endpoint
from harness.backends.emulator import served_emulator, watched

NOTES = Path(__file__).with_name("notes")
SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]

def note(*words):
    with NOTES.open("a", encoding="utf-8") as notes:
        notes.write(" ".join(map(str, words)) + "\\n")

class Quiet(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass

@contextmanager
def answering(how):
    with ThreadingHTTPServer(("127.0.0.1", 0), how) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

@contextmanager
def backend(settings, how=Quiet):
    folder = settings.cache_dir / f"emulator-{uuid4().hex}"
    folder.mkdir(parents=True)
    with answering(how) as url, served_emulator(
        SLEEP, settings, settings.environ, folder / "emulator.log"
    ) as emulator:
        note("started", emulator.process.pid, os.getpid(), os.getppid())
        endpoint = Endpoint(backend="fake", url=url, region=settings.region)
        with watched(endpoint, emulator) as seen:
            yield seen
    note("stopped")

@contextmanager
def temporary(settings, how=Quiet):
    with backend(settings, how) as endpoint:
        yield replace(endpoint, is_temporary=True)

class Stateful(Quiet):
    # Hands out a state that tells its port, and notes what it is given.

    def do_GET(self):
        if self.path.startswith("/_harness/state"):
            note("saved", self.path.partition("?")[2])
            self.answer(200, f"state at 127.0.0.1:{self.server.server_port}".encode())
        else:
            super().do_GET()

    def do_PUT(self):
        state = self.rfile.read(int(self.headers["Content-Length"]))
        note("restored", state.decode())
        refused = NOTES.with_name("refuses").exists()
        self.answer(400 if refused else 200, b"it is too old" if refused else b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

@contextmanager
def stateful(settings):
    with temporary(settings, Stateful) as endpoint:
        yield endpoint

@contextmanager
def broken(settings):
    note("broken")
    problem = BackendError("broken", "it is out of order")
    problem.add_note("seen on a Monday")
    raise problem
    yield

@contextmanager
def buggy(settings):
    yield {}["no such key"]
"""

_VARIABLES = "".join(f'variable "{name}" {{ default = "" }}\n' for name in ("a", "b", "lambda_zip"))
_TERRAFORM = """#!/bin/sh
values=$(sed 's/ = "/=/; s/"$//' harness.tfvars 2>/dev/null | tr '\\n' ' ')
echo "$1 $AWS_ACCESS_KEY_ID $PWD $* $values" >> {notes}
if [ "$1" = init ]; then
  mkdir -p .terraform
  echo '{{"backend": {{"type": "local"}}}}' > .terraform/terraform.tfstate
fi
if [ "$1" = apply ]; then
  serial=$(sed 's/.*"serial": //; s/,.*//' terraform.tfstate 2>/dev/null || echo 0)
  answer='"outputs": {{"answer": {{"value": "42", "type": "string"}}}}'
  printf '{{"serial": %s, %s}}' $((serial + 1)) "$answer" > terraform.tfstate
fi
{script}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeStack:
    """The project.

    Attributes:
        folder: The folder of the module `fake`, the root `terraform`, the program and the cache.
    """

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> FakeStack:
        """Write the project into `folder`."""
        (folder / "terraform").mkdir(parents=True)
        (folder / "scratch").mkdir()
        (folder / "terraform" / "main.tf").write_text("# the first\n", "utf-8")
        (folder / "terraform" / "variables.tf").write_text(_VARIABLES, "utf-8")
        (folder / "fake.py").write_text(_BACKEND, "utf-8")
        project = cls(folder=folder)
        project.script("")
        return project

    def made_importable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process import this project's module `fake`."""
        monkeypatch.syspath_prepend(self.folder)
        monkeypatch.delitem(sys.modules, "fake", raising=False)

    def script(self, script: str) -> None:
        """Let Terraform end with `script`."""
        program = self.folder / "fake-terraform"
        program.write_text(_TERRAFORM.format(notes=self.folder / "notes", script=script), "utf-8")
        program.chmod(0o755)

    def failing(self, command: str, told: str) -> None:
        """Let a command of Terraform fail with an error."""
        diagnostic = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": told}}
        self.script(FAILS.format(command=command, told=json.dumps(diagnostic)))

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment that selects the fakes."""
        return {
            "HARNESS_BACKEND": "fake:backend",
            "HARNESS_CACHE_DIR": str(self.folder / "cache"),
            "HARNESS_TERRAFORM": str(self.folder / "fake-terraform"),
            "TMPDIR": str(self.folder / "scratch"),
        }

    def settings(self, **environ: str) -> Settings:
        """Return the settings of the project, with `environ` on top."""
        return Settings.from_env({**os.environ, **self.environ, **environ}, self.folder)

    def notes(self, what: str = "") -> list[list[str]]:
        """Return the notes that begin with `what`, split into words."""
        file = self.folder / "notes"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [line.split() for line in lines if line.startswith(what)]

    def counted(self) -> dict[str, int]:
        """Return the number of times that each step was done."""
        return dict(Counter(note[0] for note in self.notes()))

    def done(self) -> list[str]:
        """Return the steps that were done, in their order."""
        return [note[0] for note in self.notes()]

    def processes(self) -> list[psutil.Process]:
        """Return the processes that were started with the project's environment."""
        return [found for found in psutil.process_iter() if self._is_ours(found)]

    def wait_until_clean(self, *, timeout: float = 10.0) -> None:
        """Wait until no process and no file is left.

        Raises:
            NotReachedError: Some are left. `last` has them.
        """
        eventually(self._left, until=lambda left: not left, what="the end of all", timeout=timeout)

    def _left(self) -> list[object]:
        journal = self.folder / "cache" / "journal"
        files = [*(self.folder / "scratch").glob("harness-*"), *journal.glob("*")]
        return [*self.processes(), *files]

    def kill(self) -> None:
        """Kill all processes that are left."""
        for process in self.processes():
            process.kill()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            environ = process.environ()
            return (
                environ.get("HARNESS_CACHE_DIR") == self.environ["HARNESS_CACHE_DIR"]
                and process.pid != os.getpid()
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False
