"""Forms of settings: functions that parse the text of a setting."""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import DataclassInstance

    # Called with the setting's name for errors, the text, and the project's directory.
    type Form = Callable[[str, str, Path], Any]

_SETTING = "setting"
_LAST_PORT = 65535
_URL = re.compile(r"https?://[^/\s]+/?")
_LANGUAGE = re.compile(r"(python|nodejs)\d+\.(?:\d+|x)")
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a field is read from a text.

    Attributes:
        form: Parses the text.
        default: The text to parse if none is given and the field has no default.
        kind: The kind of package that has the setting. Empty for every kind.
    """

    form: Form
    default: str = ""
    kind: str = ""


def of_form(form: Form, *, default: str = "", kind: str = "") -> dict[str, Setting]:
    """Return the metadata of a field that is read from a text of this form. See `Setting`."""
    return {_SETTING: Setting(form=form, default=default, kind=kind)}


def settings_of(settings: type[DataclassInstance]) -> dict[str, Setting]:
    """Return the settings that are read from texts, by field name."""
    known = {each.name: each.metadata.get(_SETTING) for each in dataclasses.fields(settings)}
    return {name: setting for name, setting in known.items() if setting}


def variable_of(setting: str) -> str:
    """Return the name of a setting's environment variable."""
    return f"HARNESS_{setting.upper()}"


def text(_name: str, value: str, _project: Path) -> str:
    """Return the text unchanged."""
    return value


def path(_name: str, value: str, project: Path) -> Path:
    """Return a path. A relative path starts at the project."""
    return project / Path(value).expanduser()


def paths(name: str, value: str, project: Path) -> tuple[Path, ...]:
    """Return a list of paths, separated by commas."""
    return tuple(path(name, each, project) for each in names(name, value, project))


def port(name: str, value: str, _project: Path) -> int:
    """Return a port number, or 0."""
    if not value.isdecimal() or int(value) > _LAST_PORT:
        raise SettingsError(name, expected="a port from 0 (any free one) to 65535", got=value)
    return int(value)


def seconds(name: str, value: str, _project: Path) -> float:
    """Return a duration in seconds."""
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(name, expected="a number of seconds above 0", got=value)
    return seconds


def whole(name: str, value: str, _project: Path) -> int:
    """Return a whole number above 0."""
    if not value.isdecimal() or int(value) == 0:
        raise SettingsError(name, expected="a whole number above 0", got=value)
    return int(value)


def runtimes(name: str, value: str, project: Path) -> dict[str, str]:
    """Return the runtimes that stand between commas as `python3.8=python3.9`, the second by the first."""
    pairs = [each.partition("=")[::2] for each in names(name, value, project)]
    for pair in pairs:
        first, second = (_LANGUAGE.fullmatch(runtime.strip()) for runtime in pair)
        if not first or not second or first.groups() != second.groups():
            expected = "pairs of one language such as python3.8=python3.9, separated by commas"
            raise SettingsError(name, expected=expected, got=value)
    return {asked.strip(): instead.strip() for asked, instead in pairs}


def switch(name: str, value: str, _project: Path) -> bool:
    """Return a boolean, `true` or `false`."""
    try:
        return {"true": True, "false": False}[value.lower()]  # TOML's booleans arrive as True and False
    except KeyError:
        raise SettingsError(name, expected="true or false", got=value) from None


def url(name: str, value: str, _project: Path) -> str:
    """Return a URL without a trailing slash."""
    if not _URL.fullmatch(value):
        raise SettingsError(name, expected="a URL such as http://127.0.0.1:4566", got=value)
    return value.rstrip("/")


def names(_name: str, value: str, _project: Path) -> tuple[str, ...]:
    """Return a list of names, separated by commas."""
    return tuple(filter(None, (name.strip() for name in value.split(","))))


def accounts(name: str, value: str, _project: Path) -> tuple[str, ...]:
    """Return a list of account numbers, separated by commas."""
    accounts = tuple(filter(None, (account.strip() for account in value.split(","))))
    if not accounts or not all(_ACCOUNT.fullmatch(account) for account in accounts):
        raise SettingsError(name, expected="account numbers of 12 digits, separated by commas", got=value)
    return accounts


def texts(where: str, given: object) -> dict[str, str]:
    """Return the values of a table as texts for Terraform.

    Raises:
        SettingsError: It is not a table.
    """
    if not isinstance(given, dict):
        raise SettingsError(where, expected="a table", got=given)
    return {
        str(name): value if isinstance(value, str) else json.dumps(value) for name, value in given.items()
    }


def one_of(*known: str) -> Form:
    """Return a form that accepts only the texts in `known`."""

    def read(name: str, value: str, _project: Path) -> str:
        if value not in known:
            raise SettingsError(name, expected=" or ".join(known), got=value, known=known)
        return value

    return read


def version(pattern: str, example: str) -> Form:
    """Return a form that accepts the version of a language."""

    def read(name: str, value: str, _project: Path) -> str:
        if not re.fullmatch(pattern, value):
            raise SettingsError(name, expected=f"a version such as {example}", got=value)
        return value

    return read


def to_dashes(names: Iterable[str]) -> list[str]:
    """Return names of settings as `pyproject.toml` spells them, with dashes."""
    return sorted(name.replace("_", "-") for name in names)


def plain(value: object) -> str:
    """Return a value from the file as the environment would spell it."""
    if isinstance(value, dict):
        return ",".join(f"{name}={each}" for name, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def parse_assignments(option: str, given: Iterable[str]) -> dict[str, str]:
    """Parse options of the form `name=value` into a dictionary.

    Raises:
        SettingsError: One of them has another form.
    """
    if wrong := [text for text in given if not text.partition("=")[1]]:
        raise SettingsError(option, expected="NAME=VALUE", got=wrong[0])
    return dict(text.split("=", 1) for text in given)
