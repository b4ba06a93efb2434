"""Expect a value, at once or once the world has settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.base.polling import eventually
from harness.errors import ExpectationError, NotReachedError

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL = 0.5  # seconds between two tries


def expect(subject: str, expected: object, got: object) -> None:
    """Check that what came is what was expected.

    Raises:
        ExpectationError: It is not.
    """
    if expected != got:
        raise ExpectationError(subject, expected=expected, got=got)


def settled[T](check: Callable[[], T], *, what: str, timeout: float) -> T:
    """Return what `check` returns once it passes; what it raised last is raised when the time is up.

    Args:
        check: Looks at the world; an `ExpectationError` of it is another try, any other error is the end.
        what: What it checks, in words.
        timeout: Seconds until giving up.

    Raises:
        ExpectationError: The time is up.
    """

    def passed() -> _Outcome[T]:
        try:
            return _Outcome(value=(check(),))
        except ExpectationError as problem:
            return _Outcome(problem=problem)

    try:
        seen = eventually(
            passed, until=lambda seen: seen.value, what=what, timeout=timeout, interval=_INTERVAL
        )
    except NotReachedError as late:
        if isinstance(late.last, _Outcome) and late.last.problem:
            raise late.last.problem from None
        raise
    return seen.value[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome[T]:
    """What a check returned, or why it failed."""

    value: tuple[T, ...] = ()
    problem: ExpectationError | None = None
