"""Remove secrets from a report: known values, and texts that look like a secret."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARK = "[redacted]"
SHORTEST = 4  # the shortest value to search for, because shorter ones are everywhere and no secrets

_WORDS = frozenset({"true", "false", "null", "none"})
# The endings of names of secrets. Their beginnings do not matter.
_NAME = (
    r"(?:passwords?|passwd|pwd|passphrase|secrets?|secret[_-]?string|credentials?|private[_-]?key"
    r"|api[_-]?key|access[_-]?key|session[_-]?key|signing[_-]?key|token)"
)
_HEADER = r"(?:proxy-)?authorization|x-api-key|(?:set-)?cookie2?|x-amz-security-token|x-auth-token"
_QUOTE = r"(?P<q>\\*[\"'])"
_NAMED = re.compile(rf"(?:[\w.-]*{_NAME}|{_HEADER})", re.IGNORECASE)
# Each has the text to keep in the group `keep`, followed by the secret.
_PATTERNS = [
    # "name": "value", 'name': 'value', name="value", and the same inside a quoted text
    re.compile(
        rf"(?P<keep>(?:{_NAME}|{_HEADER})\\*[\"']?\s*(?::|=>|=)\s*[bru]?{_QUOTE})"
        r"(?!\[redacted\])(?:(?!(?P=q))(?:\\.|.))+(?=(?P=q)|$)",
        re.IGNORECASE | re.MULTILINE,
    ),
    # "name": 12345
    re.compile(
        rf"(?P<keep>{_NAME}\\*[\"']\s*[:=]\s*+)(?!null\b|true\b|false\b|None\b|\[redacted\])[\w.+-]+",
        re.IGNORECASE,
    ),
    # a header on its own line, or in `curl --header 'Name: value'`
    re.compile(
        rf"(?P<keep>(?:^|[\s\"'>|])(?:{_HEADER}):[ \t]*+)(?!\[redacted\])[^\r\n\"']+",
        re.IGNORECASE | re.MULTILINE,
    ),
    # name=value in a query, a form, an environment or a log
    re.compile(rf"(?P<keep>{_NAME}=)(?!\[redacted\])[^\s&\"'<>,;)\]}}\\]+", re.IGNORECASE),
    # X-Amz-Security-Token, -Credential and -Signature of a signed URL
    re.compile(
        r"(?P<keep>\bX-Amz-(?:Security-Token|Credential|Signature)=)(?!\[redacted\])[^\s&\"'<>]+",
        re.IGNORECASE,
    ),
    # name: value in a log, unless it is a word between blanks, as in prose
    re.compile(
        r"(?P<keep>(?:password|passwd|passphrase|[_-](?:secret|token|api[_-]?key|access[_-]?key))"
        r":[ \t]*+)(?!\[redacted\])[^\s\"'{}\[\],;]+",
        re.IGNORECASE,
    ),
    # <Password>value</Password>
    re.compile(rf"(?P<keep><[\w.:-]{{0,60}}{_NAME}>)(?!\[redacted\])[^<]+(?=</)", re.IGNORECASE),
    # the credentials of an AWS Signature, and of any other scheme
    re.compile(r"(?P<keep>\b(?:Bearer|Basic)\s+)(?!\[redacted\])[A-Za-z0-9._~+/-]{8,}=*"),
    re.compile(r"(?P<keep>\bCredential=)(?!\[redacted\])[^\s,&\"']+"),
    # https://user:password@host
    re.compile(r"(?P<keep>://[^\s/:@\"']{0,100}:)(?!\[redacted\])[^\s/@\"']{1,200}(?=@)", re.IGNORECASE),
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
    re.compile(r"(?P<keep>)\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    re.compile(r"(?P<keep>)\b(?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=]{80,}"),  # how session tokens of STS begin
    re.compile(r"(?P<keep>)\beyJ[\w-]+\.eyJ[\w-]+\.[\w-]*"),  # a JSON Web Token
    re.compile(
        r"(?P<keep>-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
]
_KEPT = frozenset({"outcome", "state", "kind", "when", "begun", "seconds"})  # fields with a value of a few
# A text with none of these can match no pattern, which is true of most lines of a log.
_HINT = re.compile(
    r"pass|pwd|secret|token|key|credential|auth|cookie|bearer|basic|://|x-amz|AKIA|ASIA|IQoJ|FwoG|FQoG|eyJ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Redaction:
    """Leaves secrets out.

    Attributes:
        secrets: The secrets with known values.
    """

    secrets: frozenset[str] = frozenset()
    _forms: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare the search."""
        forms = sorted(
            {form for secret in self.secrets for form in _spellings(secret)}, key=lambda each: -len(each)
        )
        object.__setattr__(self, "_forms", re.compile("|".join(map(re.escape, forms))) if forms else None)

    def text(self, text: str) -> str:
        """Return `text` with a mark in place of each secret."""
        known = self._forms.sub(MARK, text) if self._forms else text
        if not _HINT.search(known):
            return known
        for pattern in _PATTERNS:
            known = pattern.sub(_mark, known)
        return known

    def plain(self, value: Any) -> Any:  # noqa: ANN401 - as JSON has it
        """Return a JSON value with a mark in place of each secret and each value of a secret's field."""
        match value:
            case str():
                return self.text(value)
            case list():
                return [self.plain(each) for each in value]
            case dict():
                return {name: self._field(name, each) for name, each in value.items()}
            case _:
                return value

    def _field(self, name: str, value: Any) -> Any:  # noqa: ANN401 - as JSON has it
        if name in _KEPT:
            return value
        if isinstance(value, str) and value and _NAMED.fullmatch(name):
            return MARK
        return self.plain(value)


def is_secret_name(name: str) -> bool:
    """Return whether a variable or field with this name probably holds a secret."""
    return bool(_NAMED.fullmatch(name))


def leaves(value: object) -> Iterator[str]:
    """Return the texts and numbers in a value of Terraform that may be looked for."""
    match value:
        case dict():
            yield from (leaf for each in value.values() for leaf in leaves(each))
        case list() | tuple():
            yield from (leaf for each in value for leaf in leaves(each))
        case bool() | None:
            return
        case _:
            text = str(value)
            if len(text) >= SHORTEST and text.lower() not in _WORDS:
                yield text


def _spellings(secret: str) -> Iterable[str]:
    """Return the spellings of a secret: unchanged, in JSON, in a URL, in base64, line by line."""
    escaped = json.dumps(secret)[1:-1]
    lines = [line.strip() for line in secret.splitlines() if len(line.strip()) > 2 * SHORTEST]
    encoded = base64.b64encode(secret.encode()).decode()
    return {
        secret,
        escaped,
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(escaped)[1:-1],
        repr(secret)[1:-1],
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        encoded,
        *(lines if len(lines) > 1 else ()),
    }


def _mark(match: re.Match[str]) -> str:
    return f"{match['keep']}{MARK}"
