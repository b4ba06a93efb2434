"""The conditions of a leaf of an event pattern, and example values on both sides of their edges."""

from __future__ import annotations

import ipaddress
import itertools
import math
import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from harness.errors import PatternError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

type Scalar = str | float | bool | None
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "equals-ignore-case": operator.eq,
    "wildcard": lambda value, text: re.fullmatch(_expression(text), value, re.DOTALL) is not None,
}
_WILDCARD_PARTS = re.compile(r"\\[*\\]|\*|[^*\\]+", re.DOTALL)


class Condition(Protocol):
    """One condition of a leaf."""

    def accepts(self, value: Scalar) -> bool:
        """Return whether a field with this value meets the condition."""
        ...

    def examples(self) -> Iterator[Scalar]:
        """Yield values at the condition's edge, of both sides: the plainest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exactly:
    """A single value. `1` and `1.0` are the same number, and neither equals `true`."""

    value: Scalar

    def accepts(self, value: Scalar) -> bool:
        """Return whether it is the value."""
        return value == self.value and isinstance(value, bool) == isinstance(self.value, bool)

    def examples(self) -> Iterator[Scalar]:
        """Yield the value and its neighbours."""
        yield self.value
        match self.value:
            case bool():
                yield not self.value
            case str():
                yield from (f"{self.value}-other", self.value.swapcase())
            case int() | float():
                yield from (self.value + 1, self.value - 1, str(self.value))
            case None:
                yield "null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that `operator` compares with another."""

    operator: str
    text: str
    ignore_case: bool = False

    def accepts(self, value: Scalar) -> bool:
        """Return whether it is a text that passes the comparison."""
        if not isinstance(value, str):
            return False
        test = _TESTS[self.operator]
        return test(value.lower(), self.text.lower()) if self.ignore_case else test(value, self.text)

    def examples(self) -> Iterator[Scalar]:
        """Yield the text, alone and with something around it."""
        plain = _without_wildcards(self.text, "x") if self.operator == "wildcard" else self.text
        first, last = (_unlike(plain[:1]), _unlike(plain[-1:]))
        yield from (plain, f"{plain}{last}", f"{first}{plain}", plain.swapcase(), plain[:-1], plain[1:])
        if self.operator == "wildcard":
            yield _without_wildcards(self.text, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """A number within bounds, given as comparisons with numbers."""

    bounds: tuple[tuple[str, float], ...]

    def accepts(self, value: Scalar) -> bool:
        """Return whether it is a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return all(_COMPARISONS[comparison](value, bound) for comparison, bound in self.bounds)

    def examples(self) -> Iterator[Scalar]:
        """Yield the middle, the bounds, and values beyond them."""
        bounds = [bound for _, bound in self.bounds]
        middle = sum(bounds) / len(bounds)
        yield from (int(middle) if middle == int(middle) else middle, *bounds)
        for bound in bounds:
            yield from (bound + 1, bound - 1, bound + abs(bound), bound - abs(bound))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cidr:
    """An IP address within a network."""

    network: Network

    def accepts(self, value: Scalar) -> bool:
        """Return whether it is an address in the network."""
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in self.network
        except ValueError:
            return False

    def examples(self) -> Iterator[Scalar]:
        """Yield the first and the last address, and their neighbours."""
        first, last = self.network.network_address, self.network.broadcast_address
        yield from (str(first), str(last))
        if int(last) + 1 < 2**self.network.max_prefixlen:
            yield str(last + 1)
        if int(first):
            yield str(first - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnythingBut:
    """Any value that meets none of the other conditions. The field must be present."""

    others: tuple[Condition, ...]

    def accepts(self, value: Scalar) -> bool:
        """Return whether it meets none of the others."""
        return not any(other.accepts(value) for other in self.others)

    def examples(self) -> Iterator[Scalar]:
        """Yield the examples of the others."""
        for other in self.others:
            yield from other.examples()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """A field that must be present, or must be absent."""

    wanted: bool

    def accepts(self, value: Scalar) -> bool:  # noqa: ARG002 - any value is there
        """Return whether a value may be present."""
        return self.wanted

    def examples(self) -> Iterator[Scalar]:
        """Yield a value. Absence is not a value."""
        yield "something"


def condition(where: str, given: object) -> Condition:
    """Return the condition that one item of a leaf's list states.

    Raises:
        PatternError: EventBridge would refuse it.
    """
    if isinstance(given, dict):
        if len(given) != 1:
            raise PatternError(where, f"expected one operator, got {given!r}; write several side by side")
        ((name, operand),) = given.items()
        if name not in OPERATORS:
            raise PatternError(
                where, f"unknown operator {name!r}; the operators are {', '.join(sorted(OPERATORS))}"
            )
        return OPERATORS[name](where, name, operand)
    return Exactly(value=_scalar(where, given))


def _scalar(where: str, given: object) -> Scalar:
    if given is None or isinstance(given, str | bool | int | float):
        return given
    raise PatternError(where, f"expected a text, number, true, false, null or an operator, got {given!r}")


def _text(where: str, name: str, operand: object) -> Condition:
    ignore_case = name == "equals-ignore-case"
    if name in {"prefix", "suffix"} and isinstance(operand, dict) and [*operand] == ["equals-ignore-case"]:
        operand, ignore_case = operand["equals-ignore-case"], True
    return _text_condition(where, name, operand, ignore_case=ignore_case)


def _text_condition(where: str, name: str, operand: object, *, ignore_case: bool) -> Text:
    if not isinstance(operand, str):
        raise PatternError(where, f"operator {name!r}: expected a text, got {operand!r}")
    if name == "wildcard" and (
        "".join(_WILDCARD_PARTS.findall(operand)) != operand or _has_double_star(operand)
    ):
        raise PatternError(
            where, rf"operator 'wildcard': expected no '**', and '\*' or '\\' for themselves, got {operand!r}"
        )
    return Text(operator=name, text=operand, ignore_case=ignore_case)


def _has_double_star(text: str) -> bool:
    parts = _WILDCARD_PARTS.findall(text)
    return any(pair == ("*", "*") for pair in itertools.pairwise(parts))


def _anything_but(where: str, name: str, operand: object) -> Condition:
    if isinstance(operand, dict):
        if len(operand) != 1 or not operand.keys() <= _TESTS.keys():
            expected = ", ".join(sorted(_TESTS))
            raise PatternError(where, f"operator {name!r}: expected one of {expected}, got {operand!r}")
        ((inner, texts),) = operand.items()
        listed = _operands(where, name, texts)
        ignore_case = inner == "equals-ignore-case"
        others = [_text_condition(where, inner, text, ignore_case=ignore_case) for text in listed]
        return AnythingBut(others=tuple(others))
    values = [_scalar(where, value) for value in _operands(where, name, operand)]
    if not (all(isinstance(value, str) for value in values) or all(_is_number(value) for value in values)):
        raise PatternError(where, f"operator {name!r}: expected texts only or numbers only, got {operand!r}")
    return AnythingBut(others=tuple(Exactly(value=value) for value in values))


def _operands(where: str, name: str, operand: object) -> list[object]:
    if operand == []:
        raise PatternError(where, f"operator {name!r}: expected at least one value, got none")
    return operand if isinstance(operand, list) else [operand]


def _numeric(where: str, name: str, operand: object) -> Condition:
    items = operand if isinstance(operand, list) else []
    bounds = tuple(zip(items[::2], items[1::2], strict=False))
    if not _is_range(bounds) or len(items) != 2 * len(bounds):
        raise PatternError(where, f'operator {name!r}: expected such as [">", 0, "<=", 5], got {operand!r}')
    return Numeric(bounds=bounds)


def _is_range(bounds: Sequence[tuple[object, object]]) -> bool:
    """Return whether it is one comparison with a number, or a lower bound and a higher upper bound."""
    if not all(name in _COMPARISONS and _is_number(number) for name, number in bounds):
        return False
    match bounds:
        case [(_, _)]:
            return True
        case [(">" | ">=", low), ("<" | "<=", high)]:
            return cast("float", low) < cast("float", high)
    return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _exists(where: str, name: str, operand: object) -> Condition:
    if not isinstance(operand, bool):
        raise PatternError(where, f"operator {name!r}: expected true or false, got {operand!r}")
    return Exists(wanted=operand)


def _cidr(where: str, name: str, operand: object) -> Condition:
    try:
        if isinstance(operand, str) and "/" in operand:
            return Cidr(network=ipaddress.ip_network(operand, strict=False))
    except ValueError:
        pass
    raise PatternError(where, f"operator {name!r}: expected a network such as 10.0.0.0/24, got {operand!r}")


OPERATORS: Mapping[str, Callable[[str, str, object], Condition]] = {
    "anything-but": _anything_but,
    "cidr": _cidr,
    "equals-ignore-case": _text,
    "exists": _exists,
    "numeric": _numeric,
    "prefix": _text,
    "suffix": _text,
    "wildcard": _text,
}


def _expression(wildcard: str) -> str:
    parts = _WILDCARD_PARTS.findall(wildcard)
    return "".join(".*" if part == "*" else re.escape(_unescape(part)) for part in parts)


def _without_wildcards(wildcard: str, filling: str) -> str:
    parts = _WILDCARD_PARTS.findall(wildcard)
    return "".join(filling if part == "*" else _unescape(part) for part in parts)


def _unescape(part: str) -> str:
    return part.removeprefix("\\")


def _unlike(character: str) -> str:
    return "y" if character.lower() == "x" else "x"
