"""Read the declarations in the files of a Terraform module without Terraform: blocks, labels, attributes.

The native syntax (https://developer.hashicorp.com/terraform/language/syntax/configuration) and JSON's
(https://developer.hashicorp.com/terraform/language/syntax/json) give the same blocks.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from harness.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

SUFFIXES = (".tf", ".tofu", ".tf.json", ".tofu.json")
# The number of labels that these blocks have in JSON. Others have none.
_LABELS = {"variable": 1, "provider": 1, "module": 1, "output": 1, "resource": 2, "data": 2}
_DEPTHS = ("*", "*/*", "*/*/*")
_ITEM = re.compile(r'\s*([A-Za-z_][\w-]*)[ \t]*(?:(=)(?!=)|((?:"[^"\n]*"|[A-Za-z_][\w-]*|[ \t])*)\{)')
_BRACE = re.compile(r"[{}]")
_BRACKET_OR_END = re.compile(r"[][(){}\n]")
# A whole comment, or the beginning of a string or of a heredoc.
_HIDDEN = re.compile(r'"|#[^\n]*|//[^\n]*|(?s:/\*.*?(?:\*/|\Z))|<<-?(?P<heredoc>[A-Za-z_][\w-]*)\n')
_IN_STRING = re.compile(r'(?s)\\.|\$\$\{|%%\{|\$\{|%\{|"')
_IN_TEMPLATE = re.compile(rf"[{{}}]|{_HIDDEN.pattern}")
_TEXT = re.compile(r'"?([\w-]+)"?\s*[=:]\s*"((?:[^"\\$%]|\\.|\$(?!\{)|%(?!\{))*)"')
_HERE = re.compile(r"\$\{path\.(?:module|root|cwd)\}/")
_REFERENCE = re.compile(r"(var|local)\.([\w-]+)")
_CHOICE = re.compile(r"(!?)\s*(var\.[\w-]+|local\.[\w-]+|true|false)\s*\?\s*(\d+)\s*:\s*(\d+)")
_LONGEST = 20  # local values that refer to each other; Terraform refuses a circle
_LITERAL = re.compile(r'"((?:[^"\\$%]|\\.|\$(?!\{)|%(?!\{))*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a configuration.

    Attributes:
        type: Its type, such as `provider`.
        labels: Its labels, such as `("aws",)`.
        attributes: The source text of its attributes' expressions, by name.
        blocks: The nested blocks.
        file: Its file.
        line: Its line in the file, counted from 1. 0 in JSON, which has no positions.
    """

    type: str
    labels: tuple[str, ...]
    attributes: Mapping[str, str]
    blocks: tuple[Block, ...]
    file: Path
    line: int = 0

    def literal(self, attribute: str) -> str | None:
        """Return the text of an attribute if it is a plain string, else None."""
        match = _LITERAL.fullmatch(self.attributes.get(attribute, ""))
        return match[1] if match else None


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
            return self.value(self.local.get(name, ""), depth=depth + 1) if depth < _LONGEST else None
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


def scope_of(blocks: Sequence[Block], variables: Mapping[str, str]) -> Scope:
    """Return the names that expressions of a module may refer to.

    Args:
        blocks: The module's blocks.
        variables: Values of its input variables, by name. Others have their defaults.
    """
    return Scope(variables={**_defaults(blocks), **variables}, local=_locals(blocks))


def _defaults(blocks: Iterable[Block]) -> dict[str, str]:
    nothing = Scope(variables={})
    values = {
        block.labels[0]: nothing.value(block.attributes.get("default", ""))
        for block in blocks
        if block.type == "variable" and block.labels
    }
    return {name: value for name, value in values.items() if value is not None}


def _locals(blocks: Iterable[Block]) -> dict[str, str]:
    return {
        name: expression
        for block in blocks
        if block.type == "locals"
        for name, expression in block.attributes.items()
    }


