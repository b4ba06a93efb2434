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
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.aws.problems import as_harness_errors
from harness.base.process import sigterm_as_interrupt
from harness.cli import complete, console, operations, records
from harness.errors import HarnessError
from harness.functions import debugger
from harness.lifetimes.hot import IS_ON, is_on
from harness.lifetimes.kept import KeptStack
from harness.settings import Settings, parse_assignments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from click import Command, Context, HelpFormatter, Parameter

    from harness.stack.deployment import Deployment


_GROUPS = {
    "Bring it up, set it off": ("up", "fire", "invoke", "latest", "debug", "watch"),
    "Look": ("status", "outputs", "logs", "open", "doctor", "report", "show-trace"),
    "Measure": ("coverage", "permissions", "merge"),
    "Clean up": ("down", "sweep"),
    "Parts": ("snapshot", "package", "emulator"),
}
_EXAMPLES = [
    ("harness up", "start the backend and apply the stack"),
    ("harness fire", "send an event, and see how far it comes"),
    ("harness invoke greet --last-failed --pdb", "step through the last failure"),
    ("harness logs greet -f", "follow the log of a function"),
    ("harness watch --hot", "make functions run your saved sources"),
]
_WIDEST = 42  # of an example
_COMMON = frozenset({"--backend", "--terraform-dir"})


