"""The function that prints the labels of parcels."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)
log.setLevel(logging.INFO)


def handler(event: Mapping[str, Any], _context: object) -> None:
    """Print a label for each parcel in the topic's messages."""
    for record in event["Records"]:
        parcel = json.loads(record["Sns"]["Message"])
        log.info("label for %s: %s, %d g", parcel["id"], parcel["to"], parcel["grams"])
