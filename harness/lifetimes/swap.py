"""Swap the code of deployed functions. If only code has changed, Terraform does not have to run.

Terraform's state does not record it. Until the next apply, the code is ahead of the state.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.base.polling import eventually
from harness.errors import HarnessError
from harness.terraform import installation, state
from harness.terraform.hcl import declarations, input_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.settings import Settings
    from harness.terraform.commands import Terraform
    from harness.values import Outputs, Resource

LARGEST_UPLOAD = (
    50 * 1024 * 1024
)  # bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_FUNCTION, _ALIAS, _OBJECT = "aws_lambda_function", "aws_lambda_alias", "aws_s3_object"
# The attributes that decide on a function's code.
_CODE = frozenset({"code_sha256", "filename", "s3_key", "s3_object_version", "source_code_hash"})
_VERSIONED = frozenset({"qualified_arn", "qualified_invoke_arn", "last_modified", "version"})
_VERSION_OF = r"aws_lambda_function\.[\w-]+(?:\[[^\]]*\])?\.version"
_FOLLOWS = re.compile(rf"{_VERSION_OF}|coalesce\(\s*(var\.[\w-]+|null)\s*,\s*{_VERSION_OF}\s*\)")
_UPDATE_TIMEOUT = 60.0  # seconds


class NotSwappableError(HarnessError):
    """Only an apply can deliver the change. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A function that gets other code.

    Attributes:
        function: Its name.
        region: The function's region.
        zip: The path of the zip with its code.
        publish: Whether each change of its code is a version.
        aliases: The names of the aliases that follow the newest version.
    """

    function: str
    region: str
    zip: str
    publish: bool
    aliases: tuple[str, ...]

    def as_note(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_note(cls, note: Mapping[str, Any]) -> Swap:
        """Create one from the result of `as_note`."""
        return cls(**{**note, "aliases": tuple(note["aliases"])})


def plan(
    stage: Settings, terraform: Terraform, outputs: Outputs, zips: Mapping[str, Sequence[str]]
) -> list[Swap]:
    """Return the functions of a root that get other code if zips change, and nothing else has.

    Args:
        stage: The settings of the root.
        terraform: Its commands.
        outputs: The root's outputs.
        zips: The hashes of the zips at the last apply, by path.

    Raises:
        NotSwappableError: Terraform would change more than the functions' code, their versions and the
            aliases that follow these.
    """
    resources = state.resources(terraform.state)
    found = [
        (each, path)
        for each in resources
        if each.type == _FUNCTION
        for path, hashes in zips.items()
        if each.values.get("code_sha256") in hashes
    ]
    functions = [each for each, _ in found]
    _check_nothing_else(resources, functions, outputs, [each for hashes in zips.values() for each in hashes])
    _check_declared(terraform.root, functions)
    return [
        Swap(
            function=each.values["function_name"],
            region=each.region,
            zip=path,
            publish=bool(each.values.get("publish")),
            aliases=tuple(_aliases(stage, terraform.root, each, resources)),
        )
        for each, path in found
    ]


def carry_out(swap: Swap, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
    """Change the code of a function, publish it, and move its aliases, as Terraform would.

    Args:
        swap: The change.
        client: A client of Lambda in the function's region.

    Raises:
        NotReachedError: The function is not updated in time.
    """
    client.update_function_code(FunctionName=swap.function, ZipFile=Path(swap.zip).read_bytes())
    eventually(
        lambda: client.get_function_configuration(FunctionName=swap.function).get("LastUpdateStatus"),
        until=lambda status: status != "InProgress",
        what=f"the new code of {swap.function}",
        timeout=_UPDATE_TIMEOUT,
    )
    if swap.publish:
        version = client.publish_version(FunctionName=swap.function)["Version"]
        for alias in swap.aliases:
            client.update_alias(FunctionName=swap.function, Name=alias, FunctionVersion=version)


def _check_nothing_else(
    resources: Sequence[Resource], functions: Sequence[Resource], outputs: Outputs, hashes: Sequence[str]
) -> None:
    """Check that nothing but the code of `functions` depends on a zip with these hashes."""
    uploads = {(each.values.get("s3_bucket"), each.values.get("s3_key")) for each in functions}
    addresses = {each.address for each in functions}
    changing = [*hashes, *(text for each in functions for text in _version_texts(each))]
    for each in resources:
        given = dict(each.values)
        if each.address in addresses:
            given = {name: value for name, value in given.items() if name not in _CODE | _VERSIONED}
        elif each.type == _OBJECT and (given.get("bucket"), given.get("key")) in uploads:
            continue
        elif any(_is_of_version(given, function) for function in functions):
            raise NotSwappableError(f"{each.address} is for one version of a function")
        if any(text in json.dumps(given, default=str) for text in changing):
            raise NotSwappableError(f"{each.address} depends on the content of a zip")
    text_of_outputs = json.dumps(dict(outputs.untraced), default=str)
    versions = [json.dumps(each.values["version"]) for each in functions if each.values.get("publish")]
    if any(text in text_of_outputs for text in [*changing, *versions]):
        raise NotSwappableError("an output depends on the content of a zip")


def _version_texts(function: Resource) -> Iterator[str]:
    """Yield the texts that change with a function's version, and that nothing else has."""
    version = function.values.get("version")
    for name in ("qualified_arn", "qualified_invoke_arn"):
        text = str(function.values.get(name) or "")
        if f":{version}" in text.removeprefix(str(function.values.get("arn"))):
            yield text
    if modified := function.values.get("last_modified"):
        yield str(modified)


