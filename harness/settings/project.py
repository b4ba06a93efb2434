"""The settings of a run, from the environment and the project's `[tool.harness]` table."""

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
    """The settings of a run.

    Set each as `HARNESS_<NAME>` in the environment, or as `<name>` with dashes in the project's
    `[tool.harness]` table. The environment wins. Relative paths start at the project.
    """

    project: Path
    """The directory whose `pyproject.toml` was read."""
    environ: Mapping[str, str] = field(repr=False)
    """The environment, whose harmless part child processes inherit. It may hold secrets, so `repr` does not
    show it.
    """
    variables: Mapping[str, str] = field(repr=False)
    """Terraform variables, by name. Only in the file. They may be secrets, so `repr` does not show them
    either.
    """
    package: PackageSettings | None = None
    """How the Lambda zip is built. None if the project builds its own."""
    packages: tuple[PackageSettings, ...] = ()
    """How the zips with a name are built."""
    roots: tuple[RootSettings, ...] = ()
    """Other roots, which are applied first because this root reads their states or needs what they make."""
    backend: str = field(default="auto", metadata=of_form(forms.text))
    """`auto`, `container`, `host`, `localemu`, `ministack`, `external`, `aws`, or `package.module:function`:
    see [Backends](../backends.md)."""
    region: str = field(default="eu-north-1", metadata=of_form(forms.text))
    """The AWS region."""
    port: int = field(default=0, metadata=of_form(forms.port))
    """The emulator's port. 0 picks a free one."""
    image: str = field(default="localstack/localstack:4.14.0", metadata=of_form(forms.text))
    """LocalStack's image, for the backend `container`."""
    localstack_version: str = field(default="4.14.0", metadata=of_form(forms.one_of("4.14.0", "2026.3.0")))
    """The version of LocalStack for the backend `host`: see [Backends](../backends.md#localstack-202630)."""
    lambda_executor: str = field(default="process", metadata=of_form(forms.one_of("process", "docker")))
    """How LocalStack runs functions on the backend `container`: `process`, or `docker`."""
    runtimes: Mapping[str, str] = field(default_factory=dict, metadata=of_form(forms.runtimes))
    """Runtimes that functions run on in place of those that they ask for, such as `python3.8=python3.9`,
    separated by commas. In `pyproject.toml`, a table: see
    [Runtimes that AWS has given up](../reference/runtimes.md#runtimes-that-aws-has-given-up).
    """
    python: Path | None = field(default=None, metadata=of_form(forms.path))
    """The interpreter for the emulator. By default a suitable version, which uv finds or installs: 3.13 for
    LocalStack.
    """
    cache_dir: Path = field(metadata=of_form(forms.path, default=_CACHE))
    """The directory in which emulators are installed, once."""
    start_timeout: float = field(default=180.0, metadata=of_form(forms.seconds))
    """Seconds until an emulator must be healthy."""
    terraform: str = field(default="terraform", metadata=of_form(forms.text))
    """`terraform`, `tofu`, `tflocal`, or a path."""
    terraform_dir: Path = field(metadata=of_form(forms.path, default="terraform"))
    """The root module to apply."""
    terraform_timeout: float = field(default=900.0, metadata=of_form(forms.seconds))
    """Seconds that one Terraform command may take."""
    check_needs: bool = field(default=True, metadata=of_form(forms.switch))
    """Whether the harness refuses a root before anything starts if the backend lacks a feature that the root
    needs: see [Backends](../backends.md#what-your-stack-needs).
    """
    destroy: bool = field(default=False, metadata=of_form(forms.switch))
    """Whether the harness destroys the stack even if the emulator ends with the run. Same as `pytest
    --destroy`.
    """
    snapshots: bool = field(default=True, metadata=of_form(forms.switch))
    """Whether the harness saves an applied stack, so that the next run restores it: see
    [Snapshots](../how-to/snapshots.md). `pytest --no-snapshot` turns it off.
    """
    snapshot_days: int = field(default=14, metadata=of_form(forms.whole))
    """Days after which an unused snapshot is removed."""
    snapshot_megabytes: int = field(default=1024, metadata=of_form(forms.whole))
    """The size limit of all snapshots together, in MiB. The oldest are removed first."""
    workspace: str = field(default="", metadata=of_form(forms.text))
    """The Terraform workspace. Empty for the default one."""
    var_files: tuple[Path, ...] = field(default=(), metadata=of_form(forms.paths))
    """Files with values of the root's variables, as for `-var-file`, separated by commas. In
    `pyproject.toml`, a list.
    """
    provider_mirror: Path | None = field(default=None, metadata=of_form(forms.path))
    """A [filesystem mirror](https://developer.hashicorp.com/terraform/cli/commands/providers/mirror) of
    providers, for machines that can't reach a registry.
    """
    ministack_auth: bool = field(default=True, metadata=of_form(forms.switch))
    """Whether the backend `ministack` enforces IAM and bucket policies."""
    localemu_iam: str = field(default="enforce", metadata=of_form(forms.one_of("enforce", "soft", "off")))
    """How the backend `localemu` treats a call that the policies forbid: `enforce` refuses it, `soft`
    executes it and logs a complaint, `off` does not check.
    """
    endpoint_url: str = field(default="", metadata=of_form(forms.url))
    """The URL of the backend `external`."""
    endpoint_ca: Path | None = field(default=None, metadata=of_form(forms.path))
    """A PEM file with the CA of the backend `external`, if it uses TLS with its own CA."""
    endpoint_credentials: Path | None = field(default=None, metadata=of_form(forms.path))
    """A file such as `~/.aws/credentials` with the keys for the backend `external`. By default `test` and
    `test`.
    """
    aws_accounts: tuple[str, ...] = field(default=(), metadata=of_form(forms.accounts))
    """The numbers of the accounts that the backend `aws` may deploy to, separated by commas."""
    allowed_hosts: tuple[str, ...] = field(default=(), metadata=of_form(forms.names))
    """Hosts besides the emulator that Terraform and functions may reach (for a module that builds with pip,
    say, but not for functions of Node.js), separated by commas. `*` stands for any text, as in `*.pypi.org`.
    """
    request_log_bodies: bool = field(default=False, metadata=of_form(forms.switch))
    """Whether the [request log](request-log.md) has the bodies of calls, without secrets. Same as `pytest
    --request-log-bodies`.
    """
    coverage_exclude: tuple[str, ...] = field(default=(), metadata=of_form(forms.names))
    """Addresses or file names that `--iac-coverage` leaves out, separated by commas. `*` stands for any text,
    as in `module.legacy.*`.
    """
    name_variable: str = field(default="environment", metadata=of_form(forms.text))
    """The Terraform variable that receives a unique name for each run on real AWS."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str], project: Path | None = None) -> Self:
        """Read the settings from the environment and the project.

        Args:
            environ: The environment.
            project: The directory of the project's `pyproject.toml`. By default the working directory, or the
                nearest one above it whose `pyproject.toml` has a table `[tool.harness]`.

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
        """The package without a name, if there is one, followed by those with a name."""
        return (*filter(None, [self.package]), *self.packages)

    def of_root(self, root: RootSettings) -> Self:
        """Return the settings of another root: these, overridden by the root's own."""
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
    """Return `folder`, or the nearest parent directory that has settings of the harness."""
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
    """Return the defaults that depend on the machine."""
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
    """Return the settings in the environment.

    Other `HARNESS_` variables belong to other tools and are ignored.
    """
    named = {name: environ.get(variable_of(name), "") for name in settings_of(Settings)}
    return {name: value for name, value in named.items() if value}
