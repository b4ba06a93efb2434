"""The gate forwards requests for the emulator, and names refused ones with their sender."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import urllib3

from harness.base import gate

if TYPE_CHECKING:
    from collections.abc import Iterator


class Emulator(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']} {self.path} ".encode() + body)


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Emulator) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def proxied(url: str, asker: str) -> urllib3.ProxyManager:
    headers = urllib3.make_headers(proxy_basic_auth=f"{asker}:")
    return urllib3.ProxyManager(url, proxy_headers=headers, retries=False)


@pytest.mark.parametrize(
    "host",
    [
        "localhost:4566",
        "localhost.localstack.cloud:4566",
        "s3.localhost.localstack.cloud",
    ],
)
def test_the_emulator_is_reached_under_each_of_its_names(port: int, host: str) -> None:
    name = host.format(port=port)
    rules = gate.Rules(emulator=f"http://127.0.0.1:{port}")
    with gate.opened(rules) as url, proxied(url, "terraform") as http:
        answer = http.request("POST", f"http://{name}/a?b=c", body=b"text")

        assert answer.data.decode() == f"{name} /a?b=c text"
        assert gate.refusals(url) == []


def test_an_accounts_own_host_is_the_emulator_under_its_own_name(port: int) -> None:
    rules = gate.Rules(emulator=f"http://127.0.0.1:{port}")
    with gate.opened(rules) as url, proxied(url, "terraform") as http:
        answer = http.request("POST", f"http://000000000000.127.0.0.1:{port}/a", body=b"text")

    assert answer.data.decode() == f"127.0.0.1:{port} /a text"


def test_every_other_host_is_refused_and_named_with_who_asked(port: int) -> None:
    rules = gate.Rules(emulator=f"http://127.0.0.1:{port}")
    with gate.opened(rules) as url, proxied(url, "greeter") as http:
        answer = http.request("GET", "http://example.com/")
        with pytest.raises(
            urllib3.exceptions.ProxyError, match=r"refuses sqs\.eu-north-1\.amazonaws\.com:443"
        ):
            http.request("GET", "https://sqs.eu-north-1.amazonaws.com/")

        assert (answer.status, "example.com:80" in answer.data.decode()) == (403, True)
        assert [str(refusal) for refusal in gate.refusals(url)] == [
            "greeter: GET example.com:80",
            "greeter: CONNECT sqs.eu-north-1.amazonaws.com:443",
        ]
    assert gate.refusals(url) == []
