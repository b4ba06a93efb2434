"""A small project: a bucket and a topic, which take seconds, and pytest on them in another process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from harness import Settings

if TYPE_CHECKING:
    from pathlib import Path

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
        settings: Those of a run in its folder.
        scratch: Where all its processes have their temporary files.
    """

    settings: Settings
    scratch: Path

    @classmethod
    def made(cls, like: Settings, folder: Path, tests: str) -> SmallStack:
        """Write the project into `folder`; it runs where and with what `like` says."""
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
        """Run its tests to their end."""
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