class _Grouped(click.Group):
    """Shows its commands in groups, followed by examples, and takes its options behind a command, too."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse the arguments as if the options of the group came first."""
        return super().parse_args(ctx, _with_common_options_first(args))

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - as it is called
        """Write a section for each group of commands."""
        for group, names in _GROUPS.items():
            with formatter.section(group):
                formatter.write_dl([(name, _purpose(self.commands[name])) for name in names])

    def format_epilog(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 - as it is called
        """Write the examples."""
        with formatter.section("Examples"):
            formatter.write_dl(_EXAMPLES, col_max=_WIDEST)


def _with_common_options_first(args: list[str]) -> list[str]:
    """Move the options that every command takes before the command. Those behind `--` stay."""
    end = args.index("--") if "--" in args else len(args)
    common: list[str] = []
    others: list[str] = []
    rest = iter(args[:end])
    for arg in rest:
        is_common = arg.partition("=")[0] in _COMMON
        (common if is_common else others).append(arg)
        if arg in _COMMON:
            common.extend(islice(rest, 1))  # the option's value
    return [*common, *others, *args[end:]]


def _purpose(command: Command) -> str:
    return (command.help or "").partition(";")[0].rstrip(".")


_SHOWN = {"traceback": False}
_AGAIN = "again: harness invoke --last-failed (--pdb steps through it), or harness debug --last-failed"
_NOT_LOGGED = "no invocation of the last {1:g} minutes logs {0}; harness fire shows the request of its event"
_YEAR = 525_600.0  # minutes
_DISTRIBUTION = "terraform-lambda-harness"
_NEXT = "next: harness fire, harness logs -f, harness watch, pytest --keep; stop it with harness down"


def _print_version(context: Context, _option: Parameter, wanted: bool) -> None:  # noqa: FBT001 - as it is called
    if wanted:
        click.echo(f"{_DISTRIBUTION} {metadata.version(_DISTRIBUTION)}")
        context.exit()


# Parameters of several commands.
_FILE = click.Path(path_type=Path)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_output = click.option(
    "--output",
    type=_FILE,
    metavar="HTML",
    help="Where to write the page. Default: a new temporary folder.",
)
_opens = click.option("--open/--no-open", "opens", default=True, help="Open a browser.", show_default=True)
_function = click.argument(
    "name",
    default="",
    metavar="[FUNCTION]",
    shell_complete=complete.functions,
    help="The only one by default.",
)
_last_failed = click.option(
    "--last-failed", is_flag=True, help="With the event of the last invocation that failed."
)
_request_id = click.option(
    "--request-id", default="", metavar="ID", help="With the event of this invocation."
)
_variables = click.option(
    "--terraform-var",
    "variables",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable of the root. Can be repeated.",
)


@click.group(
    cls=_Grouped,
    name="harness",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--backend",
    default="",
    shell_complete=complete.backend_names,
    help="Where the stack runs. Default: HARNESS_BACKEND.",
)
@click.option("--terraform-dir", default="", help="Your root module. Default: HARNESS_TERRAFORM_DIR.")
@click.option("--verbose/--no-verbose", help="Show the whole traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version, and exit.",
)
def app(backend: str, terraform_dir: str, *, verbose: bool) -> None:
    """Test a real Terraform + Lambda system on an emulator."""
    _SHOWN["traceback"] = verbose
    given = {"HARNESS_BACKEND": backend, "HARNESS_TERRAFORM_DIR": terraform_dir}
    os.environ |= {name: value for name, value in given.items() if value}


@app.command()
@_variables
@click.option(
    "--from", "snapshot", type=_FILE, metavar="FILE", help="Start from this snapshot. Its state can run code."
)
@click.option("--hot", is_flag=True, help="Stay until Ctrl-C, and do what `harness watch --hot` does.")
@_as_json
def up(variables: tuple[str, ...], snapshot: Path | None, *, hot: bool, as_json: bool) -> None:
    """Start the backend, apply the stack, and leave both running. Again: apply your changes."""
    if hot and (snapshot or as_json):
        raise click.BadParameter("--hot stays until Ctrl-C; leave out --from and --json")
    if hot:
        _watch(variables, hot=True)
        return
    with _plain_errors(live=True) as spans:
        began = time.monotonic()
        deployment = operations.bring_up(_kept(variables).settings, snapshot)
        summary = console.summary(spans, began)
    outputs = dict(deployment.outputs.untraced)
    if as_json:
        _print_json(
            {"endpoint": deployment.endpoint.url, "seconds": time.monotonic() - began, "outputs": outputs}
        )
        return
    console.show_values(operations.values_here(deployment))
    for what, command in operations.ways_in(deployment).items():
        click.echo(f"{what}: {command}", err=True)
    click.echo(f"\nup at {deployment.endpoint.url} in {summary}\n{_NEXT}", err=True)


@app.command()
@click.option(
    "--rule", default="", shell_complete=complete.rules, help="The rule to fire, if there are several."
)
@click.option("--detail", default="", help="The event's detail, as JSON.")
@_as_json
def fire(rule: str, detail: str, *, as_json: bool) -> None:
    """Send an event that a rule matches, and show its hops. Exits 1 if it does not arrive."""
    from harness.stack import hops

    with _plain_errors():
        event, found = operations.fire(_running(), rule=rule, detail=detail)
    if as_json:
        _print_json({"event": event.id, "hops": [asdict(hop) for hop in found]})
    else:
        click.echo(f"event {event.id}\n{hops.format_hops(found)}")
        if any(hop.name == "function returned" and hop.state == "failed" for hop in found):
            click.echo(_AGAIN, err=True)
    raise click.exceptions.Exit(0 if all(hop.state == "reached" for hop in found) else 1)


@app.command()
@click.option("--output", default="", help="The output with the API's URL.")
@_as_json
def latest(output: str, *, as_json: bool) -> None:
    """Call the API and print its answer. Exits 1 unless the status is below 400."""
    with _plain_errors():
        answer = operations.latest(_running(), output)
    if as_json:
        _print_json({"status": answer.status, "headers": dict(answer.headers), "body": answer.text})
    else:
        click.echo(answer.text)
        click.echo(f"status {answer.status} in {answer.elapsed:.3f} s", err=True)
    raise click.exceptions.Exit(0 if answer.status < 400 else 1)  # noqa: PLR2004 - HTTP's first error


@app.command()
@_as_json
def status(*, as_json: bool) -> None:
    """Show the running stack. Exits 1 if nothing is up."""
    with _plain_errors():
        kept = _kept()
        deployment = kept.running()
        state = {
            "endpoint": deployment.endpoint.url,
            "backend": deployment.endpoint.backend,
            "root": str(kept.settings.terraform_dir),
            "current": kept.is_current(),
            "hot": is_on(deployment.endpoint),
            "resources": len(deployment.resources()),
            "log": str(deployment.endpoint.log or ""),
        }
    if as_json:
        _print_json({**state, "outputs": dict(deployment.outputs.untraced)})
        return
    current = "yes" if state["current"] else "no: `harness up` applies what has changed"
    code = f"yes: {IS_ON}" if state["hot"] else "no"
    console.show_values({**state, "current": current, "hot": code, **operations.values_here(deployment)})


@app.command("open")
@_opens
def open_command(*, opens: bool) -> None:
    """Open the emulator's own dashboard, and print its URL."""
    with _plain_errors():
        url = operations.dashboard(_running().endpoint)
    click.echo(url)
    _open(url, opens=opens)


@app.command()
@click.argument("name", default="", metavar="[NAME]", help="All by default.")
@_as_json
def outputs(name: str, *, as_json: bool) -> None:
    """Print the outputs of the running stack, or a single one."""
    with _plain_errors():
        deployment = _running()
        shown = {name: deployment.outputs[name]} if name else operations.values_here(deployment)
    if as_json:
        _print_json(shown[name] if name else dict(deployment.outputs.untraced))
    elif name:
        click.echo(shown[name] if isinstance(shown[name], str) else json.dumps(shown[name]))
    else:
        console.show_values(shown)


@app.command()
@click.argument(
    "names", nargs=-1, metavar="[FUNCTION]...", shell_complete=complete.functions, help="All by default."
)
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, _YEAR),
    default=60.0,
    show_default=True,
    help="How far to look back.",
)
@click.option("--event", default="", metavar="ID", help="Only invocations that log this event or request id.")
@click.option("--all", "every", is_flag=True, help="START, END, REPORT and metrics, too.")
@click.option("--raw", is_flag=True, help="Messages as they are, with the time in UTC.")
@_as_json
def logs(
    names: tuple[str, ...], minutes: float, event: str, *, follow: bool, every: bool, raw: bool, as_json: bool
) -> None:
    """Print the logs of functions, one line per record."""
    if follow and event:
        raise click.BadParameter("--event shows past invocations; leave out --follow")
    with _plain_errors():
        deployment = _running()
        wanted = operations.functions(deployment, names)
        since, width = time.time() - 60 * minutes, max(map(len, wanted), default=0)
        following = operations.following(deployment, wanted, since)
        found = following if follow else operations.read_logs(deployment, wanted, since, event)
        if event and not found:
            click.echo(_NOT_LOGGED.format(event, minutes), err=True)
        for name, record in found:
            if as_json or raw:
                line = {"at": _stamp(record.at), "function": name, "message": record.message.rstrip()}
                click.echo(json.dumps(line) if as_json else " ".join(line.values()))
            elif every or not records.is_of_platform(record.message):
                click.echo(records.line(name, record, width))


