"""All settings, read once from the environment and the project's `[tool.harness]` table."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


_LAST_PORT = 65535
_URL = re.compile(r"https?://[^/\s]+/?")
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSettings:
    """How the Lambda zip is built: the table `[tool.harness.package]`.

    Attributes:
        source: The package directory that goes into the zip under its own name.
        output: The zip.
        group: The dependency group of the project that goes in too; empty for none.
        variable: The Terraform variable that takes the zip's path.
        python: The Lambda runtime's Python version, which the dependencies are resolved for.
    """

    source: Path
    output: Path
    group: str = ""
    variable: str = "lambda_zip"
    python: str = "3.13"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootSettings:
    """Another root, whose state the main one reads: a table of `[[tool.harness.roots]]`.

    Attributes:
        terraform_dir: Its directory.
        workspace: Its Terraform workspace; empty for the default one.
        var_files: Files with values of its variables.
        variables: Its variables, by name.
    """

    terraform_dir: Path
    workspace: str = ""
    var_files: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run of the harness is told.

    Each is `HARNESS_<NAME>` in the environment, or `<name>` with dashes in the project's
    `[tool.harness]` table; the environment wins. Relative paths are relative to the project.

    Attributes:
        project: The directory whose `pyproject.toml` was read.
        environ: The environment that child processes inherit what is harmless from; it may hold secrets, and
            is not shown in the `repr`.
        backend: The name of a backend, or `package.module:function`.
        region: The AWS region.
        port: The emulator's port; 0 picks a free one.
        python: The interpreter that the emulator runs on; None for one that suits it.
        cache_dir: Where emulators are installed, once for all projects of a user.
        start_timeout: Seconds an emulator may take until it is healthy.
        terraform: The Terraform program: `terraform`, `tofu`, `tflocal` or a path.
        terraform_dir: The root module to apply.
        terraform_timeout: Seconds one Terraform command may take.
        check_needs: Whether a root that needs what the backend is known to lack is refused before the start.
        destroy: Whether the stack is destroyed even where it goes with the emulator at the end of the run.
        workspace: The Terraform workspace; empty for the default one.
        var_files: Files with values of the root's variables, as `-var-file` takes them.
        variables: Terraform variables, by name; from the file only. They may be secrets, and are not shown in
            the `repr`.
        provider_mirror: A filesystem mirror of providers, asked before the registries.
        roots: Other roots, which are applied first because this one reads their states.
        package: How the Lambda zip is built; None when the project builds its own.
        ministack_auth: Whether MiniStack enforces IAM and bucket policies.
        endpoint_url: Where the backend `external` answers.
        aws_accounts: The accounts that the backend `aws` may use; none by default.
        name_variable: The Terraform variable that keeps the names of runs on real AWS apart.
        image: LocalStack's image for the backend `container`.
        lambda_executor: How that one runs functions: `process`, or `docker` for containers of AWS's images.
        allowed_hosts: Hosts besides the emulator that may be reached; `*` stands for any text.
    """

    project: Path
    environ: Mapping[str, str] = field(repr=False)
    backend: str = "auto"
    region: str = "eu-north-1"
    port: int = 0
    python: Path | None = None
    cache_dir: Path
    start_timeout: float = 60.0
    terraform: str = "terraform"
    terraform_dir: Path
    terraform_timeout: float = 900.0
    check_needs: bool = True
    destroy: bool = False
    workspace: str = ""
    var_files: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(repr=False)
    provider_mirror: Path | None = None
    roots: tuple[RootSettings, ...] = ()
    package: PackageSettings | None = None
    ministack_auth: bool = True
    endpoint_url: str = ""
    aws_accounts: tuple[str, ...] = ()
    name_variable: str = "environment"
    image: str = "localstack/localstack:4.14.0"
    lambda_executor: str = "process"
    allowed_hosts: tuple[str, ...] = ()

    @classmethod
    def from_env(cls, environ: Mapping[str, str], project: Path | None = None) -> Self:
        """Read the settings.

        Args:
            environ: The environment.
            project: The directory of the project's `pyproject.toml`; by default the working directory,
                or the nearest one above it whose `pyproject.toml` has a table `[tool.harness]`.

        Raises:
            SettingsError: A setting is unknown or has a value of the wrong form.
        """
        project = (project or _project_above(Path.cwd())).resolve()
        table = _table(project)
        package, variables = table.pop("package", None), table.pop("variables", {})
        roots = table.pop("roots", [])
        given = _declared(table) | _overrides(environ)
        texts = {"terraform_dir": "terraform", "cache_dir": str(_user_cache(environ))} | given
        read = {
            name: _READERS[name](f"HARNESS_{name.upper()}", text, project) for name, text in texts.items()
        }
        return cls(
            project=project,
            environ=dict(environ),
            variables=_texts("[tool.harness.variables]", variables),
            package=_package(package, project),
            roots=_roots(roots, project),
            **read,
        )

    def of_root(self, root: RootSettings) -> Self:
        """Return the settings of another root: these ones, with what it has of its own."""
        return replace(
            self,
            terraform_dir=root.terraform_dir,
            workspace=root.workspace,
            var_files=root.var_files,
            variables=root.variables,
            package=None,
            roots=(),
        )


def assigned(option: str, given: Iterable[str]) -> dict[str, str]:
    """Return what is given as `name=value`, each once or more, by name.

    Raises:
        SettingsError: One of them has another form.
    """
    if wrong := [text for text in given if not text.partition("=")[1]]:
        raise SettingsError(option, expected="NAME=VALUE", got=wrong[0])
    return dict(text.split("=", 1) for text in given)


def _project_above(folder: Path) -> Path:
    """Return `folder`, or the nearest directory above it that has settings of the harness."""
    return next((place for place in (folder, *folder.parents) if _table(place)), folder)


