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
# What a table of a package may set: whatever its kind, and by its kind.
_OF_EVERY_KIND = ("source", "output", "kind", "variable", "architecture")
_KINDS = {"python": ("python", "group", "requirements"), "nodejs": ("nodejs", "entry")}
_PATHS = ("source", "output", "requirements")
_ARCHITECTURES = ("x86_64", "arm64")
_VERSIONS = {"python": (re.compile(r"3\.\d+"), "3.13"), "nodejs": (re.compile(r"\d+"), "22")}


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSettings:
    """How a Lambda zip is built: the table `[tool.harness.package]`, or `[tool.harness.package.NAME]`.

    Attributes:
        name: The NAME of the table; empty for `[tool.harness.package]` itself.
        kind: `python` or `nodejs`.
        source: Of Python, the package directory that goes into the zip under its own name. Of Node.js, the
            directory with `package.json` and `package-lock.json`; its files go into the zip, each under its
            path in the directory.
        output: The zip.
        variable: The Terraform variable that takes the zip's path; by default `NAME_zip`, and `lambda_zip`
            for the table without a name.
        architecture: The function's processor, which the dependencies are chosen for: `x86_64` or `arm64`.
        python: The function's Python version, which the dependencies are chosen for.
        group: The dependency group of the project that goes in too; empty for none. Python only.
        requirements: The requirements file whose packages go in too; None for none. Python only.
        nodejs: The function's version of Node.js, which esbuild writes for.
        entry: The module, relative to `source`, that esbuild bundles with all that it imports into one file,
            which is the zip's only one; empty for no bundle. Node.js only.
    """

    name: str = ""
    kind: str = "python"
    source: Path
    output: Path
    variable: str = "lambda_zip"
    architecture: str = "x86_64"
    python: str = "3.13"
    group: str = ""
    requirements: Path | None = None
    nodejs: str = "22"
    entry: str = ""

    @property
    def table(self) -> str:
        """The table of `pyproject.toml` that describes it."""
        return _table_of(self.name)


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
        packages: How the zips are built that have a name.
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
    packages: tuple[PackageSettings, ...] = ()
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
        every_package, variables = _packages(table.pop("package", None), project), table.pop("variables", {})
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
            package=next((package for package in every_package if not package.name), None),
            packages=tuple(package for package in every_package if package.name),
            roots=_roots(roots, project),
            **read,
        )

    @property
    def every_package(self) -> tuple[PackageSettings, ...]:
        """The package without a name, if there is one, and then those with one."""
        return (*filter(None, [self.package]), *self.packages)

    def of_root(self, root: RootSettings) -> Self:
        """Return the settings of another root: these ones, with what it has of its own."""
        return replace(
            self,
            terraform_dir=root.terraform_dir,
            workspace=root.workspace,
            var_files=root.var_files,
            variables=root.variables,
            package=None,
            packages=(),
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


def _packages(given: Any, project: Path) -> list[PackageSettings]:  # noqa: ANN401 - straight from TOML
    """Return the package of the table itself, if it describes one, and those of the tables in it."""
    if given is None:
        return []
    if not isinstance(given, dict):
        raise SettingsError(_table_of(""), expected="a table", got=given)
    named = {name: table for name, table in given.items() if isinstance(table, dict)}
    own = {name: value for name, value in given.items() if name not in named}
    tables = {**({"": own} if own or not named else {}), **named}
    packages = [_package(name, table, project) for name, table in tables.items()]
    for setting in ("variable", "output"):
        _check_distinct(packages, setting)
    return packages


def _package(name: str, table: Mapping[str, Any], project: Path) -> PackageSettings:
    where = _table_of(name)
    texts = _texts(where, table)
    kind = _one_of(f"{where} kind", texts.get("kind", "python"), tuple(_KINDS))
    known = (*_OF_EVERY_KIND, *_KINDS[kind])
    if unknown := set(texts) - set(known):
        expected = f"only {', '.join(known)}"
        raise SettingsError(where, expected=expected, got=", ".join(sorted(unknown)), known=known)
    if {"group", "requirements"} <= set(texts):
        raise SettingsError(where, expected="group or requirements", got="both")
    if missing := {"source", "output"} - set(texts):
        raise SettingsError(where, expected="source and output", got=f"no {' and no '.join(sorted(missing))}")
    _one_of(f"{where} architecture", texts.get("architecture", "x86_64"), _ARCHITECTURES)
    for language, (form, example) in _VERSIONS.items():
        if not form.fullmatch(texts.get(language, example)):
            expected = f"a version such as {example}"
            raise SettingsError(f"{where} {language}", expected=expected, got=texts[language])
    if name:
        texts.setdefault("variable", f"{name.replace('-', '_')}_zip")
    paths = {key: project / texts[key] for key in _PATHS if key in texts}
    values: dict[str, Any] = {**texts, **paths}
    return PackageSettings(name=name, **values)


def _check_distinct(packages: Iterable[PackageSettings], setting: str) -> None:
    first: dict[object, PackageSettings] = {}
    for package in packages:
        value = getattr(package, setting)
        if (other := first.setdefault(value, package)) is not package:
            expected = f"another {setting} than that of {other.table}"
            raise SettingsError(f"{package.table} {setting}", expected=expected, got=str(value))


def _table_of(package: str) -> str:
    return f"[tool.harness.package.{package}]" if package else "[tool.harness.package]"


def _one_of(where: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise SettingsError(where, expected=" or ".join(known), got=value, known=known)
    return value


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
