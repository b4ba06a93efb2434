from datetime import timedelta

import pytest

from s3_lambda_api.errors import ConfigError
from s3_lambda_api.settings import Settings, WriterSettings
from tests.unit.s3_lambda_api.conftest import KMS_KEY_ARN

ENVIRON = {"BUCKET_NAME": "b", "SCHEDULE_INTERVAL_SECONDS": "600", "KMS_KEY_ARN": KMS_KEY_ARN}


def test_all_variables_are_read() -> None:
    optional = {"FUTURE_TOLERANCE_SECONDS": "60", "BUCKET_OWNER": "111122223333"}
    settings = WriterSettings.from_env(ENVIRON | optional)
    assert settings == (("b", timedelta(minutes=10), timedelta(minutes=1), "111122223333"), KMS_KEY_ARN)


def test_the_tolerance_is_five_minutes_by_default() -> None:
    assert Settings.from_env(ENVIRON).tolerance == timedelta(minutes=5)


@pytest.mark.parametrize("unset", [{}, {"BUCKET_OWNER": " "}])
def test_no_owner_is_expected_by_default(unset: dict[str, str]) -> None:
    assert Settings.from_env(ENVIRON | unset).owner is None


def test_the_reader_needs_no_key() -> None:
    assert Settings.from_env({k: v for k, v in ENVIRON.items() if k != "KMS_KEY_ARN"}).bucket == "b"


@pytest.mark.parametrize("variable", ENVIRON)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_variable_is_named(variable: str, value: str | None) -> None:
    rest = {k: v for k, v in ENVIRON.items() if k != variable}
    with pytest.raises(ConfigError, match=f"environment variable {variable} is missing or empty") as caught:
        WriterSettings.from_env(rest if value is None else rest | {variable: value})
    assert caught.value.variable == variable


@pytest.mark.parametrize("variable", ["SCHEDULE_INTERVAL_SECONDS", "FUTURE_TOLERANCE_SECONDS"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "ten", "1e3", "²"])
def test_a_number_that_is_none_is_shown(variable: str, value: str) -> None:
    with pytest.raises(
        ConfigError, match=f"{variable} must be a positive whole number of seconds, not '{value}'"
    ):
        Settings.from_env(ENVIRON | {variable: value})


@pytest.mark.parametrize("value", ["11111111-2222", "alias/mine", "arn:aws:kms:eu-north-1:1:alias/mine"])
def test_a_key_id_or_alias_is_no_key_arn(value: str) -> None:
    with pytest.raises(ConfigError, match="KMS_KEY_ARN must be the ARN of a KMS key"):
        WriterSettings.from_env(ENVIRON | {"KMS_KEY_ARN": value})