@app.command()
@_function
@click.argument("event", default="", help="JSON, a file with JSON, or - for standard input.")
@_last_failed
@_request_id
@click.option("--local", "here", is_flag=True, help="Run the handler in this process, in its environment.")
@click.option("--pdb", "debug", is_flag=True, help="As --local, and look at an error in Python's debugger.")
def invoke(name: str, event: str, request_id: str, *, last_failed: bool, here: bool, debug: bool) -> None:
    """Invoke a function and print its answer as JSON. Exits 1 if it failed."""
    with _plain_errors():
        kept = _kept()
        deployment = kept.running()
        function, given = _chosen(deployment, name, event, last_failed=last_failed, request_id=request_id)
    if here or debug:
        from harness.cli import local
        from harness.functions.packages.python import import_root

        sources = [import_root(package) for package in kept.settings.every_package]
        with _plain_errors(shown=False), local.own_traceback():
            _print_json(local.invoke(deployment, function, given, sources, debug=debug))
        return
    with _plain_errors():
        answer = operations.invoke(deployment, function, given)
    _print_json(answer.payload)
    if answer.error_type:
        click.echo(f"{answer.log_tail}\nerror: {answer.error_type}: {answer.error_message}", err=True)
        raise click.exceptions.Exit(1)


@app.command()
@_function
@click.argument("event", default="", help="JSON, a file with JSON, or -: invoke it with that, and end.")
@_last_failed
@_request_id
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=debugger.PORT,
    show_default=True,
    help="Where the debugger attaches.",
)
def debug(name: str, event: str, request_id: str, port: int, *, last_failed: bool) -> None:
    """Make a function wait for your debugger, until Ctrl-C or until the event is answered."""
    with _plain_errors():
        kept = _kept()
        deployment = kept.running()
        function, given = _chosen(deployment, name, event, last_failed=last_failed, request_id=request_id)

        def tell(line: str) -> None:
            click.echo(f"{line}: attach your debugger", err=True)

        with debugger.debugged(deployment, function, kept.settings, port=port, tell=tell):
            if event or last_failed or request_id:
                _print_json(operations.invoke(deployment, function, given).payload)
                return
            click.echo(
                f"{function} waits for your debugger at its next invocation; stop with Ctrl-C", err=True
            )
            while True:
                time.sleep(1)


