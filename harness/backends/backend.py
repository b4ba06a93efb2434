"""What there is to say of a backend, in one value: nothing else in the harness knows one by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from harness.packages import Platform
    from harness.settings import Settings
    from harness.values import Endpoint

    type Start = Callable[[Settings], AbstractContextManager[Endpoint]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether a backend can run here.

    Attributes:
        ok: Whether it can.
        state: What was found, such as `is installed`.
        remedy: What you can do if it can't.
    """

    ok: bool
    state: str
    remedy: str = ""


def _lacks_nothing(_settings: Settings, _feature: str) -> bool:
    return False


def _what_they_declare(_settings: Settings) -> Platform | None:
    return None


def _importable(_settings: Settings) -> Availability:
    return Availability(ok=True, state="can be imported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A place where AWS answers.

    Attributes:
        name: Its name in the settings.
        start: Returns the context in which it runs: entering it starts what it takes and yields the endpoint,
            leaving it leaves nothing behind.
        examine: Says whether it can run here; it installs, starts and changes nothing.
        lacks: Says whether it is known to lack a feature, one of those that `harness.needs` names.
        functions_run_on: Returns the platform that functions run on whatever they declare; None if each runs
            on what it declares.
        sweep: Removes what killed runs have left outside of the harness's own notes, and names it.
        is_temporary: Whether all that is deployed there ends with the process that started it.
        has_accounts: Whether an access key of 12 digits selects the account of that number.
    """

    name: str
    start: Start
    examine: Callable[[Settings], Availability] = _importable
    lacks: Callable[[Settings, str], bool] = _lacks_nothing
    functions_run_on: Callable[[Settings], Platform | None] = _what_they_declare
    sweep: Callable[[], list[str]] = list
    is_temporary: bool = False
    has_accounts: bool = True
