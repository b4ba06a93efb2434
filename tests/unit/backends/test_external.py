from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import BackendError, Settings, SettingsError, backends
from harness.backends.external import external

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.backends.conftest import StubSts


def start(settings: Settings) -> None:
    with external(settings):
        pytest.fail("it started")


def test_it_is_built_in() -> None:
    assert backends.load("external").start is external


def test_what_answers_is_used_and_goes_on(settings: Settings, sts: Callable[[str], StubSts]) -> None:
    server = sts("000000000000")
    given = Settings.from_env(
        {**settings.environ, "HARNESS_ENDPOINT_URL": f"{server.url}/"}, settings.project
    )

    for _ in range(2):
        with external(given) as endpoint:
            assert (endpoint.backend, endpoint.url) == ("external", server.url)

    assert server.actions == ["GetCallerIdentity"] * 2


def test_nothing_there_is_one_clear_error(settings: Settings) -> None:
    told = r"nothing answers at http://127.0.0.1:9; .*harness emulator.*HARNESS_ENDPOINT_URL"
    with pytest.raises(BackendError, match=told) as caught:
        start(replace(settings, endpoint_url="http://127.0.0.1:9"))

    assert "\n" not in str(caught.value)


def test_a_missing_url_is_asked_for(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"HARNESS_ENDPOINT_URL: expected the URL of an emulator"):
        start(settings)


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "ftp://here", "http://", "http://here/path"])
def test_what_is_no_url_is_refused(settings: Settings, url: str) -> None:
    with pytest.raises(SettingsError, match=r"HARNESS_ENDPOINT_URL: expected a URL such as"):
        Settings.from_env({**settings.environ, "HARNESS_ENDPOINT_URL": url}, settings.project)


@pytest.mark.parametrize(
    "host",
    ["s3.amazonaws.com", "amazonaws.com", "sts.cn-north-1.amazonaws.com.cn", "lambda.eu-north-1.api.aws"],
)
def test_real_aws_is_refused_without_a_call(settings: Settings, host: str) -> None:
    with pytest.raises(SettingsError, match="HARNESS_BACKEND=aws"):
        start(replace(settings, endpoint_url=f"https://{host}"))
