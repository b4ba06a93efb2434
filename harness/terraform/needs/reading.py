"""The resources and data sources that a root and its modules declare, with the values in their files."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.terraform.hcl.declarations import Block

_REFERENCE = re.compile(r"(var|local)\.([\w-]+)")
_CHOICE = re.compile(r"(!?)\s*(var\.[\w-]+|local\.[\w-]+|true|false)\s*\?\s*(\d+)\s*:\s*(\d+)")
_FILE = re.compile(r'"(?:\$\{path\.module\}/)?([\w./-]+\.\w+)"')
# The resources of public modules, by the prefix of their source, because their files are missing before
# `terraform init`. https://registry.terraform.io/namespaces/terraform-aws-modules
_PUBLIC = {
    "terraform-aws-modules/apigateway-v2/aws": "aws_apigatewayv2_api",
    "terraform-aws-modules/lambda/aws": "aws_lambda_function",
}
# Data sources that the provider answers by itself, such as `aws_cloudtrail_service_account`.
_STATIC = re.compile(
    r"_(service_account|hosted_zone_id|canonical_user_id|prebuilt_ecr_image|policy_document)$"
)
_DEEPEST = 20  # modules within modules; Terraform refuses a module that calls itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The names that expressions of a module may refer to, with their known values.

    Attributes:
        variables: Values of input variables, by name.
        local: Expressions of local values, by name.
    """

    variables: Mapping[str, str]
    local: Mapping[str, str] = field(default_factory=dict)

    def value(self, expression: str, *, depth: int = 0) -> str | None:
        """Evaluate a simple expression, or return None if only Terraform can evaluate it."""
        expression = expression.strip()
        if match := _REFERENCE.fullmatch(expression):
            kind, name = match.groups()
            if kind == "var":
                return self.variables.get(name)
            return self.value(self.local.get(name, ""), depth=depth + 1) if depth < _DEEPEST else None
        try:
            literal = json.loads(expression)
        except ValueError:
            return None
        if isinstance(literal, str):
            return None if "${" in literal or "%{" in literal else literal
        return expression if isinstance(literal, bool | int | float) else None

    def is_made(self, block: Block) -> bool:
        """Return whether the block's `count` is certainly not 0.

        If only Terraform can evaluate it, return False.
        """
        count = block.attributes.get("count")
        if count is None:
            return True
        if choice := _CHOICE.fullmatch(count):
            negated, condition, yes, no = choice.groups()
            truth = self.value(condition)
            return truth is not None and (yes if (truth == "true") != bool(negated) else no) != "0"
        return (self.value(count) or "0") != "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredResource:
    """A resource or a data source in Terraform's files.

    Attributes:
        type: Its type, such as `aws_lambda_function`.
        address: Its address.
        block: Its block.
        scope: The names that its expressions may refer to.
    """

    type: str
    address: str
    block: Block
    scope: Scope

    def value(self, attribute: str) -> str | None:
        """Return an attribute's value, or None if it is not set or only Terraform can evaluate it."""
        return self.scope.value(self.block.attributes.get(attribute, ""))

    def text(self, attribute: str) -> str:
        """Return the source text of an attribute, followed by the content of the files that it names."""
        written = self.block.attributes.get(attribute, "")
        files = [self.block.file.parent / name for name in _FILE.findall(written)]
        return "\n".join([written, *(file.read_text("utf-8", "replace") for file in files if file.is_file())])


def declarations_in(
    folder: Path, variables: Mapping[str, str], module: str = "", depth: int = 0
) -> Iterator[DeclaredResource]:
    """Yield the resources and data sources of the module in `folder`, and of the modules that it calls.

    Those that may not be made, because only Terraform can evaluate their `count`, are left out.

    Args:
        folder: The module's directory.
        variables: Values of its input variables, by name. Others have their defaults.
        module: The prefix of its resources' addresses, such as `module.api.`. Empty for a root.
        depth: How many modules there are above it.
    """
    blocks = declarations.blocks(folder)
    scope = Scope(variables={**_defaults(blocks), **variables}, local=_locals(blocks))
    for block in filter(scope.is_made, blocks):
        match block.type, block.labels:
            case "resource", (kind, name):
                yield DeclaredResource(type=kind, address=f"{module}{kind}.{name}", block=block, scope=scope)
            case "data", (kind, name) if not _STATIC.search(kind):
                address = f"{module}data.{kind}.{name}"
                yield DeclaredResource(type=kind, address=address, block=block, scope=scope)
            case "module", (name,) if depth < _DEEPEST:
                yield from _declarations_of_call(block, scope, f"{module}module.{name}.", depth)


def _declarations_of_call(block: Block, scope: Scope, module: str, depth: int) -> Iterator[DeclaredResource]:
    source = scope.value(block.attributes.get("source", "")) or ""
    if source.startswith(("./", "../")):
        values = {name: scope.value(expression) for name, expression in block.attributes.items()}
        variables = {name: value for name, value in values.items() if value is not None}
        yield from declarations_in(block.file.parent / source, variables, module, depth + 1)
    for public, kind in _PUBLIC.items():
        if source.startswith(public):
            yield DeclaredResource(type=kind, address=module.rstrip("."), block=block, scope=scope)


def _defaults(blocks: list[Block]) -> dict[str, str]:
    nothing = Scope(variables={})
    values = {
        block.labels[0]: nothing.value(block.attributes.get("default", ""))
        for block in blocks
        if block.type == "variable" and block.labels
    }
    return {name: value for name, value in values.items() if value is not None}


def _locals(blocks: list[Block]) -> dict[str, str]:
    return {
        name: expression
        for block in blocks
        if block.type == "locals"
        for name, expression in block.attributes.items()
    }
