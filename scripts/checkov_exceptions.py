"""Show that checkov finds each exception once its comment is gone.

`python scripts/checkov_exceptions.py`, in checkov's environment, scans a copy of the Terraform files without
the comments. If checkov does not miss one there, nothing needs that exception, or its check does not look at
such a resource, and a new one with the same fault would pass.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TERRAFORM = Path(__file__).parents[1] / "terraform"
_BLOCK = re.compile(r'^(?:resource|data) "(\w+)" "(\w+)"')
_EXCEPTION = re.compile(r"checkov:skip=(\w+):")

type Finding = tuple[str, str]  # a check and the resource that it is about


def main() -> None:
    """Say that checkov finds all exceptions, or exit with those that it does not find."""
    with tempfile.TemporaryDirectory(prefix="checkov-") as folder:
        copy = Path(folder) / "terraform"
        shutil.copytree(TERRAFORM, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        expected = {each for file in copy.rglob("*.tf") for each in removed_exceptions(file)}
        missing = expected - failed_checks(copy)
    if missing:
        lines = (f"{check} does not fail on {resource} without its exception" for check, resource in missing)
        sys.exit("\n".join(sorted(lines)))
    sys.stdout.write(f"without their comments, checkov finds all {len(expected)} exceptions\n")


def removed_exceptions(file: Path) -> set[Finding]:
    """Remove the exceptions from a file, and return them."""
    lines, found, resource = file.read_text("utf-8").splitlines(keepends=True), set(), ""
    for line in lines:
        if block := _BLOCK.match(line):
            resource = ".".join(block.groups())
        found |= {(check, resource) for check in _EXCEPTION.findall(line)}
    file.write_text("".join(line for line in lines if not _EXCEPTION.search(line)), "utf-8")
    return found


def failed_checks(folder: Path) -> set[Finding]:
    """Scan a folder as the session does, and return the failed checks."""
    command = ["checkov", "--config-file", ".checkov.yaml", "--output", "json", "--soft-fail"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    failed = json.loads(done.stdout)["results"]["failed_checks"]
    return {(each["check_id"], resource_of(each["resource"])) for each in failed}


def resource_of(address: str) -> str:
    """Return the type and name at the end of an address, without modules and index."""
    return ".".join(re.sub(r"\[[^]]*\]", "", address).split(".")[-2:])


if __name__ == "__main__":
    main()
