"""Mapping templates of API Gateway, which are written in Velocity.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from functools import wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

import airspeed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# A step of a JSONPath: `.name`, `['name']`, `[0]` or `[*]`.
_STEP = re.compile(r"\.?([\w-]+)|\[['\"]([^'\"]+)['\"]\]|\[(\d+)\]|\[(\*)\]|\.(\*)")
_LOCATIONS = ("path", "querystring", "header")  # in the order in which `params(name)` looks


class Values(dict[str, Any]):
    """A JSON object as Velocity prints it, with its methods."""

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}={value}" for name, value in self.items()) + "}"


class Items(list[Any]):
    """A JSON array as API Gateway prints it, with Velocity's methods."""

    def __str__(self) -> str:
        return json.dumps(self, separators=(",", ":"), ensure_ascii=False)


_OPERATORS = airspeed.operators.BinaryOperator.OPERATORS
_METHODS = airspeed.operators.__additional_methods__
_METHODS[Values] = _METHODS[dict]
_METHODS[Items] = _METHODS[list]


def _or_false(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Return a comparison that is false where Velocity logs an error: of null, or of a text and a number."""

    @wraps(compare)
    def compared(left: Any, right: Any) -> bool:  # noqa: ANN401 - any two values
        try:
            return compare(left, right)
        except TypeError:
            return False

    return compared


for _sign in (">", "gt", ">=", "ge", "<", "lt", "<=", "le"):
    _OPERATORS[_sign] = _or_false(_OPERATORS[_sign])


class Text(str):
    """A text with the methods of Java that templates use."""

    __slots__ = ()

    def replaceAll(self, pattern: str, by: str) -> Text:  # noqa: N802 - Java's name
        """Replace what matches a regular expression."""
        return Text(re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", by), self))

    def toString(self) -> Text:  # noqa: N802
        """Return itself."""
        return self

    def trim(self) -> Text:
        """Return it without white space around it."""
        return Text(self.strip())

    def toLowerCase(self) -> Text:  # noqa: N802
        """Return it in lower case."""
        return Text(self.lower())

    def toUpperCase(self) -> Text:  # noqa: N802
        """Return it in upper case."""
        return Text(self.upper())


_METHODS[Text] = _METHODS[str]


class Input:
    """The variable `$input`.

    Args:
        body: The text of the request or of the answer.
        parameters: The request's parameters, by location and name.
    """

    def __init__(self, body: str, parameters: Mapping[str, Mapping[str, str]]) -> None:
        self._body = body
        self._parameters = Values({name: Values(parameters.get(name, {})) for name in _LOCATIONS})

    @property
    def body(self) -> Text:
        """The whole text."""
        return Text(self._body or "{}")

    def path(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return what a JSONPath leads to, or an empty text."""
        return _as_velocity(at_path(self._body, path))

    def json(self, path: str) -> Text:
        """Return what a JSONPath leads to, as JSON."""
        value = at_path(self._body, path)
        return Text(json.dumps("" if value is None else value, ensure_ascii=False))

    def params(self, name: str = "") -> Any:  # noqa: ANN401 - a text, or all of them
        """Return a parameter of the request, or all of them."""
        if not name:
            return self._parameters
        return Text(next((found[name] for found in self._parameters.values() if name in found), ""))


class Util:
    """The variable `$util`."""

    def escapeJavaScript(self, text: object) -> Text:  # noqa: N802 - API Gateway's name
        """Return a text as it stands between quotes, single quotes escaped too."""
        return Text(json.dumps(str(text), ensure_ascii=False)[1:-1].replace("'", "\\'"))

    def urlEncode(self, text: object) -> Text:  # noqa: N802
        """Return a text as it stands in a query."""
        return Text(quote_plus(str(text)))

    def urlDecode(self, text: object) -> Text:  # noqa: N802
        """Return the text that a part of a query stands for."""
        return Text(unquote_plus(str(text)))

    def base64Encode(self, text: object) -> Text:  # noqa: N802
        """Return a text in base64."""
        return Text(b64encode(str(text).encode()).decode())

    def base64Decode(self, text: object) -> Text:  # noqa: N802
        """Return the text that base64 stands for."""
        return Text(b64decode(str(text)).decode("utf-8", "replace"))

    def parseJson(self, text: object) -> Any:  # noqa: ANN401, N802 - any JSON value
        """Return the value that a text in JSON stands for."""
        return _as_velocity(json.loads(str(text)))


def render(
    template: str,
    body: str,
    *,
    parameters: Mapping[str, Mapping[str, str]],
    context: Mapping[str, Any],
    stage_variables: Mapping[str, str],
) -> str:
    """Return the text that a mapping template makes of a body.

    Args:
        template: The template.
        body: The text of the request, or of the answer.
        parameters: The request's parameters: `path`, `querystring` and `header`, each by name.
        context: The variable `$context`. A template may set overrides in it.
        stage_variables: The stage's variables.
    """
    names = {
        "input": Input(body, parameters),
        "util": Util(),
        "context": context,
        "stageVariables": Values(stage_variables),
    }
    made: str = airspeed.Template(template.strip()).merge(names)
    return made


def at_path(body: str, path: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return what a JSONPath leads to in a text of JSON, or None."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value_at(value, path)


def value_at(value: Any, path: str) -> Any:  # noqa: ANN401
    """Return what a JSONPath leads to in a JSON value, or None."""
    for name, quoted, index, *every in _STEP.findall(path.strip().removeprefix("$")):
        if any(every):
            rest = path[path.index("*") + 1 :].lstrip("]")
            return [value_at(each, "$" + rest) for each in value]
        value = _step(value, int(index) if index else name or quoted)
    return value


def _step(value: Any, key: str | int) -> Any:  # noqa: ANN401
    try:
        return value[key]
    except (KeyError, IndexError, TypeError):
        return None


def _as_velocity(value: Any) -> Any:  # noqa: ANN401
    """Return a JSON value whose parts have Velocity's methods, and print as API Gateway prints them."""
    match value:
        case None:
            return ""
        case bool():
            return Text(str(value).lower())
        case str():
            return Text(value)
        case dict():
            return Values({name: _as_velocity(each) for name, each in value.items()})
        case list():
            return Items(map(_as_velocity, value))
    return value
