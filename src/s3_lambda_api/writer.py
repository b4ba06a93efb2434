"""Function 1: an event becomes an object."""

from s3_lambda_api import startup

# isort: split
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from s3_lambda_api.errors import InvalidEventError
from s3_lambda_api.events import occurrence
from s3_lambda_api.record import record
from s3_lambda_api.search import Rules
from s3_lambda_api.settings import WriterSettings
from s3_lambda_api.store import WritableStore, s3_client
from s3_lambda_api.telemetry import count, log_times, logger, metrics

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

__all__ = ["handler"]

_settings, _kms_key_arn = WriterSettings.from_env(os.environ)
_client = s3_client(attempts=4, patience=2, owner=_settings.owner)
_store = WritableStore(log_times(_client), _settings.bucket, _kms_key_arn)
startup.finish()


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: object, context: "LambdaContext") -> dict[str, Any]:
    """Write the object of the occurrence that the event reports.

    Returns:
        ``key``, ``etag`` and ``created`` of the object.

    Raises:
        InvalidEventError: The event must not become an object.
        BusyError: S3 cannot answer now: let the event be delivered again.
        ContendedError: Too many writers at once: the same.
    """
    now = datetime.now(UTC)
    count("Events")
    try:
        name = occurrence(event, request_id=context.aws_request_id, now=now, tolerance=_settings.tolerance)
    except InvalidEventError:
        count("RejectedEvents")
        raise
    written = record(_store, name, Rules(now, _settings.interval, _settings.tolerance))
    count("ObjectsWritten", int(written.created))
    result = written._asdict()
    logger.info("recorded", extra={"result": result})
    return result
