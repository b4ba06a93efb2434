"""The errors that the harness raises on purpose: what it expected, what it got, and what to do."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

TAIL_LINES = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One error or warning of Terraform.

    Attributes:
        severity: `error` or `warning`.
        summary: The first line.
        detail: The rest. May be empty.
        address: The resource concerned. Empty if there is none.
        location: `file:line` of the configuration. Empty if Terraform named none.
    """

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    location: str = ""

    def __str__(self) -> str:
        """Format the diagnostic for a person."""
        where = " ".join(filter(None, (self.address, self.location and f"({self.location})")))
        head = f"{self.severity}: {where + ': ' if where else ''}{self.summary}"
        return "\n  ".join([head, *self.detail.splitlines()])


class HarnessError(Exception):
    """The base class of all errors that you can act on.

    The command line prints them without a traceback.
    """

    @property
    def text(self) -> str:
        """The message and the notes added to it."""
        return "\n".join([str(self), *getattr(self, "__notes__", [])])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` with the known name closest to `name`, or an empty text."""
    similar = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {similar[0]}?" if similar else ""


class SettingsError(HarnessError):
    """A setting has a value that the harness can't use.

    Attributes:
        setting: The setting's name, such as `HARNESS_BACKEND`.
        expected: The values that it may have.
        got: Its value. None if it is not set.
    """

    def __init__(self, setting: str, *, expected: str, got: object, known: Iterable[str] = ()) -> None:
        came = "but it is not set" if got is None else f"got {got!r}"
        super().__init__(f"{setting}: expected {expected}, {came}{did_you_mean(str(got), known)}")
        self.setting = setting
        self.expected = expected
        self.got = got


class MissingToolError(HarnessError):
    """A program that the harness needs is not on PATH.

    Attributes:
        tool: The program's name.
        remedy: How to get it.
    """

    def __init__(self, tool: str, *, remedy: str) -> None:
        super().__init__(f"{tool!r} is not on PATH; {remedy}")
        self.tool = tool
        self.remedy = remedy


class CommandError(HarnessError):
    """A child process failed or ran out of time.

    Attributes:
        argv: The command.
        returncode: Its exit code. None if it was stopped at its time limit.
        output: Everything that it printed.
    """

    def __init__(self, argv: Sequence[str], *, reason: str, returncode: int | None, output: str) -> None:
        super().__init__(f"`{' '.join(argv)}` {reason}\n{tail(output.splitlines())}".rstrip())
        self.argv = tuple(argv)
        self.returncode = returncode
        self.output = output


class BackendError(HarnessError):
    """An emulator did not start, or stopped while a run needed it.

    Attributes:
        backend: The backend's name.
        reason: The reason, as part of a sentence.
        log: The emulator's last lines.
    """

    def __init__(self, backend: str, reason: str, *, log: Iterable[str] = ()) -> None:
        self.log = tuple(log)
        last = f"\nits last lines:\n{tail(self.log)}" if self.log else ""
        super().__init__(f"backend {backend!r}: {reason}{last}")
        self.backend = backend
        self.reason = reason


class NeedsError(HarnessError):
    """The backend lacks a feature that the root needs. Nothing has been started.

    Attributes:
        backend: The backend's name.
        unmet: The backends that have each missing feature.
        instead: The setting by which newer runtimes stand in for old ones. Empty if there is none.
    """

    def __init__(self, backend: str, unmet: Mapping[str, Sequence[str]], *, instead: str = "") -> None:
        lines = [f"  {need}: {' and '.join(able) or 'no backend'} can" for need, able in unmet.items()]
        remedy = "choose another backend with HARNESS_BACKEND, or apply anyway with HARNESS_CHECK_NEEDS=false"
        head = f"backend {backend!r} can't do what this root needs:"
        newer = [f"or let newer runtimes stand in, with {instead} in [tool.harness]"] if instead else []
        super().__init__("\n".join([head, *lines, remedy, *newer]))
        self.backend = backend
        self.unmet = dict(unmet)


class TerraformError(HarnessError):
    """A Terraform command failed.

    Attributes:
        command: The subcommand, such as `apply`.
        diagnostics: Its errors, in Terraform's order.
    """

    def __init__(self, command: str, diagnostics: Sequence[Diagnostic]) -> None:
        reasons = "\n".join(str(diagnostic) for diagnostic in diagnostics)
        super().__init__(f"terraform {command} failed:\n{reasons}")
        self.command = command
        self.diagnostics = tuple(diagnostics)


class StateError(HarnessError):
    """Terraform would keep the state of this run somewhere other than in a local file of the run.

    Attributes:
        got: The place where it would keep the state.
    """

    def __init__(self, got: str) -> None:
        super().__init__(
            f"expected Terraform's state in a local file of this run, got {got}; nothing was read or changed "
            "there. Look for configuration outside the root's own files: TF_* variables, override files"
        )
        self.got = got


class OutputError(HarnessError):
    """The Terraform root has no such output, or the output has another type.

    Attributes:
        name: The name of the output.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"terraform output {name!r}: {problem}")
        self.name = name


class ResourceError(HarnessError):
    """No resource of the stack fits the name, or several do.

    Attributes:
        kind: The kind of resource, such as `bucket`.
        which: The name that you used. None for the only one.
        fitting: The addresses of the resources that fit.
        known: The addresses of all resources of the kind.
    """

    def __init__(self, kind: str, which: str | None, *, fitting: Iterable[str], known: Iterable[str]) -> None:
        self.kind, self.which = kind, which
        self.fitting, self.known = tuple(fitting), tuple(known)
        asked = f"one {kind}" if which is None else f"one {kind} that {which!r} names"
        came = f"{len(self.fitting)} fit" if self.fitting else "none fits"
        choices = "".join(f"\n  {address}" for address in self.fitting or self.known) or "\n  none"
        super().__init__(
            f"expected {asked}, and {came}; "
            f"name an output, or an address or a unique part of one, of:{choices}"
        )


class TargetError(HarnessError):
    """The harness can't send to a schedule's target as AWS would.

    Attributes:
        schedule: The schedule's address.
        target: The target's ARN.
        expected: The target that it should have.
    """

    def __init__(self, schedule: str, target: str, *, expected: str) -> None:
        super().__init__(
            f"{schedule}: expected {expected}, got {target}; fix it, or call that target from your test"
        )
        self.schedule = schedule
        self.target = target
        self.expected = expected


class NotUpError(HarnessError):
    """No stack is kept that the command could use.

    Attributes:
        folder: The root module of the missing stack.
        elsewhere: The backends that hold a kept stack of this root.
    """

    def __init__(self, folder: Path, elsewhere: Iterable[str] = ()) -> None:
        self.folder, self.elsewhere = folder, tuple(elsewhere)
        held = " and ".join(f"--backend={name}" for name in self.elsewhere)
        advice = f"it is up with {held}" if held else "start it with `harness up`"
        super().__init__(f"the stack of {folder} is not up; {advice}")


class PackageError(HarnessError):
    """The Lambda zip could not be built.

    Attributes:
        source: The package directory to zip.
    """

    def __init__(self, source: Path, problem: str) -> None:
        super().__init__(f"packaging {source}: {problem}")
        self.source = source


class SnapshotError(HarnessError):
    """A snapshot can't be used.

    Attributes:
        file: The snapshot's file.
        reason: The reason.
    """

    def __init__(self, file: Path, reason: str) -> None:
        """Store the file and the reason."""
        self.file = file
        self.reason = reason
        super().__init__(f"{file} can't be used as a snapshot: {reason}")


class NotReachedError(HarnessError, TimeoutError):
    """A condition did not come true in time, or can no longer come true.

    Attributes:
        what: The condition, in words.
        timeout: The time limit in seconds, or the time waited if a reason ended the wait early.
        last: The value that the probe returned last.
        reason: The reason why the condition can no longer come true. Empty if the time was up.
    """

    def __init__(self, what: str, *, timeout: float, last: object, reason: str = "") -> None:
        waited = f"waited {timeout:.2g} s for {what}" if reason else f"waited {timeout:g} s for {what}"
        ended = f", until it was lost: {reason}" if reason else ""
        super().__init__(f"{waited}{ended}; last seen: {last!r}")
        self.what = what
        self.timeout = timeout
        self.last = last
        self.reason = reason


class ExpectationError(HarnessError, AssertionError):
    """The system answered, but with the wrong answer.

    Attributes:
        expected: The right answer.
        got: The answer that came.
    """

    def __init__(self, subject: str, *, expected: object, got: object) -> None:
        super().__init__(f"{subject}: expected {expected!r}, got {got!r}")
        self.expected = expected
        self.got = got


class PatternError(HarnessError):
    """An event pattern that EventBridge would refuse, or that no event can match.

    Attributes:
        path: The place in the pattern, such as `detail.size`. Empty for the whole pattern.
        problem: The problem at that place.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"event pattern{path and ' at '}{path}: {problem}")
        self.path = path
        self.problem = problem


class ScheduleError(HarnessError):
    """A schedule expression that AWS would refuse, or a schedule that never runs as asked.

    Attributes:
        expression: The schedule expression.
        expected: The form that AWS accepts.
        got: The value that it had.
    """

    def __init__(self, expression: str, *, expected: str, got: str, remedy: str) -> None:
        super().__init__(f"{expression}: expected {expected}, got {got}; {remedy}")
        self.expression = expression
        self.expected = expected
        self.got = got


class PolicyError(HarnessError):
    """A policy has a part that the harness can't judge.

    Attributes:
        part: The part, such as an operator's name.
    """

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(f"policy: {part!r} {problem}")
        self.part = part


def tail(lines: Iterable[str], count: int = TAIL_LINES) -> str:
    """Return the last `count` of `lines`, indented, as one text."""
    return "\n".join(f"  {line.rstrip()}" for line in list(lines)[-count:])
