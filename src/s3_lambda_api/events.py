"""From an event to the occurrence it stands for. Pure: the time of day is passed in."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from s3_lambda_api.errors import InvalidEventError
from s3_lambda_api.keys import ObjectName

__all__ = ["occurrence"]

_LEADING_HEX = re.compile(r"[0-9a-fA-F]{8}(?![0-9a-zA-Z])")


def occurrence(event: object, *, request_id: str, now: datetime, tolerance: timedelta) -> ObjectName:
    """Name the occurrence that an event reports.

    Time and id come from the event, so a retry or a second delivery gives the same name. The time is
    ``detail.timestamp`` (microseconds) if there is one, else the event's ``time`` (whole seconds). A bare
    test invoke has neither. Its time is now, and its id is that of the request.

    Args:
        event: The event that Lambda passes to the handler.
        request_id: The invocation's id, which stands in for an absent event id.
        now: The present, aware.
        tolerance: How far in the future the event's time may lie.

    Raises:
        InvalidEventError: Not a mapping, a time that cannot be read, or one from the future.
    """
    if not isinstance(event, Mapping):
        raise InvalidEventError(f"expected a JSON object, got {type(event).__name__}")
    reported = _reported_time(event)
    moment = now.astimezone(UTC) if reported is None else _moment(reported)
    if moment > now + tolerance:
        raise InvalidEventError(
            f"its time {moment.isoformat()} lies more than {tolerance} after {now.isoformat()}"
        )
    return ObjectName(moment, _short_id(str(event.get("id") or request_id)))


def _reported_time(event: Mapping[str, object]) -> object:
    detail = event.get("detail")
    precise = detail.get("timestamp") if isinstance(detail, Mapping) else None
    return event.get("time") if precise is None else precise


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidEventError(f"expected an ISO 8601 time with a zone, got {text!r}")


def _short_id(identifier: str) -> str:
    """Return the first eight hex digits of a UUID, or of a digest of any other text."""
    match = _LEADING_HEX.match(identifier)
    digits = match[0] if match else hashlib.sha256(identifier.encode(errors="replace")).hexdigest()[:8]
    return digits.lower()
