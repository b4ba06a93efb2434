"""Every error the harness raises on purpose: each says what was expected, what came and what to do."""

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
        detail: The rest; may be empty.
        address: The resource concerned; empty when none is.
        location: `file:line` of the configuration; empty when Terraform told none.
    """

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    location: str = ""

    def __str__(self) -> str:
        """Return the diagnostic as a person reads it."""
        where = " ".join(filter(None, (self.address, self.location and f"({self.location})")))
        head = f"{self.severity}: {where + ': ' if where else ''}{self.summary}"
        return "\n  ".join([head, *self.detail.splitlines()])


class HarnessError(Exception):
    """The base of all errors a user can act on; the CLI prints it without a traceback."""

    @property
    def text(self) -> str:
        """The message, and the notes that it has gathered on its way."""
        return "\n".join([str(self), *getattr(self, "__notes__", [])])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` for the known name that is most like `name`; empty if none is."""
    similar = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {similar[0]}?" if similar else ""


class SettingsError(HarnessError):
    """A setting has a value the harness can't work with.

    Attributes:
        setting: The setting's name, such as `HARNESS_BACKEND`.
        expected: What it may be.
        got: What it was; None if it is not set.
    """

    def __init__(self, setting: str, *, expected: str, got: object, known: Iterable[str] = ()) -> None:
        came = "it is not set" if got is None else f"got {got!r}"
        super().__init__(f"{setting}: expected {expected}, {came}{did_you_mean(str(got), known)}")
        self.setting = setting
        self.expected = expected
        self.got = got


class MissingToolError(HarnessError):
    """A program the harness needs is not on PATH.

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
        returncode: Its exit code; None when it was stopped at its time limit.
        output: All that it printed.
    """

    def __init__(self, argv: Sequence[str], *, reason: str, returncode: int | None, output: str) -> None:
        super().__init__(f"`{' '.join(argv)}` {reason}\n{tail(output.splitlines())}".rstrip())
        self.argv = tuple(argv)
        self.returncode = returncode
        self.output = output


class BackendError(HarnessError):
    """An emulator did not start, or stopped while it was needed.

    Attributes:
        backend: The backend's name.
        reason: What happened.
        log: The emulator's last lines.
    """

    def __init__(self, backend: str, reason: str, *, log: Iterable[str] = ()) -> None:
        self.log = tuple(log)
        last = f"\nits last lines:\n{tail(self.log)}" if self.log else ""
        super().__init__(f"backend {backend!r}: {reason}{last}")
        self.backend = backend
        self.reason = reason


class NeedsError(HarnessError):
    """The backend is known to lack what the root needs; nothing has been started.

    Attributes:
        backend: The backend's name.
        unmet: The names of backends that have it, by need.
    """

    def __init__(self, backend: str, unmet: Mapping[str, Sequence[str]]) -> None:
        lines = [f"  {need}: {' and '.join(able) or 'no backend'} can" for need, able in unmet.items()]
        remedy = (
            "name another backend in HARNESS_BACKEND, or apply it all the same with HARNESS_CHECK_NEEDS=false"
        )
        super().__init__("\n".join([f"backend {backend!r} can't do what this root needs:", *lines, remedy]))
        self.backend = backend
        self.unmet = dict(unmet)


class TerraformError(HarnessError):
    """A Terraform command failed.

    Attributes:
        command: The subcommand, such as `apply`.
        diagnostics: Its errors, in the order Terraform told them.
    """

    def __init__(self, command: str, diagnostics: Sequence[Diagnostic]) -> None:
        told = "\n".join(str(diagnostic) for diagnostic in diagnostics)
        super().__init__(f"terraform {command} failed:\n{told}")
        self.command = command
        self.diagnostics = tuple(diagnostics)


class StateError(HarnessError):
    """The state of a run would not be a local file of its own.

    Attributes:
        got: Where it would be.
    """

    def __init__(self, got: str) -> None:
        super().__init__(
            f"expected Terraform's state in a local file of this run, got {got}; nothing was read or changed "
            "there. Look for what configures it beside the root's own files: TF_* variables, override files"
        )
        self.got = got