@app.command()
@_variables
@click.option("--hot", is_flag=True, help="Make functions run your saved sources without a new zip.")
def watch(variables: tuple[str, ...], *, hot: bool) -> None:
    """Bring the stack up, and apply each change of a source, until Ctrl-C. The stack stays up."""
    _watch(variables, hot=hot)


@app.command()
@_as_json
def down(*, as_json: bool) -> None:
    """Stop the stack and backend that `up` has started."""
    with _plain_errors(live=True):
        kept = _kept()
        with kept.exclusive():
            was_there = kept.stop()
    if as_json:
        _print_json({"stopped": was_there})
    else:
        click.echo("stopped" if was_there else "nothing was up")


@app.group("snapshot", no_args_is_help=True)
def snapshots() -> None:
    """Save the running stack, and manage the snapshots that runs restore."""


@snapshots.command("save")
@click.argument("file", type=_FILE, help="The file to write. Only you can read it.")
def save_snapshot(file: Path) -> None:
    """Save the running stack with all its data, for `harness up --from FILE`."""
    with _plain_errors():
        _kept().snapshot().write(file)
    click.echo(f"{file}: it has the stack's data and secrets")


@snapshots.command("load")
@click.argument("file", type=_FILE, help="What another run has saved.")
def load_snapshot(file: Path) -> None:
    """Make the next run with the same inputs restore a snapshot. Its state can run code."""
    from harness.stack.snapshots import Cache, Snapshot

    with _plain_errors():
        click.echo(Cache.of(_settings()).add(Snapshot.read(file)))


@snapshots.command("list")
@_as_json
def list_snapshots(*, as_json: bool) -> None:
    """Show the snapshots that runs restore, the newest first."""
    from harness.stack.snapshots import Cache, Snapshot

    with _plain_errors():
        found = [
            {"file": str(file), "megabytes": round(file.stat().st_size / 2**20, 1), **Snapshot.describe(file)}
            for file in Cache.of(_settings()).files()
        ]
    if as_json:
        _print_json(found)
        return
    for each in found:
        click.echo("  ".join(map(str, each.values())))
    click.echo(f"{len(found)} snapshots", err=True)


@snapshots.command("rm")
@click.argument("files", nargs=-1, type=_FILE, metavar="[FILE]...", help="All by default.")
def remove_snapshots(files: tuple[Path, ...]) -> None:
    """Remove snapshots: the next run applies."""
    from harness.stack.snapshots import Cache

    with _plain_errors():
        for file in Cache.of(_settings()).remove(files or None):
            click.echo(f"removed {file}")


@app.command("package")
@click.argument("names", nargs=-1, metavar="[NAME]...", help="All by default.")
def package_command(names: tuple[str, ...]) -> None:
    """Build the Lambda zips that [tool.harness.package] and [tool.harness.package.NAME] describe."""
    from harness.functions import packages

    with _plain_errors():
        settings = _settings()
        for package in packages.select(settings, names):
            click.echo(packages.build(settings, package))


