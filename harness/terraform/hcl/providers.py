"""The providers that a root and its local modules name, or use without naming them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.terraform.hcl.declarations import Block

_BUILT_IN = "terraform"
_OF_A_PROVIDER = frozenset({"resource", "data", "ephemeral", "provider"})
_DEEPEST = 20  # modules within modules; Terraform refuses a module that calls itself


def sources_of(folder: Path, depth: int = 0) -> set[str]:
    """Return the sources of the providers of the module in `folder`, such as `hashicorp/aws`.

    Modules from a registry are left out, because their files are missing before `terraform init`.

    Args:
        folder: The module's directory.
        depth: How many modules there are above it.
    """
    blocks = declarations.blocks(folder)
    named = dict(_required(blocks))
    used = {_name(block) for block in blocks if block.type in _OF_A_PROVIDER and block.labels} - {_BUILT_IN}
    own = {*named.values(), *(named.get(name, f"hashicorp/{name}") for name in used)}
    calls = [block.literal("source") or "" for block in blocks if block.type == "module"]
    local = {folder / call for call in calls if call.startswith(("./", "../")) and depth < _DEEPEST}
    return own.union(*(sources_of(each, depth + 1) for each in local))


def default_region(root: Path, variables: Mapping[str, str]) -> str | None:
    """Return the region of a root's default AWS provider, or None if only Terraform can evaluate it.

    Args:
        root: The root.
        variables: Values of its input variables, by name. Others have their defaults.
    """
    blocks = declarations.blocks(root)
    regions = (
        block.attributes["region"]
        for block in blocks
        if (block.type, block.labels) == ("provider", ("aws",))
        and "alias" not in block.attributes
        and "region" in block.attributes
    )
    return declarations.scope_of(blocks, variables).value(next(regions, ""))


def _required(blocks: list[Block]) -> Iterator[tuple[str, str]]:
    for block in blocks:
        for inner in block.blocks if block.type == "terraform" else ():
            if inner.type == "required_providers":
                for name, value in inner.attributes.items():
                    yield name, declarations.texts_of(value).get("source", f"hashicorp/{name}")


def _name(block: Block) -> str:
    """Return the local name of a block's provider."""
    chosen = block.attributes.get("provider", "").strip('"${}').partition(".")[0]
    return chosen or block.labels[0].partition("_")[0]