def texts_of(expression: str) -> dict[str, str]:
    """Return those attributes of an object expression that are plain strings, by name.

    A path that begins with the module's or the root's directory is returned without that.
    """
    return dict(_TEXT.findall(_HERE.sub("", expression)))


def files(folder: Path) -> list[Path]:
    """Return the sorted configuration files of the module in `folder`, or none if there is no such folder."""
    held = folder.iterdir() if folder.is_dir() else ()
    return sorted(file for file in held if file.name.endswith(SUFFIXES) and file.is_file())


def check(folder: Path, project: Path | None = None) -> None:
    """Check that `folder` holds a root module.

    Args:
        folder: The directory.
        project: Where else a root may lie, which the error then names.

    Raises:
        SettingsError: It is not a directory with Terraform files.
    """
    if files(folder):
        return
    others = [str(other.relative_to(project)) for other in roots_below(project)] if project else []
    raise SettingsError(
        "HARNESS_TERRAFORM_DIR, or terraform-dir in [tool.harness]",
        expected="a directory with *.tf files" + (f", such as {' or '.join(others)}" if others else ""),
        got=str(folder),
    )


def roots_below(project: Path) -> list[Path]:
    """Return the directories, a project's own and some levels below it, that configure AWS as roots do."""
    folders = (project, *(each for depth in _DEPTHS for each in sorted(project.glob(depth)) if each.is_dir()))
    shown = (folder for folder in folders if not _is_hidden(folder.relative_to(project)))
    readable = (folder for folder in shown if os.access(folder, os.R_OK | os.X_OK))
    return [folder for folder in readable if any(_configures_aws(block) for block in blocks(folder))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "node_modules" for part in path.parts)


def _configures_aws(block: Block) -> bool:
    return (block.type, block.labels) == ("provider", ("aws",))


def blocks(folder: Path) -> list[Block]:
    """Return the blocks of the module in `folder`. Files that Terraform can't parse count as empty."""
    return [block for file in files(folder) for block in _blocks_in(file)]


def variables(folder: Path) -> dict[str, Block]:
    """Return the input variables that the module in `folder` declares, by name."""
    found = [block for block in blocks(folder) if block.type == "variable" and block.labels]
    return {block.labels[0]: block for block in found}


def read_assignments(file: Path) -> dict[str, str]:
    """Return the expressions in a file of values (`*.tfvars`, `*.tfvars.json`), by variable."""
    text = file.read_text("utf-8-sig", "replace")
    if file.name.endswith(".json"):
        try:
            return {
                name: json.dumps(value) for each in _objects(json.loads(text)) for name, value in each.items()
            }
        except ValueError:  # Terraform itself has the best error message
            return {}
    return _body(text, _mask(text), 0, len(text), file)[0]


def _blocks_in(file: Path) -> tuple[Block, ...]:
    return _parse(file.read_text("utf-8-sig", "replace"), file)


@lru_cache(maxsize=1024)  # a run asks for the same files several times
def _parse(text: str, file: Path) -> tuple[Block, ...]:
    if file.name.endswith(".json"):
        return tuple(_from_json(text, file))
    return _body(text, _mask(text), 0, len(text), file)[1]


def _body(text: str, mask: str, at: int, end: int, file: Path) -> tuple[dict[str, str], tuple[Block, ...]]:
    """Return the attributes and the blocks between two places of a file."""
    attributes: dict[str, str] = {}
    inside: list[Block] = []
    while at < end:
        item = _ITEM.match(mask, at, end)
        if item is None:
            following = mask.find("\n", at, end)
            at = end if following < 0 else following + 1
        elif item[2]:
            at = _end_of_expression(mask, item.end(), end)
            shown = len(mask[item.end() : at].rstrip())  # without a comment at its end
            attributes[item[1]] = text[item.end() : item.end() + shown].strip()
        else:
            close = _closing(mask, item.end(), end)
            labels = re.findall(r'[^\s"]+', text[item.start(3) : item.end(3)])
            own, nested = _body(text, mask, item.end(), close, file)
            inside.append(
                Block(
                    type=item[1],
                    labels=tuple(labels),
                    attributes=own,
                    blocks=nested,
                    file=file,
                    line=text.count("\n", 0, item.start(1)) + 1,
                )
            )
            at = close + 1
    return attributes, tuple(inside)


