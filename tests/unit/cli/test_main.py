from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness.cli.main import app, snapshots

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).parents[3]


def harness(
    *arguments: str, environ: Mapping[str, str] = MappingProxyType({}), cwd: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", "from harness.cli import run; run()", *arguments]
    return subprocess.run(
        argv, cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, check=False, timeout=120
    )


def test_package_prints_the_zips_path() -> None:
    done = harness("package")

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == PROJECT / "build" / "s3_lambda_api.zip"


def test_package_builds_those_that_are_named(tmp_path: Path) -> None:
    tables = [f"[tool.harness.package.{name}]\nsource = '{name}'\noutput = '{name}.zip'\n" for name in "ab"]
    (tmp_path / "pyproject.toml").write_text("".join(tables), "utf-8")
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()

    assert harness("package", "b", cwd=tmp_path).stdout.splitlines() == [str(tmp_path / "b.zip")]
    assert not (tmp_path / "a.zip").exists()
    every = [str(tmp_path / "a.zip"), str(tmp_path / "b.zip")]
    assert harness("package", cwd=tmp_path).stdout.splitlines() == every
    assert "expected a package with a name (a, b), got 'c'" in harness("package", "c", cwd=tmp_path).stderr


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


@pytest.mark.parametrize(
    "arguments",
    [["--backend=hosst", "emulator"], ["emulator", "--backend=hosst"], ["emulator", "--backend", "hosst"]],
)
def test_the_backend_is_named_before_or_behind_the_command(arguments: list[str]) -> None:
    assert "got 'hosst'" in harness(*arguments).stderr


def test_the_root_is_named_behind_the_command_too(tmp_path: Path) -> None:
    told = harness("doctor", f"--terraform-dir={tmp_path}", environ={"HARNESS_BACKEND": "host"}).stdout

    assert f"0 files of Terraform in {tmp_path}" in told


def test_what_is_behind_two_dashes_is_left_to_the_command() -> None:
    assert "got '--backend=host'" in harness("package", "--", "--backend=host").stderr


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
    argv = [sys.executable, "-c", "from harness.cli import run; run()", "emulator", "--port", "4999"]
    environ = os.environ | {"HARNESS_BACKEND": "fake:backend", "PYTHONPATH": str(tmp_path)}

    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        assert running.stdout is not None
        assert "AWS_ENDPOINT_URL=http://127.0.0.1:4999" in running.stdout.readline()
        running.send_signal(sent)
        rest = running.stdout.read()

    assert running.returncode == 130
    assert rest == "stopped\n"


def test_the_help_of_each_command_has_every_word_of_its_description() -> None:
    commands = app.commands
    every = {name: each for name, each in commands.items() if name != "snapshot"}
    every |= {f"snapshot {name}": each for name, each in snapshots.commands.items()}
    for words, command in every.items():
        described = " ".join(inspect.cleandoc(command.callback.__doc__ or "").split())
        shown = " ".join(CliRunner().invoke(app, [*words.split(), "--help"]).stdout.split())

        assert described in shown, words


def test_every_command_is_in_a_group_of_the_help_and_examples_are_below() -> None:
    shown, _, examples = harness("--help").stdout.partition("Examples:")

    for name in app.commands:
        assert f"\n  {name} " in shown
    assert "harness invoke greet --last-failed --pdb" in examples


def test_the_version_is_told() -> None:
    assert harness("--version").stdout == f"terraform-lambda-harness {version('terraform-lambda-harness')}\n"


def test_a_short_option_asks_for_help_too() -> None:
    assert harness("-h").stdout == harness("--help").stdout


def test_a_cache_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()

    done = harness("up", environ={"HARNESS_CACHE_DIR": str(blocked / "cache")})

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: Not a directory: ")


def test_up_hot_is_watch_hot(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[tuple[Mapping[str, str], bool]] = []
    monkeypatch.setattr(
        "harness.cli.watch.run", lambda settings, _, *, hot: watched.append((settings.variables, hot))
    )

    assert CliRunner().invoke(app, ["up", "--hot", "--terraform-var", "a=b"]).exit_code == 0
    assert CliRunner().invoke(app, ["up", "--hot", "--json"]).exit_code == 2
    assert [(variables["a"], hot) for variables, hot in watched] == [("b", True)]


@pytest.mark.parametrize("command", [["watch"], ["up", "--hot"], ["up"], ["status"]])
def test_a_wrong_setting_is_one_line(command: list[str]) -> None:
    done = CliRunner().invoke(app, command, env={"HARNESS_PORT": "abc"})

    expected = "error: HARNESS_PORT: expected a port from 0 (any free one) to 65535, got 'abc'\n"
    assert (done.exit_code, done.stderr) == (1, expected)


@pytest.mark.parametrize(
    "command", [["emulator", "--port=99999"], ["debug", "--port=0"], ["logs", "--minutes=inf"]]
)
def test_a_number_that_is_out_of_range_is_a_wrong_option(command: list[str]) -> None:
    done = CliRunner().invoke(app, command)

    assert (done.exit_code, "is not in the range" in done.stderr) == (2, True)
