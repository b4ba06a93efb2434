"""Function 2: the newest object over HTTP."""

from s3_lambda_api import startup

# isort: split
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from s3_lambda_api import responses
from s3_lambda_api.errors import BusyError
from s3_lambda_api.latest import latest
from s3_lambda_api.request import Request
from s3_lambda_api.search import Rules
from s3_lambda_api.settings import Settings
from s3_lambda_api.store import Store, s3_client
from s3_lambda_api.telemetry import count, log_times, logger, measure, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from s3_lambda_api.latest import Found

__all__ = ["handler"]

_settings = Settings.from_env(os.environ)
# Two attempts that hang end well before the function's own time is up: the client gets a 503, not a 502.
_store = Store(log_times(s3_client(attempts=2, patience=2, owner=_settings.owner)), _settings.bucket)
startup.finish()


@logger.inject_lambda_context(correlation_id_path="requestContext.requestId", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: object, context: "LambdaContext") -> responses.Response:  # noqa: ARG001 - Lambda's signature
    """Answer GET or HEAD with the newest object."""
    request = Request.of(event)
    now = datetime.now(UTC)
    count("Requests")
    try:
        found = latest(_store, Rules(now, _settings.interval, _settings.tolerance))
    except BusyError as error:
        count("Throttled")
        logger.warning("S3 is busy", extra={"code": error.code})
        return responses.busy(media=request.media, head=request.head)
    except Exception:  # noqa: BLE001 - whatever it was, the caller learns nothing of it; the log does
        count("Failures")
        logger.exception("the read failed")
        return responses.failed(media=request.media, head=request.head)
    return _answer(found, request, now)


def _answer(found: "Found | None", request: Request, now: datetime) -> responses.Response:
    if found is None:
        count("EmptyBucket")
        return responses.empty(media=request.media, head=request.head)
    _report(found, now)
    return responses.found(
        found.stored, media=request.media, if_none_match=request.if_none_match, now=now, head=request.head
    )


def _report(found: "Found", now: datetime) -> None:
    measure("FreshnessAge", responses.age_seconds(found.stored, now))
    count("Repairs", int(found.repair is not None))
    if found.repair:
        logger.warning(
            "the pointer needs repair", extra={"reason": found.repair, "key": found.stored.name.key}
        )
