"""The resources and data sources that a root and its modules declare, with the values in their files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.terraform.hcl import declarations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.terraform.hcl.declarations import Block, Scope

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
    scope = declarations.scope_of(blocks, variables)
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
