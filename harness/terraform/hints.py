"""Advice on failures of Terraform that are common in a stack under test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.errors import Diagnostic

# What a data source does not find, a function's role, and a bucket or an object for its code.
_ABSENT = (
    r"\bdata\.aws_.*(couldn't find|could not find|no matching|empty result|not ?found|NoSuch)"
    r"|aws_lambda_\w+\.(?:(?!\n\n).)*(NoSuch(Bucket|Key)|The role with name \S+ cannot be found)"
)
_HINTS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
    r"Log Group .*ResourceAlreadyExistsException": (
        "Lambda makes a function's log group at its first run, on AWS too. Here begin afresh with "
        "`harness down`; there take it over with `terraform import`"
    ),
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_delete-secret.html
    r"Secret .*(ResourceExistsException|already scheduled for deletion)": (
        "a secret that was destroyed keeps its name for up to 30 days, on AWS too, unless it has "
        "recovery_window_in_days = 0. Here begin afresh with `harness down`"
    ),
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
    r"expected runtime to be one of .*got \S+": (
        "this version of the AWS provider does not know that runtime; raise the version in "
        "`required_providers`, and run `terraform init -upgrade` in your root"
    ),
    r"the provider \S+ can't be had: could not connect": (
        "Terraform's registry is out of reach. Get the provider elsewhere with `terraform providers mirror`, "
        "and name the folder in HARNESS_PROVIDER_MIRROR"
    ),
    r"the provider \S+ can't be had: no available releases": (
        "neither your mirror nor the registry has a version that all modules of your root accept. "
        "`harness doctor` lists the versions of the AWS provider in your mirror"
    ),
    # https://developer.hashicorp.com/terraform/language/modules/sources
    r"the module \S+ can't be had": (
        "Terraform fetches a module from its source. Where that is out of reach, let `source` name a copy in "
        "your repository, or lead git to a mirror with `git config --global url.MIRROR.insteadOf SOURCE`"
    ),
    # https://developer.hashicorp.com/terraform/language/files/dependency-lock#checksum-verification
    r"doesn't\s+match\s+any\s+of\s+the\s+checksums": (
        "your lock file has no checksum of this machine's build of the provider. If you trust it, add one "
        "with `terraform providers lock -platform=linux_amd64`, or the name of your platform"
    ),
    r"can't be had: the previously-selected version": (
        "your lock file pins a version that neither your mirror nor the registry has. Get it, or run "
        "`terraform init -upgrade` in your root"
    ),
    _ABSENT: (
        "your root takes for granted that this is there already. Make it in a small root of your tests, and "
        "name that in [[tool.harness.roots]]: it is applied first"
    ),
    r"no such file or directory|no file exists at|missing (file|directory)": (
        "Terraform runs in a copy of your root, its modules, and each file above them that a path in them or "
        "in their scripts names. If a build makes this file, run it before the test"
    ),
    r"\bdata\.terraform_remote_state\.": (
        "your root reads another root's state. Name that root in [[tool.harness.roots]]: it is applied "
        "first, and the state is read from there"
    ),
    # https://developer.hashicorp.com/terraform/language/import
    r"Cannot import non-existent remote object": (
        "an `import` block takes over something that is there already. Make it in a small root of your "
        "tests, and name that in [[tool.harness.roots]]: it is applied first"
    ),
    r"BucketNotEmpty": (
        "Terraform empties a bucket only if it has force_destroy = true; empty it, or let the bucket stay"
    ),
    r"Instance cannot be destroyed": (
        "a lifecycle with prevent_destroy keeps it. On an emulator that ends with the run nothing needs to "
        "be destroyed: leave out --destroy"
    ),
    r"\b(EntityAlreadyExists|BucketAlreadyExists|BucketAlreadyOwnedByYou)\b": (
        "something that this state does not know has the name already: another stack on the same endpoint, "
        "or what an earlier run has left there"
    ),
}


def hints_for(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return advice on these errors, without repetition."""
    texts = [str(diagnostic) for diagnostic in diagnostics]
    return [
        hint for pattern, hint in _HINTS.items() if any(re.search(pattern, text, re.DOTALL) for text in texts)
    ]
