"""The command line."""

from __future__ import annotations

import json
import os
import pkgutil
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from harness import backends, doctor, package, progress
from harness.errors import HarnessError, SettingsError
from harness.process import sigterm_as_interrupt
from harness.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(
    name="harness",
    help="Test a real Terraform + Lambda system on an emulator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.command("package")
def package_command() -> None:
    """Build the Lambda zip that [tool.harness.package] describes."""
    with _plain_errors():
        settings = Settings.from_env(os.environ)
        if settings.package is None:
            raise SettingsError("[tool.harness.package]", expected="a table in pyproject.toml", got="none")
        typer.echo(package.build(settings, settings.package))


@app.command()
def emulator(
    port: Annotated[
        int, typer.Option(envvar="HARNESS_PORT", help="The port to listen on; 0 picks a free one.")
    ] = 4566,
) -> None:
    """Run the backend in the foreground, for `tflocal` and the AWS CLI, until Ctrl-C."""
    with _plain_errors():
        settings = Settings.from_env({**os.environ, "HARNESS_PORT": str(port)})
        with sigterm_as_interrupt(), backends.started(settings) as endpoint:
            typer.echo(f"ready: export AWS_ENDPOINT_URL={endpoint.url}  (Ctrl-C stops it)")
            while True:
                time.sleep(3600)


@app.command("doctor")
def doctor_command(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Say what this machine has and lacks, and how to get it; exit code 1: the main job can't run."""
    with _plain_errors():
        findings = doctor.examined(Settings.from_env(os.environ))
    ready = doctor.can_run(findings)
    answer = {"ready": ready, "findings": [asdict(finding) for finding in findings]}
    typer.echo(json.dumps(answer, indent=2) if as_json else doctor.report(findings))
    raise typer.Exit(0 if ready else 1)


@app.command()
def sweep() -> None:
    """Remove the containers and networks that killed runs have left."""
    with _plain_errors():
        # Imported only here: it needs an extra that may not be installed.
        for name in pkgutil.resolve_name("harness.backends.container:sweep")():
            typer.echo(f"removed {name}")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Show progress on standard error, and a harness error as its message alone."""
    try:
        with progress.shown(lambda line: print(line, file=sys.stderr, flush=True)):  # noqa: T201 - a terminal program
            yield
    except HarnessError as problem:
        notes = getattr(problem, "__notes__", [])
        typer.echo("\n".join([f"error: {problem}", *notes]), err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def main() -> None:
    """Run the command line."""
    app()
