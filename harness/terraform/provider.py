"""Run the AWS provider once for a whole command. Terraform by itself starts it again for each step.

A start, with the schema of some 1,500 resources, is a second or two of work, and an apply has three of them.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from harness.base import process
from harness.terraform import installation
from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping

_SOURCE = "hashicorp/aws"
# As `init` installs them: <registry>/hashicorp/aws/<version>/<platform>/terraform-provider-aws_v<version>_x5
_INSTALLED = f"*/{_SOURCE}/*/*/terraform-provider-aws_v*"
# The process ends when its starter does, and removes its directory. By itself it would wait for Terraform for
# ever.
_SERVE = """
"$0" -debug &
while kill -0 "$PPID" && kill -0 $!; do sleep 1; done 2>/dev/null
kill $!
rm -rf "$1"
"""
_ANNOUNCED = re.compile(r"^\s*TF_REATTACH_PROVIDERS='(.*)'$", re.MULTILINE)
# An override block is merged into the block of the same name:
# https://developer.hashicorp.com/terraform/language/files/override
_OVERRIDES = re.compile(r"(?:^|_)override\.(?:tf|tofu)(?:\.json)?$")
_START = 30.0  # seconds
_LOOK_EVERY = 0.05


@contextmanager
def served(root: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run the AWS provider of an initialised root while the context is open.

    A process has one configuration of the provider at a time. For a root with several, such as one per
    region, Terraform starts them itself. It also does so if the provider does not come up, and if the
    provider trusts a CA of its own, because such a process can't be configured for a second step.

    Args:
        root: The root module.
        environ: The environment of the command, and so of the provider.

    Yields:
        The additions to the command's environment.
        https://developer.hashicorp.com/terraform/plugin/debugging#running-terraform-with-a-provider-in-debug-mode
    """
    program = _find_program(root)
    if program is None or "AWS_CA_BUNDLE" in environ or not _is_configured_once(root):
        yield {}
        return
    with TemporaryDirectory(prefix="harness-provider-") as scratch:
        log = Path(scratch) / "log"
        argv = ["/bin/sh", "-c", _SERVE, str(program), scratch]
        own = {**environ, "TMPDIR": scratch}  # for its socket, which it leaves there when it is killed
        with process.serving(argv, env=own, log=log, cwd=root) as child:
            address = _await_address(child, log)
            yield {"TF_REATTACH_PROVIDERS": json.dumps({_name(program): address})} if address else {}


def _find_program(root: Path) -> Path | None:
    """Return the provider's program, or None if the root has none, or several versions."""
    found = list((root / ".terraform" / "providers").glob(_INSTALLED))
    return found[0].absolute() if len(found) == 1 else None


def _name(program: Path) -> str:
    """Return the provider's name with the registry's, which is another for OpenTofu."""
    return "/".join(program.parts[-6:-3])


def _is_configured_once(root: Path) -> bool:
    """Return whether all modules use one configuration of the provider, under its default name."""
    folders = set(installation.module_folders(root).values())
    blocks = [block for folder in folders for block in declarations.blocks(folder)]
    required = [each for block in blocks if block.type == "terraform" for each in block.blocks]
    sources = {
        name: declarations.texts_of(value).get("source", "")
        for block in required
        if block.type == "required_providers"
        for name, value in block.attributes.items()
    }
    if any(source.endswith(_SOURCE) and name != "aws" for name, source in sources.items()):
        return False
    configured = [block for block in blocks if block.type == "provider" and block.labels == ("aws",)]
    if any("alias" in block.attributes for block in configured):
        return False
    return len([block for block in configured if not _OVERRIDES.search(block.file.name)]) <= 1


def _await_address(child: subprocess.Popen[str], log: Path) -> dict[str, object]:
    """Wait for the provider's address, and return it, or an empty one if there is none."""
    deadline = time.monotonic() + _START
    with suppress(FileNotFoundError):  # the provider has ended, and its directory has gone with it
        while child.poll() is None and time.monotonic() < deadline:
            if found := _ANNOUNCED.search(log.read_text("utf-8", "replace")):
                (address,) = json.loads(found[1]).values()
                return dict(address)
            time.sleep(_LOOK_EVERY)
    return {}
