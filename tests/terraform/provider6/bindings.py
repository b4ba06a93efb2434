"""The provider's schema, read back from the bindings that CDK Terrain generates from it.

The provider of version 6 has to be downloaded from Terraform's registry. The bindings are a package of npm.
To write the schema of a newer version:

    npm pack @cdktn/provider-aws && tar xzf cdktn-provider-aws-*.tgz
    python -m tests.terraform.provider6.bindings package
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

type Type = str | list[Any]
type Block = dict[str, Any]

PROJECT = Path(__file__).parents[3]
SCHEMA = Path(__file__).with_name("schema.json")

_VERSION = re.compile(r"hashicorp/aws provider version (\S+)")
_USED = re.compile(r'(?m)^(resource|data) "(aws_\w+)"')
_CLASS = re.compile(r"^class (\w+) extends [^\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_MAPPER = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^    // (\w+) - computed: (\w+), optional: (\w+), required: (\w+)$", re.MULTILINE)
_WRITTEN = re.compile(
    r"^ +(\w+): \{\n +value: (.*),\n +isBlock: (\w+),\n +type: \"(\w+)\",\n +storageClassType: \"(\w+)\",",
    re.MULTILINE,
)
_PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
_READ: dict[str, Type] = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """An argument, attribute or block of a class, and the code that reads it."""

    name: str
    computed: bool
    optional: bool
    required: bool
    code: str

    def nested(self) -> str | None:
        """Return the class of a nested value, if it is one."""
        found = re.search(r"new (\w+?)(?:OutputReference|List)\(this, ", self.code)
        return found[1] if found else None

    def flags(self) -> dict[str, bool]:
        flags = {"computed": self.computed, "optional": self.optional, "required": self.required}
        return {name: True for name, is_set in flags.items() if is_set}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """How a class writes a member as HCL."""

    value: str
    is_block: bool
    nesting: str
    storage: str

    def is_repeated(self) -> bool:
        return "listMapper" in self.value

    def type(self) -> Type:
        primitive = _PRIMITIVES[re.sub(r"(List|Map)$", "", self.storage)]
        return primitive if self.nesting == "simple" else [self.nesting, primitive]


class Bindings:
    """The classes of one generated file: of a resource type, a data source, or the provider itself."""

    def __init__(self, code: str) -> None:
        self._classes = dict(_CLASS.findall(code))
        self._mappers = dict(_MAPPER.findall(code))
        (self._top,) = [name for name, body in self._classes.items() if "static tfResourceType" in body]

    def block(self) -> Block:
        """Return the schema in the form of `terraform providers schema -json`."""
        return self._block(self._top)

    def _block(self, name: str) -> Block:
        written = self._written(name)
        attributes, blocks = {}, {}
        for member in self._members(name, written):
            how = written.get(member.name)
            if how and how.is_block and not member.computed:
                blocks[member.name] = self._nested_block(member, how)
            else:
                attributes[member.name] = {"type": self._type(member, how), **member.flags()}
        return {"attributes": attributes, "block_types": blocks}

    def _nested_block(self, member: _Member, how: _Written) -> Block:
        single = how.nesting == "struct"
        return {
            "nesting_mode": "single" if single else how.nesting,
            "min_items": int(member.required and not single),
            "max_items": 0 if single or how.is_repeated() else 1,
            "block": self._block(member.nested() or how.storage.removesuffix("List")),
        }

    def _type(self, member: _Member, how: _Written | None) -> Type:
        if nested := member.nested():
            written = self._written(nested)
            members = self._members(nested, written)
            fields = {each.name: self._type(each, written.get(each.name)) for each in members}
            is_set = how.nesting == "set" if how else ", true)" in member.code
            return ["set" if is_set else "list", ["object", fields]]
        return how.type() if how else _computed_type(member.code)

    def _members(self, name: str, written: dict[str, _Written]) -> list[_Member]:
        body = self._classes.get(name if name == self._top else f"{name}OutputReference")
        if body is None:  # the provider's own blocks are only written
            return [_member(name, computed="false", optional="true", required="false") for name in written]
        parts = iter(_MEMBER.split(body)[1:])
        return [_member(*each) for each in zip(*[parts] * 5, strict=True)]

    def _written(self, name: str) -> dict[str, _Written]:
        if name == self._top:
            code = self._classes[name].partition("synthesizeHclAttributes")[2]
        else:
            code = self._mappers.get(name[0].lower() + name[1:], "")
        return {
            each: _Written(value=value, is_block=block == "true", nesting=nesting, storage=storage)
            for each, value, block, nesting, storage in _WRITTEN.findall(code)
        }


def _member(name: str, computed: str, optional: str, required: str, code: str = "") -> _Member:
    is_computed, is_optional, is_required = (flag == "true" for flag in (computed, optional, required))
    return _Member(name=name, computed=is_computed, optional=is_optional, required=is_required, code=code)


def _computed_type(code: str) -> Type:
    if found := re.search(r"new cdktn\.(\w+)Map\(this, ", code):
        return ["map", _PRIMITIVES[found[1].lower()]]
    (kind,) = re.findall(r"this\.get(\w+)Attribute\(", code)[:1]
    read = _READ[kind]
    return ["set", read[1]] if "tolist" in code and isinstance(read, list) else read


def types_in(files: Iterable[Path]) -> set[tuple[str, str]]:
    """Return the resource types and data sources of Terraform files, such as ("data", "aws_partition")."""
    return {used for file in files for used in _USED.findall(file.read_text("utf-8"))}


def schema_of(package: Path) -> dict[str, Any]:
    """Read the schema of the provider, and of every type that this project's files use."""
    version = _VERSION.findall((package / "README.md").read_text("utf-8"))[0]
    schema: dict[str, Any] = {
        "version": version,
        "provider": _read(package, "provider"),
        "resource": {},
        "data": {},
    }
    for mode, kind in sorted(types_in((PROJECT / "terraform").rglob("*.tf"))):
        stem = kind.removeprefix("aws_").replace("_", "-")
        schema[mode][kind] = _read(package, f"data-aws-{stem}" if mode == "data" else stem)
    return schema


def _read(package: Path, folder: str) -> Block:
    return Bindings((package / "lib" / folder / "index.js").read_text("utf-8")).block()


if __name__ == "__main__":
    text = json.dumps(schema_of(Path(sys.argv[1])), indent=1, sort_keys=True)
    SCHEMA.write_text(f"{text}\n", "utf-8")