class OutputError(HarnessError):
    """The Terraform root has no such output, or it has another type.

    Attributes:
        name: The output asked for.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"terraform output {name!r}: {problem}")
        self.name = name


class ResourceError(HarnessError):
    """No resource of the stack is what was asked for, or several are.

    Attributes:
        kind: What was asked for, such as `bucket`.
        which: The name it was asked for by; None for the only one.
        fitting: The addresses of those that fit.
        known: The addresses of all of the kind.
    """

    def __init__(self, kind: str, which: str | None, *, fitting: Iterable[str], known: Iterable[str]) -> None:
        self.kind, self.which = kind, which
        self.fitting, self.known = tuple(fitting), tuple(known)
        asked = f"one {kind}" if which is None else f"one {kind} that {which!r} names"
        came = f"{len(self.fitting)} fit" if self.fitting else "none fits"
        told = "".join(f"\n  {address}" for address in self.fitting or self.known) or "\n  none"
        super().__init__(
            f"expected {asked}, and {came}; name an output, or an address or a unique part of one, of:{told}"
        )


class TargetError(HarnessError):
    """The harness can't send to a schedule's target what AWS would.

    Attributes:
        schedule: The schedule's address.
        target: The target's ARN.
        expected: What it should be.
    """

    def __init__(self, schedule: str, target: str, *, expected: str) -> None:
        super().__init__(
            f"{schedule}: expected {expected}, got {target}; mend it, or call that target in the test itself"
        )
        self.schedule = schedule
        self.target = target
        self.expected = expected


class NotUpError(HarnessError):
    """Nothing is kept that a command could work with.

    Attributes:
        folder: The root whose stack was looked for.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(f"expected the stack of {folder} to be up, and it is not; run `harness up`")
        self.folder = folder


class PackageError(HarnessError):
    """The Lambda zip could not be built.

    Attributes:
        source: The package directory that was to be zipped.
    """

    def __init__(self, source: Path, problem: str) -> None:
        super().__init__(f"packaging {source}: {problem}")
        self.source = source


class SnapshotError(HarnessError):
    """A snapshot can't be used.

    Attributes:
        file: The file that should have it.
        reason: Why not.
    """

    def __init__(self, file: Path, reason: str) -> None:
        """Name the file and the reason."""
        self.file = file
        self.reason = reason
        super().__init__(f"{file} is no snapshot that can be used: {reason}")


class NotReachedError(HarnessError, TimeoutError):
    """A condition did not come true in time, or can't come true any more.

    Attributes:
        what: The condition, in words.
        timeout: The time limit in seconds; how long was waited if a reason ended the wait before.
        last: What the probe saw last.
        reason: Why the condition can't come true any more; empty if the time was up.
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
    """The system answered, but not as it should.

    Attributes:
        expected: What should have been.
        got: What was.
    """

    def __init__(self, subject: str, *, expected: object, got: object) -> None:
        super().__init__(f"{subject}: expected {expected!r}, got {got!r}")
        self.expected = expected
        self.got = got


class PatternError(HarnessError):
    """An event pattern that EventBridge would refuse, or that no event can match.

    Attributes:
        path: Where in the pattern, such as `detail.size`; empty for the whole.
        problem: What is wrong there.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"event pattern{path and ' at '}{path}: {problem}")
        self.path = path
        self.problem = problem


class ScheduleError(HarnessError):
    """A schedule expression that AWS would refuse, or a question about it that has no answer.

    Attributes:
        expression: The schedule expression.
        expected: What AWS takes.
        got: What it was.
    """

    def __init__(self, expression: str, *, expected: str, got: str, remedy: str) -> None:
        super().__init__(f"{expression}: expected {expected}, got {got}; {remedy}")
        self.expression = expression
        self.expected = expected
        self.got = got


class PolicyError(HarnessError):
    """A policy has a part that cannot be judged here.

    Attributes:
        part: The part, such as an operator's name.
    """

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(f"policy: {part!r} {problem}")
        self.part = part


def tail(lines: Iterable[str], count: int = TAIL_LINES) -> str:
    """Return the last `count` of `lines`, indented, as one text."""
    return "\n".join(f"  {line.rstrip()}" for line in list(lines)[-count:])
