from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import urllib3

from harness import Endpoint, ExpectationError
from harness.aws.rest import Address, ApiClient, address_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDPOINT = Endpoint(backend="host", url="http://127.0.0.1:4566", region="eu-north-1")
PUBLISHED = "https://abc123.execute-api.eu-north-1.amazonaws.com/dev/latest_dev"


class Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        shown = f"{self.command} {self.path} {self.headers.get('Accept')}"
        body = (self.headers["Host"] if self.path == "/host" else shown).encode()
        self.send_response(302 if self.path == "/moved" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Object-Key", "k")
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    do_DELETE = do_GET  # noqa: N815 - http.server's naming

    def do_POST(self) -> None:
        received = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode("latin-1")
        told = {
            "url": self.path,
            "body": received,
            "type": ", ".join(self.headers.get_all("Content-Type", [])),
            "own": self.headers["X-Own"],
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_PATCH = do_POST  # noqa: N815 - http.server's naming

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def client() -> Iterator[ApiClient]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ApiClient(base=f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


AWS = "eu-north-1.amazonaws.com"
LOCAL_FUNCTION = "f.lambda-url.eu-north-1.localhost.localstack.cloud:4566"
HERE = f"{ENDPOINT.url}/_aws/execute-api"


@pytest.mark.parametrize(
    ("published", "stage", "url", "host"),
    [
        (f"https://abc.execute-api.{AWS}/dev/latest", "", f"{HERE}/abc/dev/latest", ""),
        (f"https://abc.execute-api.{AWS}/", "", f"{HERE}/abc/$default", ""),
        (f"https://abc.execute-api.{AWS}/hello", "$default", f"{HERE}/abc/$default/hello", ""),
        ("http://abc.execute-api.127.0.0.1:4566", "", f"{HERE}/abc/$default", ""),
        (f"https://f.lambda-url.{AWS}/", "", ENDPOINT.url, f"f.lambda-url.{AWS}"),
        (f"https://g.appsync-api.{AWS}/graphql", "", f"{ENDPOINT.url}/graphql", f"g.appsync-api.{AWS}"),
        (
            "http://lb-1.eu-west-1.elb.amazonaws.com/x",
            "",
            f"{ENDPOINT.url}/x",
            "lb-1.eu-west-1.elb.amazonaws.com",
        ),
        (
            f"http://{LOCAL_FUNCTION}/x",
            "",
            f"{ENDPOINT.url}/x",
            LOCAL_FUNCTION,
        ),
        ("http://127.0.0.1:1/own/", "", "http://127.0.0.1:1/own", ""),
    ],
)
def test_an_emulator_serves_a_published_url_under_its_own(
    published: str, stage: str, url: str, host: str
) -> None:
    assert address_of(ENDPOINT, published, stage=stage) == Address(url=url, host=host)


def test_aws_serves_it_where_it_is_published() -> None:
    assert address_of(replace(ENDPOINT, url=""), PUBLISHED) == Address(url=PUBLISHED)


def test_a_query_a_body_and_headers_are_sent(client: ApiClient) -> None:
    sent = client.post(
        "/x", json={"a": 1}, query={"q": ["1", "2"], "s": "ü"}, headers={"X-Own": "yes"}
    ).json()
    assert sent == {
        "url": "/x?q=1&q=2&s=%C3%BC",
        "body": '{"a":1}',
        "type": "application/json",
        "own": "yes",
    }

    assert client.put(body=b"\x00\xff", headers={"Content-Type": "image/png"}).json()["body"] == "\x00ÿ"
    assert client.patch(json=None).json()["body"] == ""


def test_a_header_is_sent_once_whatever_its_case(client: ApiClient) -> None:
    told = client.post("/a", json={}, headers={"content-type": "application/merge-patch+json"}).json()

    assert told["type"] == "application/merge-patch+json"


def test_a_path_needs_no_slash_before_it(client: ApiClient) -> None:
    assert client.post("x").json()["url"] == "/x"
    assert client.post("?q=1").json()["url"] == "/?q=1"


def test_what_was_asked_can_be_traced(client: ApiClient) -> None:
    placed = replace(client, place=("arn:aws:execute-api:eu-north-1::a1/prod", "shop"))

    sent = placed.post("/orders?draft=yes", json={"a": 1}).sent

    assert sent is not None
    assert sent.arn == "arn:aws:execute-api:eu-north-1::a1/prod/POST/shop/orders"
    assert (sent.id, sent.payload, sent.status) == ("POST /shop/orders", '{"a": 1}', 200)
    assert client.get().sent is None


def test_the_host_that_names_a_function_is_sent(client: ApiClient) -> None:
    named = replace(client, host="f.lambda-url.x")

    assert named.get("/host").text == "f.lambda-url.x"


def test_what_is_no_json_is_told_with_the_body(client: ApiClient) -> None:
    with pytest.raises(ExpectationError, match="body of status 503: expected 'JSON', got b'GET /x"):
        client.get("/x").json()


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
