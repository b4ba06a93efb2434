from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import urllib3

from harness import Endpoint
from harness.aws.rest import ApiClient, served_url

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDPOINT = Endpoint(backend="host", url="http://127.0.0.1:4566", region="eu-north-1")
PUBLISHED = "https://abc123.execute-api.eu-north-1.amazonaws.com/dev/latest_dev"


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"{self.command} {self.path} {self.headers.get('Accept')}".encode()
        self.send_response(302 if self.path == "/moved" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Object-Key", "k")
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    do_DELETE = do_GET  # noqa: N815 - http.server's naming

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def client() -> Iterator[ApiClient]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ApiClient(base=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_an_emulator_serves_the_published_url_under_its_own_path() -> None:
    assert served_url(ENDPOINT, PUBLISHED) == "http://127.0.0.1:4566/_aws/execute-api/abc123/dev/latest_dev"


def test_an_answer_of_any_status_is_returned_whole(client: ApiClient) -> None:
    answer = client.get("/x", headers={"Accept": "application/json"})

    assert (answer.status, answer.text) == (503, "GET /x application/json")
    assert answer.headers["x-object-key"] == "k"
    assert answer.elapsed > 0


def test_a_redirect_is_an_answer_and_not_followed(client: ApiClient) -> None:
    assert client.get("/moved").status == 302


def test_the_method_is_sent_as_given(client: ApiClient) -> None:
    assert client.request("DELETE", "/y").text.startswith("DELETE /y")


def test_no_answer_is_an_error() -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        ApiClient(base="http://127.0.0.1:9").get()
