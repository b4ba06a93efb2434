"""Configuration: read once, from a mapping, and checked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from s3_lambda_api.errors import ConfigError

__all__ = ["Settings", "WriterSettings"]

_DEFAULT_TOLERANCE_SECONDS = 300


class Settings(NamedTuple):
    """The settings of both functions.

    Attributes:
        bucket: Name of the bucket.
        interval: Time between two scheduled objects.
        tolerance: How far in the future an event's time may lie.
        owner: Account that the bucket must belong to; None for any.
    """

    bucket: str
    interval: timedelta
    tolerance: timedelta
    owner: str | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the variables.

        Raises:
            ConfigError: A variable is missing, empty or not a positive number.
        """
        return cls(
            bucket=_text(environ, "BUCKET_NAME"),
            interval=_seconds(environ, "SCHEDULE_INTERVAL_SECONDS"),
            tolerance=_seconds(environ, "FUTURE_TOLERANCE_SECONDS", _DEFAULT_TOLERANCE_SECONDS),
            owner=environ.get("BUCKET_OWNER", "").strip() or None,
        )


class WriterSettings(NamedTuple):
    """The settings of the writer.

    Attributes:
        common: The settings of both functions.
        kms_key_arn: ARN of the key that every object is encrypted with.
    """

    common: Settings
    kms_key_arn: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "WriterSettings":
        """Read the variables.

        Raises:
            ConfigError: As ``Settings.from_env``, or the key is not given as an ARN.
        """
        arn = _text(environ, "KMS_KEY_ARN")
        if not arn.startswith("arn:") or ":key/" not in arn:
            raise ConfigError("KMS_KEY_ARN", f"must be the ARN of a KMS key, not {arn!r}")
        return cls(common=Settings.from_env(environ), kms_key_arn=arn)


def _text(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise ConfigError(variable, "is missing or empty")
    return value


def _seconds(environ: Mapping[str, str], variable: str, default: int | None = None) -> timedelta:
    value = _text(environ, variable) if default is None else environ.get(variable, "").strip() or str(default)
    if not value.isdecimal() or not value.isascii() or int(value) <= 0:
        raise ConfigError(variable, f"must be a positive whole number of seconds, not {value!r}")
    return timedelta(seconds=int(value))
