"""Everything specific to a backend, in one value. No other module knows a backend by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from harness.functions.packages import Platform
    from harness.settings import Settings
    from harness.values import Endpoint

    type Start = Callable[[Settings], AbstractContextManager[Endpoint]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Whether a backend can run here.

    Attributes:
        ok: Whether it can.
        state: The finding, such as `is installed`.
        remedy: How to make it available.
    """

    ok: bool
    state: str
    remedy: str = ""


def _lacks_nothing(_settings: Settings, _feature: str) -> bool:
    return False


def _what_they_declare(_settings: Settings) -> Platform | None:
    return None


def _one_edition(_settings: Settings) -> str:
    return ""


def _importable(_settings: Settings) -> Availability:
    return Availability(ok=True, state="can be imported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A backend: a place at which AWS answers.

    Attributes:
        name: Its name in the settings.
        start: Returns a context manager that starts the backend and yields its endpoint. Leaving it leaves
            nothing behind.
        examine: Reports whether the backend can run here. It installs, starts and changes nothing.
        lacks: Returns whether the backend lacks a feature of `harness.terraform.needs`.
        functions_run_on: Returns the platform that all functions run on, or None if each runs on its declared
            one.
        edition: Returns the version of the emulator, if the settings decide on it. Only the same version can
            load its saved state.
        sweep: Removes remains of killed runs that are not in the harness's journal, and returns their names.
        is_temporary: Whether all deployments there end with the process that started it.
        has_accounts: Whether an access key of 12 digits selects the account of that number.
        names_stacks: Whether each run has a name of its own there, which the harness gives to the Terraform
            variable of the setting `name_variable`.
        dashboard: The path of its own web interface. Empty if it has none.
    """

    name: str
    start: Start
    examine: Callable[[Settings], Availability] = _importable
    lacks: Callable[[Settings, str], bool] = _lacks_nothing
    functions_run_on: Callable[[Settings], Platform | None] = _what_they_declare
    edition: Callable[[Settings], str] = _one_edition
    sweep: Callable[[], list[str]] = list
    is_temporary: bool = False
    has_accounts: bool = True
    names_stacks: bool = False
    dashboard: str = ""
