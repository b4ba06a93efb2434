"""Fingerprints of a backend's start, of an apply's inputs, and of the place of a snapshot."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness import backends
from harness.terraform import commands as terraform
from harness.terraform.hcl.input_variables import read_values
from harness.terraform.hcl.remote_state import stages
from harness.terraform.hcl.scratch import inputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.settings import Settings
    from harness.values import Endpoint

_DISTRIBUTION = "terraform-lambda-harness"
# The settings of a backend's start. A change in any of them requires a new backend.
_BACKEND_SETTINGS = (
    *("backend", "region", "port", "python", "image", "localstack_version", "lambda_executor"),
    *("ministack_auth", "localemu_iam", "aws_accounts", "allowed_hosts"),
    *("endpoint_url", "endpoint_ca", "endpoint_credentials"),
)
_HASHES = ("sha256", "md5", "sha1", "sha512")  # the hash functions of Terraform


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Everything that an apply depends on.

    Attributes:
        rest: A digest of Terraform's files, variables and program.
        zips: The hashes of each zip, by its path: SHA-256, MD5, SHA-1 and SHA-512, in hexadecimal digits and
            in base64.
    """

    rest: str
    zips: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, settings: Settings, variables: Mapping[str, str]) -> Self:
        """Return the fingerprint of the stack of `settings`. `variables` name the harness's zips."""
        files = [
            file
            for stage in stages(settings)
            for file in (
                *filter(Path.is_file, stage.var_files),
                *inputs(stage.terraform_dir, read_values(stage).values()),
            )
        ]
        named = [Path(value) for value in variables.values() if Path(value).is_file()]
        zips = sorted({*(file for file in files if file.suffix == ".zip"), *named})
        rest = [*_chosen(settings, variables), *_contents(file for file in files if file not in zips)]
        return cls(rest=_digest(rest), zips={str(file): _hashes(file) for file in zips})

    @classmethod
    def from_note(cls, note: Mapping[str, Any]) -> Self:
        """Create one from the result of `as_note`.

        Without a note, it equals no other fingerprint.
        """
        zips = note.get("zips") or {}
        return cls(
            rest=str(note.get("rest", "")), zips={path: tuple(hashes) for path, hashes in zips.items()}
        )

    def as_note(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"rest": self.rest, "zips": dict(self.zips)}

    def other_zips(self, before: Fingerprint) -> list[str] | None:
        """Return the paths of the zips that have changed since `before`, or None if more has changed."""
        if self.rest != before.rest or self.zips.keys() != before.zips.keys():
            return None
        return [path for path in self.zips if self.zips[path] != before.zips[path]]


def backend_fingerprint(settings: Settings) -> str:
    """Return a digest of everything that decides how the backend is started."""
    chosen = [f"{name}={getattr(settings, name)}" for name in _BACKEND_SETTINGS]
    return _digest([version(_DISTRIBUTION), *chosen])


def emulator_fingerprint(endpoint: Endpoint, settings: Settings) -> str:
    """Return a digest of everything that two emulators must share to understand each other's state."""
    edition = backends.edition_of(settings, running=endpoint.backend)
    return _digest([_harness(), endpoint.backend, edition])


def place_fingerprint(endpoint: Endpoint, settings: Settings) -> str:
    """Return a digest that all snapshots of one stack share, whatever has changed in the stack.

    The emulator's region is that of the settings. An endpoint of an applied stack has the stack's own.
    """
    return _digest(
        [
            emulator_fingerprint(endpoint, settings),
            backend_fingerprint(settings),
            *(f"{stage.terraform_dir} {stage.workspace}" for stage in stages(settings)),
            *(endpoint.access_key, endpoint.name),
        ]
    )


@functools.cache
def _harness() -> str:
    """Return a digest of the harness's own files: its guests hold the state, and its overrides shape it."""
    package = Path(str(files("harness")))
    own = sorted(file for file in package.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return _digest([*(file.relative_to(package).as_posix() for file in own), *_contents(own)])


def _chosen(settings: Settings, variables: Mapping[str, str]) -> list[str]:
    program = terraform.program_of(settings)
    built = Path(program).resolve().stat()
    given = {**settings.variables, **variables}
    return [
        backend_fingerprint(settings),
        f"{program} {built.st_size} {built.st_mtime_ns}",
        json.dumps([given, settings.workspace, _tf_variables(settings)], sort_keys=True),
        repr([(root.terraform_dir, root.workspace, dict(root.variables)) for root in settings.roots]),
    ]


def _tf_variables(settings: Settings) -> dict[str, str]:
    """Return the variables that Terraform reads from the environment."""
    return {name: text for name, text in settings.environ.items() if name.startswith("TF_VAR_")}


def _contents(files: Iterable[Path]) -> Iterator[str]:
    for file in files:
        yield f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}"


def _hashes(file: Path) -> tuple[str, ...]:
    content = file.read_bytes()
    digests = [hashlib.new(name, content, usedforsecurity=False).digest() for name in _HASHES]
    return (*(each.hex() for each in digests), *(base64.b64encode(each).decode() for each in digests))


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
