from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).parents[3]


def harness(
    *arguments: str, environ: Mapping[str, str] = MappingProxyType({}), cwd: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", "from harness.cli.main import main; main()", *arguments]
    return subprocess.run(
        argv, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=120
    )


def test_package_prints_the_zips_path() -> None:
    done = harness("package")

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == PROJECT / "build" / "s3_lambda_api.zip"


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        (["package"], {"HARNESS_PORT": "x"}, "HARNESS_PORT: expected a port"),
        (["emulator"], {"HARNESS_BACKEND": "hosst"}, "HARNESS_BACKEND: expected one of auto, "),
    ],
)
def test_a_users_mistake_is_one_message_without_a_traceback(
    arguments: list[str], environ: dict[str, str], told: str
) -> None:
    done = harness(*arguments, environ=environ)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {told}")
    assert "Traceback" not in done.stderr


def test_a_project_without_a_package_table_is_told_so(tmp_path: Path) -> None:
    done = harness("package", cwd=tmp_path)

    assert done.returncode == 1
    assert "error: [tool.harness.package]: expected a table in pyproject.toml" in done.stderr


BACKEND = """
from contextlib import contextmanager
from harness import Endpoint

@contextmanager
def backend(settings):
    try:
        yield Endpoint(backend="fake", url=f"http://127.0.0.1:{settings.port}", region=settings.region)
    finally:
        print("stopped", flush=True)
"""


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_emulator_runs_until_a_signal_and_then_stops_the_backend(
    tmp_path: Path, sent: signal.Signals
) -> None:
    (tmp_path / "fake.py").write_text(BACKEND, "utf-8")
    argv = [sys.executable, "-c", "from harness.cli.main import main; main()", "emulator", "--port", "4999"]
    environ = os.environ | {"HARNESS_BACKEND": "fake:backend", "PYTHONPATH": str(tmp_path)}

    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        assert running.stdout is not None
        assert "AWS_ENDPOINT_URL=http://127.0.0.1:4999" in running.stdout.readline()
        running.send_signal(sent)
        rest = running.stdout.read()

    assert running.returncode == 130
    assert rest == "stopped\n"