@app.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    envvar="HARNESS_PORT",
    show_envvar=True,
    default=4566,
    show_default=True,
    help="The port to listen on. 0 picks a free one.",
)
def emulator(port: int) -> None:
    """Run the backend in the foreground, for `tflocal` and the AWS CLI, until Ctrl-C."""
    from harness import backends

    with _plain_errors(live=True):
        settings = replace(_settings(), port=port)
        with backends.started(settings) as endpoint:
            click.echo(f"ready: export AWS_ENDPOINT_URL={endpoint.url}  (Ctrl-C stops it)")
            while not endpoint.ended():
                time.sleep(1)


@app.command("doctor")
@_as_json
def doctor_command(*, as_json: bool) -> None:
    """Check this machine, and say how to get missing tools. Exits 1 if the main job can't run."""
    from harness.cli import doctor

    with _plain_errors():
        findings = doctor.examine(_settings())
    ready = doctor.can_run(findings)
    if as_json:
        _print_json({"ready": ready, "findings": [asdict(finding) for finding in findings]})
    else:
        click.echo(doctor.report(findings))
    raise click.exceptions.Exit(0 if ready else 1)


@app.command("coverage")
@click.argument(
    "files",
    nargs=-1,
    type=_FILE,
    metavar="[REPORT]...",
    help="Files of `pytest --iac-coverage-report=json:FILE`. Default: the running stack.",
)
@click.option(
    "--report",
    "wanted",
    multiple=True,
    metavar="KIND:FILE",
    help="Write html, lcov, cobertura or json, too.",
)
@click.option(
    "--fail-under",
    default=0.0,
    metavar="PERCENT",
    help="Exit code 1: fewer items were used.",
    show_default=True,
)
@_as_json
def coverage_command(
    files: tuple[Path, ...], wanted: tuple[str, ...], fail_under: float, *, as_json: bool
) -> None:
    """Show the resources of your Terraform that tests have used. Merges several reports."""
    from harness.coverage import reports as coverage

    with _plain_errors():
        kinds, settings = [coverage.check(each, "--report") for each in wanted], _settings()
        found = coverage.merge(files) if files else operations.coverage_of(_kept().settings)
        for kind, file in kinds:
            coverage.write(found, kind, Path(file), settings.project)
    click.echo(found.to_json() if as_json else "\n".join(coverage.table(found)))
    if found.percent < fail_under:
        click.echo(f"expected {fail_under:g} % at least, got {found.percent:.2f} %", err=True)
        raise click.exceptions.Exit(1)


@app.command("permissions")
@click.argument(
    "files",
    nargs=-1,
    type=_FILE,
    metavar="[REPORT]...",
    help="Files of `pytest --permissions-report`. Default: the running stack.",
)
@click.option("--log", type=_FILE, metavar="FILE", help="A file of `pytest --request-log`; with --state.")
@click.option("--state", type=_FILE, metavar="FILE", help="The state of the root that it is of.")
@click.option("--least-privilege", is_flag=True, help="Exit code 1: one is unused, too wide or missing.")
@_as_json
def permissions_command(
    files: tuple[Path, ...], log: Path | None, state: Path | None, *, least_privilege: bool, as_json: bool
) -> None:
    """Show the permissions of the functions' roles that were used, and the missing ones."""
    from harness.permissions import reports, saved, shortcomings

    if (log is None) != (state is None):
        raise click.BadParameter("--log and --state go together")
    with _plain_errors():
        if log and state:
            found = saved.by_log(log, state)
        else:
            found = saved.merge(files) if files else operations.permissions_of(_kept().settings)
    click.echo(found.to_json() if as_json else "\n".join(reports.lines(found)))
    if least_privilege and (short := shortcomings(found.roles)):
        click.echo("\n".join(f"least privilege: {each}" for each in short), err=True)
        raise click.exceptions.Exit(1)


