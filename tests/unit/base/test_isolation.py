from __future__ import annotations

import os
import urllib.request
from typing import TYPE_CHECKING

from harness import Endpoint
from harness.base import isolation

if TYPE_CHECKING:
    import pytest

ENDPOINT = Endpoint(backend="host", url="http://127.0.0.1:4566", region="eu-north-1")
REAL = {
    "PATH": "/bin",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SESSION_TOKEN": "real",
    "AWS_ENDPOINT_URL_S3": "https://s3.example",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/",
    "HTTPS_PROXY": "http://proxy.example:3128",
    "no_proxy": "example",
}


def test_nothing_that_selects_a_real_account_remains() -> None:
    environ = isolation.without_aws(REAL)

    assert {name for name in environ if name.startswith("AWS_")} == {
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert environ["PATH"] == "/bin"


def test_the_endpoint_is_the_only_aws() -> None:
    environ = isolation.environ_for(ENDPOINT, REAL)

    assert environ["AWS_ENDPOINT_URL"] == ENDPOINT.url
    assert environ["AWS_ACCESS_KEY_ID"] == "test"
    assert "AWS_ENDPOINT_URL_S3" not in environ


def test_every_other_host_is_behind_a_dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*REAL, "http_proxy", "https_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in isolation.without_network(REAL).items():
        monkeypatch.setenv(name, value)

    assert urllib.request.getproxies()["https"] == isolation.DEAD_PROXY
    assert urllib.request.proxy_bypass("127.0.0.1:4566")
    assert not urllib.request.proxy_bypass("s3.eu-north-1.amazonaws.com")
