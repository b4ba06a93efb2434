from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lambda_process_executor import callers
from lambda_process_executor.callers import caller_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambda_process_executor.callers import Environment

KEY = "ASIAREADER0000000000"
SIGNED = f"AWS4-HMAC-SHA256 Credential={KEY}/20261129/eu-north-1/s3/aws4_request, SignedHeaders=host"


def environment(name: str = "reader", key: str = KEY) -> Environment:
    variables = {
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_ACCESS_KEY_ID": key,
        callers.APP_ID: callers.new_app_id(),
    }
    return callers.remember(variables)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    callers._ENVIRONMENTS.clear()


def test_a_function_is_known_by_the_application_id_of_its_environment() -> None:
    first, second = environment(), environment()
    first.request_id, second.request_id = "one", "two"

    assert caller_of(f"Boto3/1.44 app/{second.app_id}", SIGNED) == ("function:reader", "two")


def test_a_function_that_takes_another_role_is_still_known() -> None:
    reader = environment()

    assert caller_of(f"Boto3/1.44 app/{reader.app_id}", SIGNED.replace(KEY, "ASIAOTHER")) == (
        "function:reader",
        "",
    )


def test_without_an_application_id_the_access_key_tells() -> None:
    environment().request_id = "one"

    assert caller_of("curl/8", SIGNED) == ("function:reader", "one")


def test_two_environments_with_one_key_leave_the_invocation_open_while_both_run() -> None:
    environment().request_id = "one"
    environment().request_id = "two"

    assert caller_of("curl/8", SIGNED) == ("function:reader", "")


def test_a_key_that_two_functions_have_names_neither() -> None:
    environment("reader")
    environment("writer")

    assert caller_of("curl/8", SIGNED) == ("unknown", "")


def test_an_accounts_number_is_nobodys_key() -> None:
    environment(key="000000000000")

    assert caller_of("curl/8", SIGNED.replace(KEY, "000000000000")) == ("unknown", "")


def test_an_environment_that_has_ended_is_forgotten() -> None:
    callers.forget(environment())

    assert caller_of("curl/8", SIGNED) == ("unknown", "")


def test_terraform_and_the_harness_say_who_they_are() -> None:
    terraform = (
        "APN/1.0 HashiCorp/1.0 Terraform/1.11.4 (+https://www.terraform.io) terraform-provider-aws/5.100.0"
    )

    assert caller_of(terraform, SIGNED) == ("terraform", "")
    assert caller_of("Boto3/1.44 harness-caller/test:a.py::t%5Bx%20y%5D", "") == ("test:a.py::t[x y]", "")
