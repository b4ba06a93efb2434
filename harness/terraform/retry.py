"""Failures of Terraform that another try is known to cure."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

from harness.errors import TerraformError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.errors import Diagnostic

log = logging.getLogger(__name__)

PAUSES = (1.0, 4.0)  # seconds before the second and the third try
# The errors of a bad connection or a busy service, and AWS's own names for "try again":
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_KNOWN = re.compile(
    r"text file busy|doesn't match any of the checksums"  # a plugin cache that two runs fill at once
    r"|connection reset|unexpected EOF|i/o timeout|TLS handshake timeout|Client\.Timeout exceeded"
    r"|\b429 Too Many Requests|\b50[234] (?:Bad Gateway|Service Unavailable|Gateway Time-?out)"
    r"|\bThrottling|TooManyRequestsException|RequestLimitExceeded|\bSlowDown\b|RequestTimeout"
    r"|ConcurrentModification|OperationAborted|OptimisticLock|ServiceUnavailable"
)


def is_transient(diagnostics: Sequence[Diagnostic]) -> bool:
    """Return whether every error in `diagnostics` may disappear with another try."""
    return bool(diagnostics) and all(_KNOWN.search(str(each)) for each in diagnostics)


def with_retries[T](attempt: Callable[[], T], *, pause: Callable[[float], None] = time.sleep) -> T:
    """Return the result of `attempt`. After a transient failure, try up to two more times.

    Raises:
        TerraformError: It failed for another reason, or three times.
    """
    for seconds in PAUSES:
        try:
            return attempt()
        except TerraformError as problem:
            if not is_transient(problem.diagnostics):
                raise
            log.info("%s\n  that may pass: once more in %g s", problem, seconds)
            pause(seconds)
    return attempt()
