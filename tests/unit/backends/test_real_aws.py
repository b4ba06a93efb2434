from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import BackendError, Endpoint, Settings, SettingsError, backends
from harness.aws.rest import address_of
from harness.backends.real_aws import aws
from harness.base import isolation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.backends.conftest import StubSts

OURS, ANOTHER = "123456789012", "210987654321"
REAL = Endpoint(backend="aws", url="", region="eu-north-1", access_key="", secret_key="")


@pytest.fixture
def stub(
    sts: Callable[[str], StubSts], monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> Callable[[str], tuple[StubSts, Settings]]:
    """Return a function that replaces STS by a stub, and returns settings that allow our account."""

    def start(account: str) -> tuple[StubSts, Settings]:
        server = sts(account)
        for name, value in {
            "AWS_ENDPOINT_URL_STS": server.url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        allowed = {**settings.environ, "HARNESS_AWS_ACCOUNTS": f"{OURS}, 111111111111"}
        return server, Settings.from_env(allowed, settings.project)

    return start


def start(settings: Settings) -> None:
    with aws(settings):
        pytest.fail("it started")


def test_it_is_built_in() -> None:
    assert backends.load("aws").start is aws


def test_an_allowed_account_is_used_under_a_name_of_its_own_and_with_a_warning(
    stub: Callable[[str], tuple[StubSts, Settings]], caplog: pytest.LogCaptureFixture
) -> None:
    server, settings = stub(OURS)

    with aws(settings) as first, aws(settings) as second:
        assert first.is_aws
        assert re.fullmatch(r"t[0-9a-f]{8}", first.name)
        assert first.name != second.name

    assert server.actions == ["GetCallerIdentity"] * 2
    assert f"REAL AWS: account {OURS}, region eu-north-1" in caplog.text
    assert "costs money" in caplog.text


def test_any_other_account_is_refused_before_anything_is_touched(
    stub: Callable[[str], tuple[StubSts, Settings]],
) -> None:
    server, settings = stub(ANOTHER)

    with pytest.raises(
        BackendError, match=f"of account {ANOTHER}, and HARNESS_AWS_ACCOUNTS allows only {OURS}"
    ):
        start(settings)

    assert server.actions == ["GetCallerIdentity"]


def test_without_an_allowed_account_nobody_is_asked(
    stub: Callable[[str], tuple[StubSts, Settings]],
) -> None:
    server, settings = stub(OURS)

    with pytest.raises(SettingsError, match="HARNESS_AWS_ACCOUNTS: expected the numbers"):
        start(replace(settings, aws_accounts=()))

    assert server.actions == []


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_of_an_emulator_is_not_taken_for_aws(
    stub: Callable[[str], tuple[StubSts, Settings]], name: str
) -> None:
    server, settings = stub(OURS)
    environ = {**settings.environ, name: "http://127.0.0.1:4566"}

    with pytest.raises(SettingsError, match=f"{name}: expected to be unset for the backend aws"):
        start(replace(settings, environ=environ))

    assert server.actions == []


def test_credentials_that_do_not_work_are_one_clear_error(
    stub: Callable[[str], tuple[StubSts, Settings]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = stub(OURS)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")

    with pytest.raises(BackendError, match=r"'aws': sts:GetCallerIdentity failed: Could not connect"):
        start(settings)


@pytest.mark.parametrize("given", ["12345", "123456789012;111111111111", "mine", ","])
def test_a_list_of_anything_but_account_numbers_is_refused(settings: Settings, given: str) -> None:
    with pytest.raises(SettingsError, match="HARNESS_AWS_ACCOUNTS: expected account numbers of 12 digits"):
        Settings.from_env({**settings.environ, "HARNESS_AWS_ACCOUNTS": given}, settings.project)


def test_auto_never_chooses_it(settings: Settings) -> None:
    allowed = {**settings.environ, "HARNESS_AWS_ACCOUNTS": OURS}

    assert Settings.from_env(allowed, settings.project).backend == "auto"
    assert backends.load("auto").start is not aws


def test_the_callers_own_credentials_and_proxies_remain() -> None:
    environ = {"AWS_PROFILE": "mine", "HTTPS_PROXY": "http://proxy.example", "PATH": "/bin"}

    assert isolation.environ_for(REAL, environ) == {
        **environ,
        "AWS_REGION": "eu-north-1",
        "AWS_DEFAULT_REGION": "eu-north-1",
    }


def test_the_published_url_is_the_one_that_is_called() -> None:
    published = "https://abc.execute-api.eu-north-1.amazonaws.com/dev/latest"

    assert address_of(REAL, published).url == published