def _end_of_expression(mask: str, at: int, end: int) -> int:
    """Return the end of an expression: the end of the line, or of the last bracket that is open there."""
    depth = 0
    for mark in _BRACKET_OR_END.finditer(mask, at, end):
        if mark[0] == "\n" and depth <= 0:
            return mark.start()
        depth += (mark[0] in "([{") - (mark[0] in ")]}")
    return end


def _closing(mask: str, at: int, end: int) -> int:
    """Return the position of the brace that closes the one before `at`."""
    depth = 1
    for brace in _BRACE.finditer(mask, at, end):
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return brace.start()
    return end


def _mask(text: str) -> str:
    """Return `text` with comments and the content of strings blanked out, at unchanged positions."""
    shown, at = [], 0
    while hidden := _HIDDEN.search(text, at):
        end = _end_of_hidden(text, hidden)
        begin = hidden.end() if hidden[0] == '"' else hidden.start()
        close = '"' if hidden[0] == '"' and text[begin:end].endswith('"') else ""
        shown += [text[at:begin], _blank(text[begin : end - len(close)]), close]
        at = end
    return "".join([*shown, text[at:]])


def _blank(text: str) -> str:
    return "\n".join(" " * len(line) for line in text.split("\n"))


def _end_of_hidden(text: str, opening: re.Match[str]) -> int:
    """Return the end of the string, heredoc or comment that begins with `opening`."""
    if opening[0] == '"':
        return _end_of_string(text, opening.end())
    if not opening["heredoc"]:
        return opening.end()
    last = re.compile(rf"^[ \t]*{re.escape(opening['heredoc'])}[ \t]*$", re.MULTILINE)
    return _end_of(last.search(text, opening.end()), text)


def _end_of_string(text: str, at: int) -> int:
    while (mark := _IN_STRING.search(text, at)) and mark[0] != '"':
        at = _end_of_template(text, mark.end()) if mark[0] in {"${", "%{"} else mark.end()
    return _end_of(mark, text)


def _end_of_template(text: str, at: int) -> int:
    """Return the end of a `${…}` or `%{…}` in a string, from behind its first brace on."""
    depth = 1
    while depth and (mark := _IN_TEMPLATE.search(text, at)):
        depth += (mark[0] == "{") - (mark[0] == "}")
        at = mark.end() if mark[0] in "{}" else _end_of_hidden(text, mark)
    return len(text) if depth else at


def _end_of(match: re.Match[str] | None, text: str) -> int:
    return match.end() if match else len(text)


def _from_json(text: str, file: Path) -> Iterator[Block]:
    try:
        tops = _objects(json.loads(text))
        for top in tops:
            for kind, value in top.items():
                yield from _json_blocks(kind, (), value, _LABELS.get(kind, 0), file)
    except (ValueError, AttributeError):  # Terraform itself has the best error message
        return


def _json_blocks(kind: str, labels: tuple[str, ...], value: Any, missing: int, file: Path) -> Iterator[Block]:  # noqa: ANN401 - JSON
    for each in _objects(value):
        if missing:
            for label, inner in each.items():
                yield from _json_blocks(kind, (*labels, label), inner, missing - 1, file)
        else:
            nested = [
                inner
                for name, held in each.items()
                if isinstance(held, dict | list)
                for inner in _json_blocks(name, (), held, 0, file)
            ]
            texts = {name: json.dumps(held) for name, held in each.items()}
            yield Block(type=kind, labels=labels, attributes=texts, blocks=tuple(nested), file=file)


def _objects(value: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
