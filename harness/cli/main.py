"""The command line."""

from __future__ import annotations

import json
import os
import time
import traceback
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness import backends, hops, packages
from harness.aws.problems import as_harness_errors
from harness.base.process import sigterm_as_interrupt
from harness.cli import console, doctor, operations
from harness.errors import HarnessError, SettingsError
from harness.lifetimes import sweep as sweeping
from harness.lifetimes.hot import IS_ON, is_on
from harness.lifetimes.kept import Kept
from harness.settings import Settings, assigned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.deployment import Deployment
    from harness.lifetimes.hot import Hot

app = typer.Typer(
    name="harness",
    help="Test a real Terraform + Lambda system on an emulator.",
    no_args_is_help=True,
    rich_markup_mode=None,  # it takes `[tool.harness.package]` for markup, and leaves it out
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Variables = Annotated[
    list[str] | None,
    typer.Option("--terraform-var", metavar="NAME=VALUE", help="A variable of the root; may be repeated."),
]


_SHOWN = {"traceback": False}
_DISTRIBUTION = "terraform-lambda-harness"
_NEXT = "next: harness fire, harness logs -f, harness watch, pytest --keep; harness down stops it"


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        typer.echo(f"{_DISTRIBUTION} {metadata.version(_DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def choose(
    backend: Annotated[str, typer.Option(help="Where the stack runs; else HARNESS_BACKEND.")] = "",
    terraform_dir: Annotated[str, typer.Option(help="The root module; else HARNESS_TERRAFORM_DIR.")] = "",
    *,
    verbose: Annotated[bool, typer.Option(help="Show the whole traceback of an error.")] = False,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool,
        typer.Option(
            "--version", help="Print the version, and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Test a real Terraform + Lambda system on an emulator."""
    _SHOWN["traceback"] = verbose
    given = {"HARNESS_BACKEND": backend, "HARNESS_TERRAFORM_DIR": terraform_dir}
    os.environ |= {name: value for name, value in given.items() if value}


@app.command()
def up(variables: Variables = None, *, as_json: AsJson = False) -> None:
    """Start the backend, apply the stack, and leave both running; apply what has changed where they run."""
    with _plain_errors() as spans:
        began = time.monotonic()
        deployment = _applied(_settings(variables))
        told = console.summary(spans, began)
    outputs = dict(deployment.outputs.values)
    if as_json:
        _print_json(
            {"endpoint": deployment.endpoint.url, "seconds": time.monotonic() - began, "outputs": outputs}
        )
        return
    console.show_values(operations.values_here(deployment))
    typer.echo(f"\nup at {deployment.endpoint.url} in {told}\n{_NEXT}", err=True)


@app.command()
def fire(
    rule: Annotated[str, typer.Option(help="The rule to fire; needed where several wait for events.")] = "",
    detail: Annotated[str, typer.Option(help="The event's detail, as JSON.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Send the event that a rule waits for, and show how far it comes; exit code 1: not all the way."""
    with _plain_errors():
        event, found = operations.fire(_running(), rule=rule, detail=detail)
    if as_json:
        _print_json({"event": event.id, "hops": [asdict(hop) for hop in found]})
    else:
        typer.echo(f"event {event.id}\n{hops.told(found)}")
    raise typer.Exit(0 if all(hop.state == "reached" for hop in found) else 1)


@app.command()
def latest(
    output: Annotated[str, typer.Option(help="The root's output that is the API's URL.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Call the API and print its answer; exit code 1: it is no success."""
    with _plain_errors():
        answer = operations.latest(_running(), output)
    if as_json:
        _print_json({"status": answer.status, "headers": dict(answer.headers), "body": answer.text})
    else:
        typer.echo(answer.text)
        typer.echo(f"status {answer.status} in {answer.elapsed:.3f} s", err=True)
    raise typer.Exit(0 if answer.status < 400 else 1)  # noqa: PLR2004 - HTTP's first error


@app.command()
def status(*, as_json: AsJson = False) -> None:
    """Say what is up; exit code 1: nothing is."""
    with _plain_errors():
        kept = Kept.of(_settings())
        deployment = kept.running()
        told = {
            "endpoint": deployment.endpoint.url,
            "backend": deployment.endpoint.backend,
            "root": str(kept.settings.terraform_dir),
            "current": kept.is_current(),
            "hot": is_on(deployment.endpoint),
            "resources": len(deployment.resources()),
            "log": str(deployment.endpoint.log or ""),
        }
    if as_json:
        _print_json({**told, "outputs": dict(deployment.outputs.values)})
        return
    current = "yes" if told["current"] else "no: `harness up` applies what has changed"
    code = f"yes: {IS_ON}" if told["hot"] else "no"
    console.show_values({**told, "current": current, "hot": code, **operations.values_here(deployment)})


@app.command()
def logs(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[FUNCTION]...", help="All by default.")
    ] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    minutes: Annotated[float, typer.Option(help="How far to look back.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Print what the functions have logged."""
    with _plain_errors():
        deployment = _running()
        wanted = operations.functions(deployment, names or [])
        since = time.time() - 60 * minutes
        source = operations.following if follow else operations.logged
        for name, event in source(deployment, wanted, since):
            told = {"at": _stamp(event.at), "function": name, "message": event.message.rstrip()}
            typer.echo(json.dumps(told) if as_json else " ".join(told.values()))


@app.command()
def watch(
    variables: Variables = None,
    *,
    hot: Annotated[
        bool, typer.Option("--hot", help="Have functions in Python run what you save, with no new zip.")
    ] = False,
) -> None:
    """Bring the stack up, and what has changed whenever a source has, until Ctrl-C; the stack stays up."""
    with _plain_errors() as spans:
        settings = _settings(variables)
        with operations.reloading(settings) if hot else nullcontext() as reload:
            for changed in operations.changes(settings):
                began = time.monotonic()
                if changed:
                    typer.echo(f"changed: {', '.join(path.name for path in changed)}", err=True)
                if reload is None or not _reload_and_tell(reload, changed, began):
                    _apply_and_tell(settings, spans)
                    _begin_and_tell(reload)


@app.command()
def down(*, as_json: AsJson = False) -> None:
    """Stop what `up` has left running."""
    with _plain_errors():
        kept = Kept.of(_settings())
        with kept.alone():
            was_there = kept.stop()
    if as_json:
        _print_json({"stopped": was_there})
    else:
        typer.echo("stopped" if was_there else "nothing was up")


@app.command("package")
def package_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="All by default.")] = None,
) -> None:
    """Build the Lambda zips that [tool.harness.package] and [tool.harness.package.NAME] describe."""
    with _plain_errors():
        settings = _settings()
        for package in packages.selected(settings, names or []):
            typer.echo(packages.build(settings, package))


@app.command()
def emulator(
    port: Annotated[
        int, typer.Option(envvar="HARNESS_PORT", help="The port to listen on; 0 picks a free one.")
    ] = 4566,
) -> None:
    """Run the backend in the foreground, for `tflocal` and the AWS CLI, until Ctrl-C."""
    with _plain_errors():
        settings = replace(_settings(), port=port)
        with backends.started(settings) as endpoint:
            typer.echo(f"ready: export AWS_ENDPOINT_URL={endpoint.url}  (Ctrl-C stops it)")
            while not endpoint.ended():
                time.sleep(1)


@app.command("doctor")
def doctor_command(*, as_json: AsJson = False) -> None:
    """Say what this machine has and lacks, and how to get it; exit code 1: the main job can't run."""
    with _plain_errors():
        findings = doctor.examined(_settings())
    ready = doctor.can_run(findings)
    if as_json:
        _print_json({"ready": ready, "findings": [asdict(finding) for finding in findings]})
    else:
        typer.echo(doctor.report(findings))
    raise typer.Exit(0 if ready else 1)


@app.command()
def sweep(*, as_json: AsJson = False) -> None:
    """Remove what killed runs have left: processes, containers, networks, folders, stacks on real AWS."""
    with _plain_errors():
        removed = sweeping.swept(_settings())
    if as_json:
        _print_json({"removed": removed})
        return
    typer.echo("\n".join(f"removed {name}" for name in removed) or "nothing to remove")


def _settings(variables: list[str] | None = None) -> Settings:
    settings = Settings.from_env(os.environ)
    return replace(settings, variables={**settings.variables, **assigned("--terraform-var", variables or [])})


def _running() -> Deployment:
    return Kept.of(_settings()).running()


def _applied(settings: Settings) -> Deployment:
    kept = Kept.of(settings)
    with kept.alone():
        return kept.deployment(kept.endpoint())


def _apply_and_tell(settings: Settings, spans: console.Spans) -> None:
    """Apply; a mistake in the sources is told, and the next change is a new chance."""
    began = time.monotonic()
    spans.ended.clear()
    try:
        url = _applied(settings).endpoint.url
    except HarnessError as problem:
        typer.echo(f"error: {problem}", err=True)
    else:
        typer.echo(f"up at {url} in {console.summary(spans, began)}; waiting for changes", err=True)


def _reload_and_tell(reload: Hot, changed: list[Path], began: float) -> bool:
    """Have functions run what has changed; return whether that is all that has to be done."""
    if not reload.covers(changed):
        return False
    try:
        names = reload.saved()
    except HarnessError as problem:
        typer.echo(f"error: {problem}\nthe code before it goes on", err=True)
    else:
        seconds = time.monotonic() - began
        typer.echo(f"hot: {', '.join(names) or 'nothing new'} after {seconds:.2f} s", err=True)
    return True


def _begin_and_tell(reload: Hot | None) -> None:
    if reload is None:
        return
    kept = Kept.of(reload.settings)
    try:
        names = ", ".join(reload.begin(kept.running().endpoint, kept.zips_that_run()))
        typer.echo(f"hot: functions run {names} as you save it, until Ctrl-C", err=True)
    except SettingsError:
        raise
    except HarnessError as problem:
        typer.echo(f"error: {problem}", err=True)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    typer.echo(json.dumps(value, indent=2))


@contextmanager
def _plain_errors() -> Iterator[console.Spans]:
    """Show progress on standard error, and a harness error as its message alone; SIGTERM is as Ctrl-C."""
    try:
        with sigterm_as_interrupt(), console.followed() as spans, as_harness_errors():
            yield spans
    except HarnessError as problem:
        if _SHOWN["traceback"]:
            traceback.print_exception(problem)
        typer.echo(f"error: {problem.text}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def main() -> None:
    """Run the command line."""
    app()
