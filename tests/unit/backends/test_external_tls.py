from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, override

import pytest

from harness import BackendError, Settings, SettingsError, backends
from harness.aws import rest
from harness.backends.external import external
from harness.base.isolation import environ_for
from tests.unit.backends.tls import ACCESS_KEY, front

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.backends.tls import Front

ROUTES = {
    "/_localstack/health": "LocalStack 1.2",
    "/_localemu/health": "LocalEmu 1.2",
    "/_ministack/health": "MiniStack 1.2",
    "/_floci/health": "floci 1.2",
    "/moto-api/data.json": "moto 1.2",
    "/": "an emulator that the harness does not know",
}


def pointed(settings: Settings, server: Front) -> Settings:
    """Return settings whose endpoint is a front."""
    given = {
        "HARNESS_BACKEND": "external",
        "HARNESS_ENDPOINT_URL": server.url,
        "HARNESS_ENDPOINT_CA": str(server.ca),
        "HARNESS_ENDPOINT_CREDENTIALS": str(server.credentials),
    }
    return Settings.from_env({**settings.environ, **given}, settings.project)


def refusal(settings: Settings) -> str:
    """Return the one-line refusal of an endpoint."""
    with pytest.raises(BackendError) as caught, external(settings):
        pytest.fail("it was used")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_endpoint_with_a_ca_and_keys_of_its_own_is_used_by_all_that_call_it(
    settings: Settings, tmp_path: Path
) -> None:
    with front(tmp_path) as server, external(pointed(settings, server)) as endpoint:
        assert (endpoint.access_key, endpoint.secret_key) == (ACCESS_KEY, "s%cret")
        assert rest.ApiClient.of(endpoint, server.url).get("/").status == 200
        call = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
        environ = environ_for(endpoint, settings.environ)
        ran = subprocess.run(
            [sys.executable, "-c", call], env=environ, text=True, capture_output=True, check=True
        )

    assert ran.stdout.strip() == "000000000000"


def test_a_ca_that_is_not_named_or_another_one_is_told(settings: Settings, tmp_path: Path) -> None:
    with front(tmp_path / "one") as server, front(tmp_path / "other") as other:
        given = pointed(settings, server)
        for ca in (None, other.ca):
            told = refusal(replace(given, endpoint_ca=ca))
            assert f"{server.url} is not trusted" in told
            assert "certificate verify failed" in told
            assert told.endswith("name its CA's certificates in HARNESS_ENDPOINT_CA")


def test_keys_that_are_refused_are_told(settings: Settings, tmp_path: Path) -> None:
    with front(tmp_path) as server:
        told = refusal(replace(pointed(settings, server), endpoint_credentials=None))

    assert f"{server.url} refuses the keys" in told
    assert "InvalidClientTokenId" in told
    assert told.endswith("name the file of its own in HARNESS_ENDPOINT_CREDENTIALS")


def test_tls_where_none_is_spoken_is_told(settings: Settings, tmp_path: Path) -> None:
    with front(tmp_path) as server, anything(b"hello") as port:
        told = refusal(replace(pointed(settings, server), endpoint_url=f"https://127.0.0.1:{port}"))

    assert f"https://127.0.0.1:{port} speaks no TLS, only http" in told
    assert told.endswith(f"set HARNESS_ENDPOINT_URL=http://127.0.0.1:{port}")


@contextmanager
def anything(body: bytes) -> Iterator[int]:
    """Run a server that answers every request with 200 and the same body, and yield its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("body", [b"", b"ok", b"<html>\nWelcome\n</html>", b"{}", b"<a/>"])
def test_what_answers_200_to_everything_is_no_aws(settings: Settings, body: bytes) -> None:
    with anything(body) as port:
        told = refusal(replace(settings, endpoint_url=f"http://127.0.0.1:{port}"))

    assert f"no AWS answers at http://127.0.0.1:{port} (" in told
    assert told.endswith("correct HARNESS_ENDPOINT_URL")


@pytest.mark.parametrize("text", ["", "no certificate"])
def test_a_file_without_certificates_is_refused(settings: Settings, tmp_path: Path, text: str) -> None:
    with front(tmp_path) as server:
        given = pointed(settings, server)
        server.ca.write_text(text, "utf-8")

        with pytest.raises(SettingsError, match="HARNESS_ENDPOINT_CA: expected a PEM file"), external(given):
            pytest.fail("it was used")


@pytest.mark.parametrize("text", ["", "[default]\naws_access_key_id = a\n", "no file of credentials"])
def test_a_file_without_keys_is_refused(settings: Settings, tmp_path: Path, text: str) -> None:
    with front(tmp_path) as server:
        given = pointed(settings, server)
        server.credentials.write_text(text, "utf-8")

        with (
            pytest.raises(SettingsError, match="HARNESS_ENDPOINT_CREDENTIALS: expected a file with aws"),
            external(given),
        ):
            pytest.fail("it was used")


@pytest.mark.parametrize("route", ROUTES)
def test_an_emulator_is_known_by_its_route(settings: Settings, tmp_path: Path, route: str) -> None:
    with front(tmp_path, route) as server:
        found = backends.load("external").examine(pointed(settings, server))

    assert found.ok
    assert found.state.startswith(f"answers at {server.url}: {ROUTES[route]}")


def test_awss_own_emulator_is_known_by_its_files_which_are_named_if_they_lack(
    settings: Settings, tmp_path: Path
) -> None:
    settings = replace(settings, environ={**settings.environ, "HOME": str(tmp_path)})
    with front(tmp_path) as server:
        folder = tmp_path / ".aws" / "emulator" / str(server.server_port)
        folder.mkdir(parents=True)
        server.ca.rename(folder / "ca.pem")
        server.ca = folder / "ca.pem"
        unset = backends.load("external").examine(replace(settings, endpoint_url=server.url))
        found = backends.load("external").examine(pointed(settings, server))

    assert not unset.ok
    assert f"HARNESS_ENDPOINT_CA={folder / 'ca.pem'}" in unset.remedy
    assert found.state.endswith("AWS Emulator, by its files: the harness was not tried on it")