def _is_of_version(given: Mapping[str, Any], function: Resource) -> bool:
    known = {function.values["function_name"], function.values.get("arn")}
    return given.get("qualifier") == function.values.get("version") and given.get("function_name") in known


def _check_declared(root: Path, functions: Sequence[Resource]) -> None:
    """Check that Terraform updates `functions` if their code changes, and that nothing is tied to that."""
    for each in functions:
        block = installation.block_of(root, each.address)
        if block is None:
            raise NotSwappableError(f"the declaration of {each.address} isn't found")
        if ignored := {*_CODE, "all"} & set(_ignore_changes(block)):
            raise NotSwappableError(f"{each.address} ignores changes of {', '.join(sorted(ignored))}")
    for folder in installation.module_folders(root).values():
        for block in declarations.blocks(folder):
            if any("replace_triggered_by" in inner.attributes for inner in block.blocks):
                raise NotSwappableError(f"{'.'.join(block.labels)} is replaced when something else changes")


def _ignore_changes(block: declarations.Block) -> Iterator[str]:
    for inner in block.blocks:
        if inner.type == "lifecycle":
            yield from re.findall(r"\w+", inner.attributes.get("ignore_changes", ""))


def _aliases(stage: Settings, root: Path, function: Resource, resources: Sequence[Resource]) -> Iterator[str]:
    """Yield the names of the aliases that Terraform moves to the newest version of `function`."""
    known = {function.values["function_name"], function.values.get("arn")}
    for alias in resources:
        if alias.type != _ALIAS or alias.values["function_name"] not in known:
            continue
        if alias.values["function_version"] != function.values["version"]:
            continue  # of another version, and stays there
        if _follows(stage, root, alias):
            yield alias.values["name"]


def _follows(stage: Settings, root: Path, alias: Resource) -> bool:
    block = installation.block_of(root, alias.address)
    if block is None:
        raise NotSwappableError(f"the declaration of {alias.address} isn't found")
    if {"function_version", "all"} & set(_ignore_changes(block)) or block.literal("function_version"):
        return False
    match = _FOLLOWS.fullmatch(block.attributes.get("function_version", ""))
    if match and (match[1] is None or _is_null(match[1], block.file.parent, stage, root)):
        return True
    raise NotSwappableError(f"whether {alias.address} follows the newest version is Terraform's to say")


def _is_null(expression: str, folder: Path, stage: Settings, root: Path) -> bool:
    """Return whether an expression of the module in `folder` is null in each of its calls."""
    if not expression.startswith("var."):
        return expression == "null"
    name = expression.removeprefix("var.")
    if folder.resolve() == root.resolve():
        return name not in input_variables.read_values(stage) and _default(folder, name) == "null"
    folders = installation.module_folders(root)
    calls = [
        (folders[key.rpartition(".")[0]], key.rpartition(".")[2])
        for key, place in folders.items()
        if key and place.resolve() == folder.resolve()
    ]
    return bool(calls) and all(
        _is_null(_argument(caller, call, name) or _default(folder, name), caller, stage, root)
        for caller, call in calls
    )


def _argument(caller: Path, call: str, name: str) -> str:
    """Return the expression that a module call passes for a variable, or an empty text."""
    for block in declarations.blocks(caller):
        if block.type == "module" and block.labels == (call,):
            return block.attributes.get(name, "")
    return ""


def _default(folder: Path, name: str) -> str:
    variable = declarations.variables(folder).get(name)
    return variable.attributes.get("default", "") if variable else ""
