"""Turn a result into the HTTP answer, in API Gateway's proxy form. Pure."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from s3_lambda_api.model import Stored

__all__ = ["MediaType", "Response", "age_seconds", "busy", "empty", "failed", "found", "media_type"]

type MediaType = Literal["text/plain", "application/json"]
type Response = dict[str, Any]

_TEXT: MediaType = "text/plain"
_JSON: MediaType = "application/json"
_EMPTY = "No object has been written yet."
_BUSY = "The storage is busy. Please try again."
_FAILED = "Internal server error."
_RETRY_AFTER_SECONDS = "1"


def media_type(accept: str) -> MediaType:
    """Choose by the ``Accept`` header: JSON if it is wanted more than text, else text."""
    ranges = [_parse_range(part) for part in accept.lower().split(",")]
    return _JSON if _quality(_JSON, ranges) > _quality(_TEXT, ranges) else _TEXT


def found(stored: "Stored", *, media: MediaType, if_none_match: str, now: datetime, head: bool) -> Response:
    """200 with the object, or 304 if the client has it already."""
    etag = _entity_tag(stored, media)
    headers = {
        "ETag": etag,
        "Last-Modified": format_datetime(stored.modified.astimezone(UTC), usegmt=True),
        "Cache-Control": "no-cache",  # keep it, but ask each time: the next object can come at any moment
        "Vary": "Accept",
        "X-Object-Key": stored.name.key,
        "Age": str(age_seconds(stored, now)),
    }
    if _matches(etag, if_none_match):
        return {"statusCode": 304, "headers": headers, "body": ""}
    return _response(200, _content(stored, media), media=media, head=head, headers=headers)


def empty(*, media: MediaType, head: bool) -> Response:
    """Return a 404: there is no object."""
    return _problem(404, _EMPTY, media=media, head=head)


def busy(*, media: MediaType, head: bool) -> Response:
    """Return a 503: S3 throttles or fails, and a retry is worthwhile."""
    return _problem(503, _BUSY, media=media, head=head, headers={"Retry-After": _RETRY_AFTER_SECONDS})


def failed(*, media: MediaType, head: bool) -> Response:
    """Return a 500 without internal details."""
    return _problem(500, _FAILED, media=media, head=head)


def age_seconds(stored: "Stored", now: datetime) -> int:
    """Return the whole seconds since the occurrence, or 0 if its clock is ahead."""
    return max(0, int((now - stored.name.moment).total_seconds()))


def _content(stored: "Stored", media: MediaType) -> str:
    text = stored.body.decode(errors="replace")
    if media == _TEXT:
        return text
    return json.dumps({"key": stored.name.key, "timestamp": stored.name.timestamp, "body": text})


def _entity_tag(stored: "Stored", media: MediaType) -> str:
    """Return S3's ETag for the text. The JSON form has other bytes and therefore another tag."""
    return stored.etag if media == _TEXT else f'"{stored.etag.strip('"')}-json"'


def _matches(etag: str, if_none_match: str) -> bool:
    """Compare weakly, as RFC 9110 requires for ``If-None-Match``."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def _problem(
    status: int, message: str, *, media: MediaType, head: bool, headers: dict[str, str] | None = None
) -> Response:
    content = message if media == _TEXT else json.dumps({"message": message})
    all_headers = {"Cache-Control": "no-store", "Vary": "Accept"} | (headers or {})
    return _response(status, content, media=media, head=head, headers=all_headers)


def _response(
    status: int, content: str, *, media: MediaType, head: bool, headers: dict[str, str]
) -> Response:
    kind = f"{media}; charset=utf-8" if media == _TEXT else media
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind} | headers,
        "body": "" if head else content,
    }


def _parse_range(part: str) -> tuple[str, float]:
    """Parse one element of ``Accept`` as (range, quality). A malformed quality counts as 0."""
    name, *parameters = (piece.strip() for piece in part.split(";"))
    weights = [
        value.strip() for key, _, value in (p.partition("=") for p in parameters) if key.strip() == "q"
    ]
    return name, _weight(weights[0]) if weights else 1.0


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0


def _quality(media: MediaType, ranges: list[tuple[str, float]]) -> float:
    """Return the quality of the most specific matching range, or 0 if none matches."""
    for pattern in (media, f"{media.partition('/')[0]}/*", "*/*"):
        weights = [weight for name, weight in ranges if name == pattern]
        if weights:
            return max(weights)
    return 0.0
