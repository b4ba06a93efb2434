"""Event patterns: match an event, make one that matches, and make near misses.

A pattern is that of an EventBridge rule, parsed with `json.loads`. All functions are pure and send nothing.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from harness.aws.eventbridge.conditions import Condition, Exists, condition
from harness.errors import PatternError
from harness.values import FiredEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.aws.eventbridge.conditions import Scalar

type Event = dict[str, Any]
type Path = tuple[str, ...]

DEFAULTS: Mapping[str, Any] = {
    "version": "0",
    "id": "00000000-0000-4000-8000-000000000000",
    "detail-type": "Synthesised Event",
    "source": "harness.synthesised",
    "account": "111122223333",
    "time": "2026-01-01T00:00:00Z",
    "region": "eu-north-1",
    "resources": [],
    "detail": {},
}
_OR = "$or"
_SENDABLE = frozenset({"source", "detail-type", "detail"})  # the parts of an event that its sender decides on


class _Absent(Enum):
    ABSENT = "absent"


_ABSENT = _Absent.ABSENT
type _Value = Scalar | _Absent


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """An event that does not match, for one reason.

    Attributes:
        path: The field that differs, such as `detail.size`.
        change: How it differs, in words.
        event: The event.
        matching: The event that matches, and from which `event` differs in this field only.
        can_be_sent: Whether PutEvents can send it. PutEvents sets only source, detail type and detail.
    """

    path: str
    change: str
    event: Event
    matching: Event
    can_be_sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """The conditions of a field, one of which must be met. `where` is the leaf's unique place."""

    where: str
    conditions: tuple[Condition, ...]

    def holds(self, values: Iterable[Scalar], *, exists: bool) -> bool:
        """Judge the values of a field. An array has several."""
        if not exists and any(isinstance(one, Exists) and not one.wanted for one in self.conditions):
            return True
        return any(one.accepts(value) for one in self.conditions for value in values)

    def accepts(self, value: _Value) -> bool:
        """Judge a field with a single value, or with none."""
        return self.holds([] if value is _ABSENT else [value], exists=value is not _ABSENT)

    def examples(self) -> Iterator[_Value]:
        """Yield candidate values: first those of the conditions, and absence last."""
        examples = [value for one in self.conditions for value in one.examples()]
        used = set("".join(value for value in examples if isinstance(value, str)).lower())
        unused = next(letter for letter in map(chr, itertools.count(ord("a"))) if letter.lower() not in used)
        yield from (*examples, unused, 0, None, True, _ABSENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    """Fields that are all to match, and branches of which one is to, if there are any."""

    fields: Mapping[str, _Node | _Leaf]
    either: tuple[_Node, ...]


type _Alternative = Mapping[Path, tuple[_Leaf, ...]]


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Return whether `event` matches `pattern` in EventBridge.

    Numbers are compared by value. An array matches if one of its items does. If an array holds objects, all
    fields must match in the same object.

    Raises:
        PatternError: The pattern is malformed, or has an operator that EventBridge does not know.
    """
    return _matches(_parse(pattern), event, (), event)


def matching(pattern: Mapping[str, Any]) -> Event:
    """Return a complete event that matches `pattern`, with defaults for fields that the pattern leaves open.

    Raises:
        PatternError: The pattern is malformed, or no event that could be thought of matches it.
    """
    return next(_solve(_parse(pattern)))[1]


def complete(pattern: Mapping[str, Any], given: Mapping[str, Any]) -> Event:
    """Return a complete event that has the fields of `given`.

    If the given fields alone do not match, the fields that the pattern also asks for are added to their
    objects. Given values never change, so the event may still not match.

    Raises:
        PatternError: The pattern is malformed, or no event that could be thought of matches it.
    """
    example = matching(pattern)
    event = {**example, **given}
    return event if matches(pattern, event) else _fill_in(example, given)


def near_misses(pattern: Mapping[str, Any]) -> list[NearMiss]:
    """Return one event for each leaf of `pattern` that fails to match for this leaf only.

    A leaf that every event meets, such as `[{"exists": true}, {"exists": false}]`, has no near miss.

    Raises:
        PatternError: The pattern is malformed, or no event that could be thought of matches it.
    """
    node = _parse(pattern)
    alternatives = list(_alternatives(node))
    found: dict[str, NearMiss] = {}
    for alternative, event in _solve(node):
        missing = [(path, leaf) for path, leaf in _leaves(alternative) if leaf.where not in found]
        base = _apart(event, alternative, alternatives) if missing else event
        for path, leaf in missing:
            if miss := _near_miss(node, base, path, leaf):
                found[leaf.where] = miss
    return list(found.values())


def can_be_sent(event: Mapping[str, Any]) -> bool:
    """Return whether PutEvents accepts an event's source, which must not be AWS's, detail type and detail."""
    source, detail_type = event.get("source"), event.get("detail-type")
    if not (isinstance(source, str) and isinstance(detail_type, str) and source and detail_type):
        return False
    return not source.startswith("aws.") and isinstance(event.get("detail"), dict)


def to_fired_event(event: Mapping[str, Any], bus: str = "default") -> FiredEvent:
    """Return the part of an event that `send.put_event` sends: source, detail type and detail.

    It sends nothing.

    Args:
        event: The event. EventBridge fills in all other fields.
        bus: The name of the bus.

    Raises:
        PatternError: PutEvents would not take it.
    """
    if not can_be_sent(event):
        got = {name: event.get(name) for name in sorted(_SENDABLE)}
        raise PatternError(
            "", f"PutEvents needs a source that is not AWS's, a detail type and a detail: {got}"
        )
    return FiredEvent(
        id="",
        timestamp=datetime.now(UTC),
        bus=bus,
        source=event["source"],
        detail_type=event["detail-type"],
        detail=event["detail"],
    )


def _parse(given: object, where: Path = ()) -> _Node:
    path = ".".join(where)
    if not isinstance(given, dict) or not given:
        raise PatternError(path, f"expected an object with fields, got {given!r}")
    fields = {name: _part(each, (*where, name)) for name, each in given.items() if name != _OR}
    branches = given.get(_OR, [])
    if _OR in given and (not isinstance(branches, list) or len(branches) < 2):  # noqa: PLR2004 - or needs two
        raise PatternError(path, f"operator '{_OR}': expected two patterns or more, got {branches!r}")
    either = [_parse(branch, (*where, f"{_OR}[{number}]")) for number, branch in enumerate(branches)]
    return _Node(fields=fields, either=tuple(either))


def _part(given: object, where: Path) -> _Node | _Leaf:
    path = ".".join(where)
    if isinstance(given, dict):
        return _parse(given, where)
    if not isinstance(given, list) or not given:
        raise PatternError(path, f"expected an object or a list with values, got {given!r}")
    return _Leaf(where=path, conditions=tuple(condition(path, each) for each in given))


def _matches(node: _Node | _Leaf, given: object, path: Path, event: object) -> bool:
    """Judge the value of `event` at `path`.

    If `path` leads into an array of objects, `given` is one of these.
    """
    if isinstance(node, _Leaf):
        return node.holds(_values(given, ()), exists=bool(_values(event, path)))
    if isinstance(given, list) and given:
        return any(_matches(node, item, path, event) for item in given)
    inner = given if isinstance(given, dict) else {}
    fields = (_matches(part, inner.get(name, []), (*path, name), event) for name, part in node.fields.items())
    return all(fields) and (
        not node.either or any(_matches(branch, inner, path, event) for branch in node.either)
    )


def _values(given: object, path: Path) -> list[Scalar]:
    """Return the scalars at `path`, of all objects in arrays on the way."""
    match given:
        case list():
            return [value for item in given for value in _values(item, path)]
        case dict():
            return _values(given[path[0]], path[1:]) if path and path[0] in given else []
        case None | str() | bool() | int() | float():
            return [] if path else [given]
    raise PatternError("", f"expected an event of JSON values to match with, got {given!r}")


def _alternatives(node: _Node, path: Path = ()) -> Iterator[_Alternative]:
    """Yield every choice of branches, with its leaves."""
    parts: list[list[_Alternative]] = []
    for name, part in node.fields.items():
        inner = (*path, name)
        parts.append([{inner: (part,)}] if isinstance(part, _Leaf) else list(_alternatives(part, inner)))
    if node.either:
        parts.append([each for branch in node.either for each in _alternatives(branch, path)])
    yield from map(_merge, itertools.product(*parts))


def _merge(parts: Sequence[_Alternative]) -> _Alternative:
    paths = dict.fromkeys(path for part in parts for path in part)
    return {path: tuple(leaf for part in parts for leaf in part.get(path, ())) for path in paths}


def _leaves(alternative: _Alternative) -> list[tuple[Path, _Leaf]]:
    return [(path, leaf) for path, leaves in alternative.items() for leaf in leaves]


def _solve(node: _Node) -> Iterator[tuple[_Alternative, Event]]:
    """Yield every satisfiable choice of branches, at least one, with an event that meets it."""
    tried = ((alternative, _build(alternative)) for alternative in _alternatives(node))
    solved = (
        (alternative, event) for alternative, event in tried if event and _matches(node, event, (), event)
    )
    first = next(solved, None)
    if first is None:
        raise PatternError("", "no event can match it")
    yield first
    yield from solved


def _build(alternative: _Alternative) -> Event | None:
    """Return an event that has a fitting value for every leaf, if there is one."""
    event = _copy(DEFAULTS)
    for path, leaves in alternative.items():
        default: list[_Value] = list(_values(event, path))
        values = itertools.chain(default, *(leaf.examples() for leaf in leaves))
        fitting = [value for value in values if all(leaf.accepts(value) for leaf in leaves)]
        if not fitting:
            return None
        event = _with(event, path, fitting[0])
    return event


def _apart(event: Event, alternative: _Alternative, alternatives: Iterable[_Alternative]) -> Event:
    """Return `event` changed so that, if possible, only this alternative matches it."""
    for other in alternatives:
        if other is not alternative and _holds(other, event):
            free = [(path, leaf) for path, leaf in _leaves(other) if path not in alternative]
            changed = (_with(event, path, value) for path, leaf in free for value in leaf.examples())
            event = next(
                (each for each in changed if not _holds(other, each) and _holds(alternative, each)), event
            )
    return event


def _holds(alternative: _Alternative, event: Event) -> bool:
    return all(
        leaf.holds(found := _values(event, path), exists=bool(found)) for path, leaf in _leaves(alternative)
    )


def _near_miss(node: _Node, base: Event, path: Path, leaf: _Leaf) -> NearMiss | None:
    for value in leaf.examples():
        event = _with(base, path, value)
        if not leaf.accepts(value) and not _matches(node, event, (), event):
            return NearMiss(
                path=".".join(path),
                change=f"{'.'.join(path)} is {_format(event, path)} instead of {_format(base, path)}",
                event=event,
                matching=base,
                can_be_sent=path[0] in _SENDABLE and can_be_sent(event),
            )
    return None


def _with(event: Mapping[str, Any], path: Path, value: _Value) -> Event:
    """Return a copy of `event` that has `value` at `path`, or nothing there."""
    copy = _copy(event)
    parent = copy
    for name in path[:-1]:
        if not isinstance(parent.get(name), dict):
            if value is _ABSENT:
                return copy
            parent[name] = {}
        parent = parent[name]
    if value is _ABSENT:
        parent.pop(path[-1], None)
    else:
        parent[path[-1]] = [value] if path == ("resources",) else value
    return copy


def _fill_in(example: Mapping[str, Any], given: Mapping[str, Any]) -> Event:
    """Return `given` with the missing fields of `example`, in nested objects too."""
    both = {
        name: _fill_in(example[name], value)
        for name, value in given.items()
        if isinstance(value, dict) and isinstance(example.get(name), dict)
    }
    return {**example, **given, **both}


def _format(event: Event, path: Path) -> str:
    found = _values(event, path)
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in found) or "absent"


def _copy(event: Mapping[str, Any]) -> Event:
    copy: Event = json.loads(json.dumps(event))
    return copy
