"""The surroundings of a run: the stack, versions, the commit, and the secrets to keep out of reports."""

from __future__ import annotations

import platform
import shlex
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from harness import redaction
from harness.base import process
from harness.errors import HarnessError
from harness.redaction import Redaction
from harness.terraform import installation, state
from harness.terraform.hcl import input_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pytest

    from harness.settings import Settings
    from harness.stack.deployment import Deployment
    from harness.values import Endpoint

ARGUMENTS = "terraform_lambda_harness_arguments"  # the key under which pytest-xdist's workers receive them
_DISTRIBUTION = "terraform-lambda-harness"
_GIT = 5.0  # seconds that git may take
_NO_SECRETS = frozenset({"OLDPWD", "PWD"})  # folders
_LEAST = 8  # the shortest value of the environment that counts as a secret because of its name


def facts(settings: Settings | None, endpoint: Endpoint | None, held: Deployment | None) -> dict[str, str]:
    """Return facts about backend and stack, by name.

    Of variables, return only the names.
    """
    known: dict[str, str] = {}
    if endpoint:
        known |= {"backend": endpoint.backend, "endpoint": endpoint.url or "AWS", "region": endpoint.region}
    if settings:
        root, project = settings.terraform_dir, settings.project
        known["root module"] = str(root.relative_to(project) if root.is_relative_to(project) else root)
        known["variables"] = ", ".join(sorted(input_variables.read_values(settings)))
    if held:
        root, written = held.terraform.root, held.terraform.state
        known["terraform"] = state.terraform_version(written)
        known["providers"] = ", ".join(
            f"{name} {at}" for name, at in sorted(installation.provider_versions(root).items())
        )
    return {name: text for name, text in known.items() if text}


def secrets(settings: Settings | None, held: Deployment | None) -> frozenset[str]:
    """Return the values that are known to be secret.

    Those are sensitive variables and outputs, those with the name of a secret, sensitive attributes in the
    state, and secrets of the environment.
    """
    found: list[Any] = []
    if settings:
        values = input_variables.read_values(settings)
        found = [*input_variables.secrets(settings.terraform_dir, values), *_of_environment(settings.environ)]
    found += state.secrets(held.terraform.state) if held else []
    if held:
        found += [each for name, each in held.outputs.untraced.items() if redaction.is_secret_name(name)]
    return frozenset(redaction.leaves(found))


def of_the_run(config: pytest.Config) -> dict[str, str]:
    """Return facts about the run itself, by name."""
    known = {
        "command": command(config, Redaction()),
        "commit": _commit(config.rootpath),
        "python": f"{platform.python_version()} on {platform.system()}",
        _DISTRIBUTION: version(_DISTRIBUTION),
    }
    return {name: text for name, text in known.items() if text}


def command(config: pytest.Config, without: Redaction) -> str:
    """Return the command line of the run, without its secrets."""
    return shlex.join(["pytest", *map(without.text, _arguments(config))])


def options(config: pytest.Config, without: Redaction) -> list[str]:
    """Return pytest's options from the command line, without the tests and without secrets."""
    left_out = {*config.option.file_or_dir, "--lf", "--last-failed"}
    return [without.text(each) for each in _arguments(config) if each not in left_out]


def _arguments(config: pytest.Config) -> list[str]:
    """Return pytest's arguments. A worker of pytest-xdist has them from the controller."""
    worker_input: Mapping[str, Any] = getattr(config, "workerinput", {})
    return [str(each) for each in worker_input.get(ARGUMENTS, config.invocation_params.args)]


def _of_environment(environ: Mapping[str, str]) -> Iterator[str]:
    for name, text in environ.items():
        if redaction.is_secret_name(name) and len(text) >= _LEAST and name not in _NO_SECRETS:
            yield text


def _commit(root: Path) -> str:
    """Return the commit of a checkout, with a note on changes, or an empty text without git."""
    try:
        git = process.find("git", path=None, remedy="")
        argv = [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=10", "--exclude=*"]
        return process.run(argv, env={}, timeout=_GIT).stdout.strip()
    except HarnessError:
        return ""
