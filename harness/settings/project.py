"""What a run of the harness is told, by the environment and the project's `[tool.harness]` table."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.errors import SettingsError
from harness.settings import forms
from harness.settings.forms import of_form, plain, settings_of, texts, to_dashes, variable_of
from harness.settings.packages import read_packages
from harness.settings.roots import read_roots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.settings.packages import PackageSettings
    from harness.settings.roots import RootSettings

_CACHE = "~/.cache/terraform-lambda-harness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run of the harness is told.

    Each is `HARNESS_<NAME>` in the environment, or `<name>` with dashes in the project's
    `[tool.harness]` table; the environment wins. Relative paths are relative to the project.
    """

    project: Path
    """The directory whose `pyproject.toml` was read."""
    environ: Mapping[str, str] = field(repr=False)
    """The environment that child processes inherit what is harmless from. It may hold secrets, and is not
    shown in the `repr`."""
    variables: Mapping[str, str] = field(repr=False)
    """Terraform variables, by name; from the file only. They may be secrets, and are not shown either."""
    package: PackageSettings | None = None
    """How the Lambda zip is built; None when the project builds its own."""
    packages: tuple[PackageSettings, ...] = ()
    """How the zips are built that have a name."""
    roots: tuple[RootSettings, ...] = ()
    """Other roots, which are applied first because this one reads their states."""
    backend: str = field(default="auto", metadata=of_form(forms.text))
    """`auto`, `container`, `host`, `localemu`, `ministack`, `external`, `aws`, or `package.module:function`:
    see [Backends](../backends.md)."""
    region: str = field(default="eu-north-1", metadata=of_form(forms.text))
    """The AWS region."""
    port: int = field(default=0, metadata=of_form(forms.port))
    """The emulator's port; 0 picks a free one."""
    image: str = field(default="localstack/localstack:4.14.0", metadata=of_form(forms.text))
    """LocalStack's image, for the backend `container`."""
    lambda_executor: str = field(default="process", metadata=of_form(forms.one_of("process", "docker")))
    """How that one runs functions: `process`, or `docker`."""
    python: Path | None = field(default=None, metadata=of_form(forms.path))
    """The interpreter that the emulator runs on; by default one that suits it, which uv finds or installs:
    3.13 for LocalStack."""
    cache_dir: Path = field(metadata=of_form(forms.path, default=_CACHE))
    """Where emulators are installed, once."""
    start_timeout: float = field(default=180.0, metadata=of_form(forms.seconds))
    """Seconds an emulator may take until it is healthy."""
    terraform: str = field(default="terraform", metadata=of_form(forms.text))
    """`terraform`, `tofu`, `tflocal`, or a path."""
    terraform_dir: Path = field(metadata=of_form(forms.path, default="terraform"))
    """The root module to apply."""
    terraform_timeout: float = field(default=900.0, metadata=of_form(forms.seconds))
    """Seconds one Terraform command may take."""
    check_needs: bool = field(default=True, metadata=of_form(forms.switch))
    """Whether a root that needs what the backend is known to lack is refused before anything starts: see
    [Backends](../backends.md#what-your-stack-needs)."""
    destroy: bool = field(default=False, metadata=of_form(forms.switch))
    """Whether the stack is destroyed even where it goes with the emulator at the end of the run; `pytest
    --destroy` says the same."""
    snapshots: bool = field(default=True, metadata=of_form(forms.switch))
    """Whether an applied stack is saved, and the next run restores it: see
    [Snapshots](../how-to/snapshots.md). `pytest --no-snapshot` says no."""
    snapshot_days: int = field(default=14, metadata=of_form(forms.whole))
    """Days for which a snapshot is kept that no run restores."""
    snapshot_megabytes: int = field(default=1024, metadata=of_form(forms.whole))
    """The room that all snapshots may take, in MiB; the oldest make way."""
    workspace: str = field(default="", metadata=of_form(forms.text))
    """The Terraform workspace; empty for the default one."""
    var_files: tuple[Path, ...] = field(default=(), metadata=of_form(forms.paths))
    """Files with values of the root's variables, as `-var-file` takes them, separated by commas; in
    `pyproject.toml` a list."""
    provider_mirror: Path | None = field(default=None, metadata=of_form(forms.path))
    """A [filesystem mirror](https://developer.hashicorp.com/terraform/cli/commands/providers/mirror) of
    providers, for machines that reach no registry."""
    ministack_auth: bool = field(default=True, metadata=of_form(forms.switch))
    """Whether the backend `ministack` enforces IAM and bucket policies."""
    localemu_iam: str = field(default="enforce", metadata=of_form(forms.one_of("enforce", "soft", "off")))
    """What the backend `localemu` does with a call that policies do not allow: `enforce` refuses it, `soft`
    carries it out and complains of it in its log, `off` does not look."""
    endpoint_url: str = field(default="", metadata=of_form(forms.url))
    """Where the backend `external` answers."""
    endpoint_ca: Path | None = field(default=None, metadata=of_form(forms.path))
    """The certificates that it is trusted by over TLS, in a PEM file, if it has a CA of its own."""
    endpoint_credentials: Path | None = field(default=None, metadata=of_form(forms.path))
    """The keys that it takes, in a file such as `~/.aws/credentials`; by default `test` and `test`."""
    aws_accounts: tuple[str, ...] = field(default=(), metadata=of_form(forms.accounts))
    """The accounts, by number and separated by commas, that the backend `aws` may deploy to."""
    allowed_hosts: tuple[str, ...] = field(default=(), metadata=of_form(forms.names))
    """Hosts besides the emulator that Terraform and functions may reach (for a module that builds with pip,
    say; not functions of Node.js), separated by commas; `*` stands for any text, as in `*.pypi.org`."""
    coverage_exclude: tuple[str, ...] = field(default=(), metadata=of_form(forms.names))
    """What `--iac-coverage` leaves out, separated by commas: addresses, or names of files; `*` stands for any
    text, as in `module.legacy.*`."""
    name_variable: str = field(default="environment", metadata=of_form(forms.text))
    """The Terraform variable that gets a name of its own for each run on real AWS."""

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
        every_package = read_packages(table.pop("package", None), project)
        variables, roots = table.pop("variables", {}), table.pop("roots", [])
        given = _defaults(environ) | _values_in(table) | _overrides(environ)
        known = settings_of(cls)
        read = {name: known[name].form(variable_of(name), text, project) for name, text in given.items()}
        return cls(
            project=project,
            environ=dict(environ),
            variables=texts("[tool.harness.variables]", variables),
            package=next((package for package in every_package if not package.name), None),
            packages=tuple(package for package in every_package if package.name),
            roots=read_roots(roots, project),
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


def _defaults(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the texts of settings whose values depend on where the harness runs."""
    texts = {name: each.default for name, each in settings_of(Settings).items() if each.default}
    if caches := environ.get("XDG_CACHE_HOME"):
        texts["cache_dir"] = str(Path(caches) / Path(_CACHE).name)
    return texts


def _values_in(table: Mapping[str, Any]) -> dict[str, str]:
    known = to_dashes(settings_of(Settings))
    if unknown := to_dashes(set(table) - set(settings_of(Settings))):
        expected = f"only {', '.join(known)}, package, roots, variables"
        raise SettingsError("[tool.harness]", expected=expected, got=", ".join(unknown), known=known)
    return {name: plain(value) for name, value in table.items()}


def _overrides(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment sets; other HARNESS_ variables belong to other tools."""
    named = {name: environ.get(variable_of(name), "") for name in settings_of(Settings)}
    return {name: value for name, value in named.items() if value}
