"""The override file of a scratch copy: local state, and providers that talk to the emulator alone.

Terraform merges it over the module's own blocks:
https://developer.hashicorp.com/terraform/language/files/override
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.terraform.hcl.declarations import Block

# Files are merged in the order of their names, and the last word counts: `~` sorts after all letters.
FILE = "~harness_override.tf"
# Replaces the backend, or the `cloud` block, that the root declares.
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
# The arguments of a provider block about accounts, keys and endpoints. The environment replaces them:
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs#argument-reference
_ATTRIBUTES = (
    "access_key",
    "allowed_account_ids",
    "custom_ca_bundle",
    "ec2_metadata_service_endpoint",
    "forbidden_account_ids",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "profile",
    "secret_key",
    "shared_config_files",
    "shared_credentials_file",
    "shared_credentials_files",
    "sts_region",
    "token",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
)
_BLOCKS = ("assume_role", "assume_role_with_web_identity", "endpoints")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOfEach:
    """The states that the instances of a data source with `for_each` read.

    Attributes:
        config: The source text of its `config`, which only Terraform can evaluate.
        states: The state files, each by a text that only the `config` of its readers has, as JSON.
    """

    config: str
    states: Mapping[str, Path]


type State = Path | StateOfEach


def write(folder: Path, *, is_root: bool, emulated: bool, states: Mapping[str, State] | None = None) -> None:
    """Write the override file of the module in `folder`, if it needs one.

    Args:
        folder: The copy of a module.
        states: The state files of other roots, by the name of the data source that reads them.
        is_root: Whether it is the root. If so, its state becomes local, whatever backend it declares.
        emulated: Whether it is applied at an emulator, whose address and keys the environment names. The
            region is the stack's own, always.
    """
    parts = [_LOCAL_STATE] if is_root else []
    if emulated:
        parts += [
            _provider(block) for block in _providers(declarations.blocks(folder)) if _is_overridden(block)
        ]
    parts += [_remote_state(name, state) for name, state in (states or {}).items()]
    if parts:
        (folder / FILE).write_text("\n".join(parts), "utf-8")


def _remote_state(name: str, state: State) -> str:
    """Return a block that makes a data source read a local state, whatever it declares."""
    path = _path_of_each(state) if isinstance(state, StateOfEach) else json.dumps(str(state))
    config = f"config = {{ path = {path} }}"
    inside = ['backend = "local"', 'workspace = "default"', config]
    return "\n".join([f'data "terraform_remote_state" "{name}" {{', *(f"  {line}" for line in inside), "}\n"])


def _path_of_each(state: StateOfEach) -> str:
    """Return an expression for the state of an instance. Longer texts come first: `app` is in `app-data`."""
    pairs = [[text, str(state.states[text])] for text in sorted(state.states, key=len, reverse=True)]
    wanted = f"strcontains(jsonencode({state.config}), pair[0])"
    return f"[for pair in {json.dumps(pairs)} : pair[1] if {wanted}][0]"


def _providers(blocks: Iterable[Block]) -> Iterator[Block]:
    """Return the blocks of the AWS provider, merged with the module's own override files."""
    merged: dict[str, Block] = {}
    for block in blocks:
        if block.type == "provider" and block.labels == ("aws",):
            alias = block.literal("alias") or ""
            before = merged.get(alias)
            merged[alias] = _merge(before, block) if before else block
    yield from merged.values()


def _merge(one: Block, other: Block) -> Block:
    return declarations.Block(
        type=one.type,
        labels=one.labels,
        attributes={**one.attributes, **other.attributes},
        blocks=(*one.blocks, *other.blocks),
        file=one.file,
    )


def _is_overridden(provider: Block) -> bool:
    return not (
        provider.attributes.keys().isdisjoint(_ATTRIBUTES) and _block_types(provider).isdisjoint(_BLOCKS)
    )


def _block_types(provider: Block) -> set[str]:
    """Return the types of the blocks inside of a provider's, dynamic ones included."""
    return {block.labels[0] if block.type == "dynamic" else block.type for block in provider.blocks}


def _provider(declared: Block) -> str:
    """Return a block that overrides the account, keys and endpoints in `declared`."""
    alias = declared.literal("alias")
    inside = [f"alias = {json.dumps(alias)}"] if alias else []
    inside += [f"{name} = null" for name in _ATTRIBUTES if name in declared.attributes]
    inside += [_without(name) for name in _BLOCKS if name in _block_types(declared)]
    return "\n".join(['provider "aws" {', *(f"  {line}" for line in inside), "}\n"])


def _without(block: str) -> str:
    # An override can replace a nested block, but not remove it. A `dynamic` block without elements does that.
    return f'dynamic "{block}" {{\n    for_each = []\n    content {{}}\n  }}'