def _table(project: Path) -> dict[str, Any]:
    file = project / "pyproject.toml"
    if not file.is_file():
        return {}
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text("utf-8")).get("tool", {}).get("harness", {})
    except tomllib.TOMLDecodeError as problem:
        raise SettingsError(str(file), expected="valid TOML", got=str(problem)) from problem
    return {name.replace("-", "_"): value for name, value in table.items()}


def _declared(table: Mapping[str, Any]) -> dict[str, str]:
    if unknown := set(table) - set(_READERS):
        expected = f"only {', '.join(_dashed(_READERS))}, package, roots, variables"
        got = ", ".join(_dashed(unknown))
        raise SettingsError("[tool.harness]", expected=expected, got=got, known=_dashed(_READERS))
    return {name: _plain(value) for name, value in table.items()}


def _dashed(names: Iterable[str]) -> list[str]:
    """Return names of settings as they stand in the file."""
    return sorted(name.replace("_", "-") for name in names)


def _plain(value: object) -> str:
    """Return a value of the file as it would stand in the environment."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _overrides(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment sets; other HARNESS_ variables belong to other tools."""
    named = {name: environ.get(f"HARNESS_{name.upper()}", "") for name in _READERS}
    return {name: value for name, value in named.items() if value}


def _user_cache(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "terraform-lambda-harness"


def _texts(where: str, given: object) -> dict[str, str]:
    if not isinstance(given, dict):
        raise SettingsError(where, expected="a table", got=given)
    return {
        str(name): value if isinstance(value, str) else json.dumps(value) for name, value in given.items()
    }


def _package(given: Any, project: Path) -> PackageSettings | None:  # noqa: ANN401 - straight from TOML
    if given is None:
        return None
    where = "[tool.harness.package]"
    texts = _texts(where, given)
    known = PackageSettings.__slots__
    if unknown := set(texts) - set(known):
        raise SettingsError(where, expected=f"only {', '.join(known)}", got=", ".join(sorted(unknown)))
    if missing := {"source", "output"} - set(texts):
        raise SettingsError(where, expected="source and output", got=f"no {' and no '.join(sorted(missing))}")
    paths = {name: project / texts.pop(name) for name in ("source", "output")}
    return PackageSettings(source=paths["source"], output=paths["output"], **texts)


def _roots(given: Any, project: Path) -> tuple[RootSettings, ...]:  # noqa: ANN401 - straight from TOML
    where = "[[tool.harness.roots]]"
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise SettingsError(where, expected="a list of tables", got=given)
    return tuple(_root(where, table, project) for table in given)


def _root(where: str, given: Mapping[str, Any], project: Path) -> RootSettings:
    table = {name.replace("-", "_"): value for name, value in given.items()}
    known = RootSettings.__slots__
    if unknown := set(table) - set(known):
        expected = f"only {', '.join(_dashed(known))}"
        raise SettingsError(where, expected=expected, got=", ".join(_dashed(unknown)))
    if "terraform_dir" not in table:
        raise SettingsError(where, expected="terraform-dir", got=None)
    variables = _texts(f"{where} variables", table.pop("variables", {}))
    texts = {name: _plain(value) for name, value in table.items()}
    read = {name: _READERS[name](where, text, project) for name, text in texts.items()}
    return RootSettings(variables=variables, **read)


def _text(_name: str, value: str, _project: Path) -> str:
    return value


def _path(_name: str, value: str, project: Path) -> Path:
    return project / Path(value).expanduser()


def _paths(name: str, value: str, project: Path) -> tuple[Path, ...]:
    return tuple(_path(name, path.strip(), project) for path in value.split(",") if path.strip())


def _port(name: str, value: str, _project: Path) -> int:
    if not value.isdecimal() or int(value) > _LAST_PORT:
        raise SettingsError(name, expected="a port from 0 (any free one) to 65535", got=value)
    return int(value)


def _seconds(name: str, value: str, _project: Path) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise SettingsError(name, expected="a number of seconds above 0", got=value)
    return seconds


def _switch(name: str, value: str, _project: Path) -> bool:
    try:
        return {"true": True, "false": False}[value.lower()]  # TOML's booleans arrive as True and False
    except KeyError:
        raise SettingsError(name, expected="true or false", got=value) from None


def _url(name: str, value: str, _project: Path) -> str:
    if not _URL.fullmatch(value):
        raise SettingsError(name, expected="a URL such as http://127.0.0.1:4566", got=value)
    return value.rstrip("/")


def _executor(name: str, value: str, _project: Path) -> str:
    if value not in {"process", "docker"}:
        raise SettingsError(name, expected="process or docker", got=value)
    return value


def _names(_name: str, value: str, _project: Path) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in value.split(","))))


def _accounts(name: str, value: str, _project: Path) -> tuple[str, ...]:
    accounts = tuple(filter(None, (account.strip() for account in value.split(","))))
    if not accounts or not all(_ACCOUNT.fullmatch(account) for account in accounts):
        raise SettingsError(name, expected="account numbers of 12 digits, separated by commas", got=value)
    return accounts


_READERS: Mapping[str, Callable[[str, str, Path], Any]] = {
    "backend": _text,
    "region": _text,
    "port": _port,
    "python": _path,
    "cache_dir": _path,
    "start_timeout": _seconds,
    "terraform": _text,
    "terraform_dir": _path,
    "terraform_timeout": _seconds,
    "check_needs": _switch,
    "destroy": _switch,
    "workspace": _text,
    "var_files": _paths,
    "provider_mirror": _path,
    "ministack_auth": _switch,
    "endpoint_url": _url,
    "aws_accounts": _accounts,
    "name_variable": _text,
    "image": _text,
    "lambda_executor": _executor,
    "allowed_hosts": _names,
}
