"""Small stacks: a project whose tests run in another process, and roots in accounts of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from harness import Settings, deployed_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Deployment, Endpoint

ROOT = """
data "aws_caller_identity" "me" {}

resource "aws_s3_bucket" "mine" {
  bucket        = "small-${data.aws_caller_identity.me.account_id}"
  force_destroy = true
}

resource "aws_sns_topic" "mine" {
  name = "small"
}

output "bucket" {
  value = aws_s3_bucket.mine.bucket
}

output "account" {
  value = data.aws_caller_identity.me.account_id
}
"""
# Notes each command, and runs it.
WRAPPER = '#!/bin/sh\necho "$1" >> {calls}\nexec {terraform} "$@"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallStack:
    """The project.

    Attributes:
        settings: The settings of a run in its folder.
        scratch: The folder for the temporary files of all its processes.
    """

    settings: Settings
    scratch: Path

    @classmethod
    def made(cls, like: Settings, folder: Path, tests: str) -> SmallStack:
        """Write the project into `folder`. It has the backend and the cache of the settings `like`."""
        scratch, root, program = folder / ".scratch", folder / "terraform", folder / "noting-terraform"
        scratch.mkdir()
        root.mkdir()
        (root / "main.tf").write_text(ROOT, "utf-8")
        (folder / "test_it.py").write_text(tests, "utf-8")
        real = shutil.which(like.terraform, path=like.environ["PATH"])
        program.write_text(WRAPPER.format(calls=folder / "calls", terraform=real), "utf-8")
        program.chmod(0o755)
        environ = {**like.environ, "TMPDIR": str(scratch), "HARNESS_TERRAFORM": str(program)}
        chosen = {**environ, "HARNESS_BACKEND": like.backend, "HARNESS_CACHE_DIR": str(like.cache_dir)}
        settings = replace(Settings.from_env(chosen, folder), provider_mirror=like.provider_mirror)
        return cls(settings=settings, scratch=scratch)

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the project's tests to their end."""
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", *arguments],
            cwd=self.settings.project,
            env={**os.environ, **self.settings.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=200,
        )

    def commands(self) -> list[str]:
        """Return the Terraform commands that have run."""
        return (self.settings.project / "calls").read_text("utf-8").splitlines()


@contextmanager
def applied_alone(
    settings: Settings, endpoint: Endpoint, folder: Path, *, root: str, handler: str, account: str
) -> Iterator[Deployment]:
    """Apply a root in an account of its own. The functions' zip is `app.zip` beside it in `folder`."""
    if endpoint.backend in {"aws", "external"}:
        pytest.skip(f"the account is taken by its number: not on the backend {endpoint.backend}")
    (folder / "main.tf").write_text(root, "utf-8")
    with zipfile.ZipFile(folder / "app.zip", "w") as archive:
        archive.writestr("app.py", handler)
    own = replace(settings, terraform_dir=folder, package=None, variables={})
    alone = replace(endpoint, access_key=account)
    with deployed_at(own, alone, destroy=not endpoint.is_temporary) as stack:
        yield stack