@app.command("report")
@click.argument(
    "records",
    nargs=-1,
    type=_FILE,
    metavar="[RECORD]...",
    help="What `pytest --harness-report=report.zip` has left, or a folder of such.",
)
@_output
@_opens
def report_command(records: tuple[Path, ...], output: Path | None, *, opens: bool) -> None:
    """Open the report of the last run, or one report of several runs, and print its path."""
    from harness.cli import reports

    with _plain_errors():
        found = reports.merge(records, output) if records else reports.last_report(Path.cwd())
        _show(found, opens=opens)


@app.command("merge")
@click.argument(
    "shards",
    nargs=-1,
    required=True,
    type=_FILE,
    metavar="SHARD...",
    help="Folders, each with the results of one shard.",
)
@click.option(
    "--output",
    "folder",
    type=_FILE,
    default=Path("merged"),
    show_default=True,
    metavar="FOLDER",
    help="Where to write the merged files.",
)
def merge_command(shards: tuple[Path, ...], folder: Path) -> None:
    """Merge the reports, JUnit files, coverage and permissions of a suite's shards, and print their paths."""
    from harness.report.derived import merge

    with _plain_errors():
        for merged in merge.merge(shards, folder):
            of = "" if merged.shards == len(shards) else f" (of {merged.shards} shards only)"
            click.echo(f"{merged.file}{of}")


@app.command("show-trace")
@click.argument("file", type=_FILE, help="What `pytest --harness-trace` has left.")
@_output
@_opens
def show_trace(file: Path, output: Path | None, *, opens: bool) -> None:
    """Open the trace of one test, from any machine, and print the path of the page."""
    from harness.cli import reports

    with _plain_errors():
        _show(reports.write_page(file, output), opens=opens)


@app.command()
@_as_json
def sweep(*, as_json: bool) -> None:
    """Remove the remains of killed runs: processes, containers, networks, folders, stacks on real AWS."""
    from harness.lifetimes import sweep as sweeping

    with _plain_errors():
        removed = sweeping.sweep(_settings())
    if as_json:
        _print_json({"removed": removed})
        return
    click.echo("\n".join(f"removed {name}" for name in removed) or "nothing to remove")


def _watch(variables: Sequence[str], *, hot: bool) -> None:
    from harness.cli import watch

    with _plain_errors(live=True) as spans:
        watch.run(_kept(variables).settings, spans, hot=hot)


def _show(page: Path, *, opens: bool) -> None:
    click.echo(page)
    _open(page.as_uri(), opens=opens)


def _open(url: str, *, opens: bool) -> None:
    from harness.cli import reports

    if opens and not reports.open_page(url):
        click.echo(f"found no browser; open {url} in one", err=True)


def _settings(variables: Sequence[str] = ()) -> Settings:
    settings = Settings.from_env(os.environ)
    return replace(
        settings, variables={**settings.variables, **parse_assignments("--terraform-var", variables)}
    )


def _kept(variables: Sequence[str] = ()) -> KeptStack:
    return KeptStack.of(_settings(variables)).on_its_backend()


def _running() -> Deployment:
    return _kept().running()


def _chosen(
    deployment: Deployment, name: str, event: str, *, last_failed: bool, request_id: str
) -> tuple[str, object]:
    """Return the function to invoke and its event, given or from an earlier invocation."""
    if not last_failed and not request_id:
        return operations.function(deployment, name), operations.event_of(event or "{}")
    if event or (last_failed and request_id):
        raise click.BadParameter("expected one of EVENT, --last-failed and --request-id")
    return operations.again(deployment, name, request_id)


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    click.echo(json.dumps(value, indent=2))


@contextmanager
def _plain_errors(*, shown: bool = True, live: bool = False) -> Iterator[console.Spans]:
    """Show progress on standard error, and only the message of a harness error. SIGTERM acts as Ctrl-C."""
    progress = console.followed(live=live) if shown else nullcontext(console.Spans())
    try:
        with sigterm_as_interrupt(), progress as spans, as_harness_errors() if shown else nullcontext():
            yield spans
    except HarnessError as problem:
        if _SHOWN["traceback"]:
            traceback.print_exception(problem)
        click.echo(f"error: {problem.text}", err=True)
        raise click.exceptions.Exit(1) from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None
