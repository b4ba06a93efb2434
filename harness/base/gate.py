"""The gate: a local proxy, and the only way out for everything that runs against an emulator.

It forwards requests to the emulator, under any of the emulator's names, and to hosts that the settings allow.
It refuses all other requests, and records each refusal with its sender.
"""

from __future__ import annotations

import base64
import binascii
import json
import socket
import socketserver
import threading
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatch
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST = "127.0.0.1"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOCALSTACK = "localhost.localstack.cloud"
_LOCALSTACK_PORTS = (4566, 443)  # the ports of a LocalStack that runs without the harness
_REFUSED_PATH = "/refused"
_CONNECT_TIME = 10.0  # seconds
_LONGEST_HEAD = 65536  # bytes
_CHUNK = 65536  # bytes
_PORTS = {"http": 80, "https": 443}
# Hosts that whoever asks the first one asks next: pip downloads from another one than it looks in.
_FOLLOW = {"pypi.org": ("files.pythonhosted.org",)}
REFUSED = "refused by the harness, as it is not the emulator"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that the gate has refused.

    Attributes:
        asker: The sender: `terraform`, the name of a function, or `emulator`. A text after a slash
            distinguishes several senders of one name.
        method: The HTTP method. `CONNECT` for anything over TLS.
        host: The host that it was sent to.
        port: The port there.
    """

    asker: str
    method: str
    host: str
    port: int

    def __str__(self) -> str:
        """Return it as a person reads it."""
        return f"{self.asker.partition('/')[0]}: {self.method} {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    scheme: str
    host: str
    port: int
    target: str
    headers: tuple[str, ...]

    @property
    def asker(self) -> str:
        """The sender, which is the user name in its proxy URL."""
        for line in self.headers:
            name, _, value = line.partition(":")
            if name.lower() == "proxy-authorization":
                with suppress(binascii.Error, UnicodeDecodeError):
                    return unquote(base64.b64decode(value.split()[-1]).decode().partition(":")[0])
        return "unknown"

    def for_server(self) -> bytes:
        """Return the head in the form that a server expects. One connection carries one request."""
        hop = ("proxy-", "connection:", "keep-alive:")
        kept = [line for line in self.headers if not line.lower().startswith(hop)]
        return "\r\n".join(
            [f"{self.method} {self.target} HTTP/1.1", *kept, "Connection: close", "", ""]
        ).encode("latin-1")

    def for_proxy(self, url: str) -> bytes:
        """Return its head as the proxy at `url` reads it."""
        lines = self.for_server().decode("latin-1").split("\r\n")
        place = f"{self.host}:{self.port}"
        target = place if self.method == "CONNECT" else f"http://{place}{self.target}"
        proxy = urlsplit(url)
        pass_on = [f"{self.method} {target} HTTP/1.1", *lines[1:-2]]
        if proxy.username:
            login = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
            pass_on.append(f"Proxy-Authorization: Basic {base64.b64encode(login).decode()}")
        if self.method == "CONNECT":
            pass_on = [line for line in pass_on if line != "Connection: close"]
        return "\r\n".join([*pass_on, "", ""]).encode("latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules for forwarding a request.

    Attributes:
        emulator: The emulator's URL.
        allowed: Names of other hosts that may be reached. `*` stands for any text.
        environ: Names this machine's own proxy, which the way to allowed hosts takes.
    """

    emulator: str
    allowed: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def address(self) -> tuple[str, int]:
        """The emulator's host and port."""
        url = urlsplit(self.emulator)
        return url.hostname or HOST, url.port or _PORTS[url.scheme]

    def is_emulator(self, host: str, port: int) -> bool:
        """Whether `host` and `port` are the emulator under one of its names.

        Terraform's provider puts an account's number before the host: `000000000000.127.0.0.1`.
        """
        own_host, own_port = self.address
        if _is_within(host, _LOCALSTACK):
            return True
        if any(_is_within(host, name) and host != name for name in (*_LOOPBACK, own_host)):
            return True
        return host in {*_LOOPBACK, own_host} and port in {own_port, *_LOCALSTACK_PORTS}

    def as_emulator(self, request: _Request) -> _Request:
        """Return a request with the emulator's own name in the place of an account's host.

        Emulators take the first part of such a host for the name of a bucket.
        """
        account, _, rest = request.host.partition(".")
        if rest != self.address[0] or not account.isdecimal():
            return request
        others = [line for line in request.headers if not line.lower().startswith("host:")]
        return replace(request, headers=(f"Host: {rest}:{request.port}", *others))

    def is_allowed(self, host: str) -> bool:
        """Whether requests may reach `host` besides the emulator. This machine is always allowed."""
        return host in _LOOPBACK or any(fnmatch(host, pattern.lower()) for pattern in self.allowed)

    def proxy(self, request: _Request) -> str:
        """Return the URL of this machine's own proxy for `request`, or an empty text if there is none."""
        lower = {name.lower(): value for name, value in self.environ.items() if value}
        bypassed = urllib.request.proxy_bypass_environment(request.host, {"no": lower.get("no_proxy", "")})  # type: ignore[attr-defined]
        if bypassed or request.host in _LOOPBACK:
            return ""
        return lower.get(f"{request.scheme}_proxy") or lower.get("all_proxy", "")


def _is_within(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name}")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, rules: Rules) -> None:
        super().__init__((HOST, 0), _Handler)
        self.rules = rules
        self.refusals: list[Refusal] = []


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        """Serve one request."""
        with suppress(OSError):
            head, rest = _head_of(self.request)
            request = _parse(head)
            if request is None:
                self._answer(HTTPStatus.BAD_REQUEST, "this is a proxy, and expects a proxy's requests")
            elif not request.host:
                self._tell_refusals()
            else:
                self._pass(request, rest)

    def _pass(self, request: _Request, rest: bytes) -> None:
        rules = self.server.rules
        if rules.is_emulator(request.host, request.port):
            self._hand_on(rules.as_emulator(request), rest, rules.address)
        elif not rules.is_allowed(request.host):
            self._refuse(request)
        elif proxy := rules.proxy(request):
            self._hand_on(request, rest, _address_of(proxy), proxy)
        else:
            self._hand_on(request, rest, (request.host, request.port))

    def _hand_on(self, request: _Request, rest: bytes, to: tuple[str, int], proxy: str = "") -> None:
        try:
            there = socket.create_connection(to, timeout=_CONNECT_TIME)
        except OSError as problem:
            self._answer(HTTPStatus.BAD_GATEWAY, f"{request.host}:{request.port} can't be reached: {problem}")
            return
        with there:
            there.settimeout(None)
            if proxy:
                there.sendall(request.for_proxy(proxy))
            elif request.method == "CONNECT":
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                there.sendall(request.for_server())
            if rest:
                there.sendall(rest)
            _join(self.request, there)

    def _refuse(self, request: _Request) -> None:
        refusal = Refusal(request.asker, request.method, request.host, request.port)
        self.server.refusals.append(refusal)
        self._answer(HTTPStatus.FORBIDDEN, reason(refusal))

    def _tell_refusals(self) -> None:
        refusals = [asdict(refusal) for refusal in self.server.refusals]
        self._answer(HTTPStatus.OK, json.dumps(refusals), phrase="OK")

    def _answer(self, status: HTTPStatus, body: str, *, phrase: str = "") -> None:
        # A client that asked for a tunnel shows its user the phrase, and never the body.
        content = body.encode()
        head = f"HTTP/1.1 {status.value} {phrase or body}\r\n"
        fields = (
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(content)}\r\nConnection: close"
        )
        self.request.sendall(f"{head}{fields}\r\n\r\n".encode("latin-1", "replace") + content)


def reason(refusal: Refusal) -> str:
    """Return the message for the sender of a refused request."""
    return (
        f"the harness refuses {refusal.host}:{refusal.port}, as code that runs against an emulator reaches "
        "the emulator only (HARNESS_ALLOWED_HOSTS names exceptions)"
    )


def format_refusal(refusal: Refusal) -> str:
    """Return the message for somebody who looks for the cause of a failure."""
    hosts = ",".join([refusal.host, *_FOLLOW.get(refusal.host, ())])
    return f"{REFUSED}: {refusal}; HARNESS_ALLOWED_HOSTS={hosts} would let it through"


def _head_of(client: socket.socket) -> tuple[bytes, bytes]:
    """Read the head of a request, and the part of its body that has come along."""
    data = b""
    while b"\r\n\r\n" not in data and len(data) < _LONGEST_HEAD:
        chunk = client.recv(_CHUNK)
        if not chunk:
            break
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


def _parse(head: bytes) -> _Request | None:
    """Parse the head of a request.

    The host is empty if the request is for the gate itself. Returns None if it is no HTTP request.
    """
    first, *headers = head.decode("latin-1").split("\r\n")
    try:
        method, target, _version = first.split(" ")
        scheme = "https" if method == "CONNECT" else "http"
        url = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = (url.hostname or "").rstrip("."), url.port or _PORTS[scheme]
    except ValueError:
        return None
    if not host and target != _REFUSED_PATH:
        return None
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    path = target if method == "CONNECT" else path
    return _Request(method, scheme, host, port, path, tuple(headers))


def _address_of(url: str) -> tuple[str, int]:
    proxy = urlsplit(url if "://" in url else f"http://{url}")
    return proxy.hostname or HOST, proxy.port or _PORTS["http"]


def _join(client: socket.socket, there: socket.socket) -> None:
    """Carry bytes both ways until the far side has said all."""
    upwards = threading.Thread(target=_carry, args=(client, there), daemon=True)
    upwards.start()
    _carry(there, client)
    with suppress(OSError):  # wakes the other thread
        client.shutdown(socket.SHUT_RDWR)
    upwards.join()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(_CHUNK):
            sink.sendall(chunk)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def opened(rules: Rules) -> Iterator[str]:
    """Run a gate while the context is open, and yield its URL."""
    with _Server(rules) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def for_asker(gate: str, asker: str) -> str:
    """Return the URL of a gate that identifies the sender.

    It has a password too: some clients send a name only together with one.
    """
    return gate.replace("://", f"://{quote(asker, safe='')}:-@", 1)


def refusals(gate: str, asker: str = "") -> list[Refusal]:
    """Return the refusals of the gate at this URL, or nothing if no gate answers there.

    Args:
        gate: The URL.
        asker: Only refusals of this sender. By default, of all.
    """
    if not gate:
        return []
    try:
        with urllib3.PoolManager(retries=False) as http:
            answer = http.request("GET", gate + _REFUSED_PATH, timeout=_CONNECT_TIME)
    except urllib3.exceptions.HTTPError:
        return []
    found = [Refusal(**fields) for fields in answer.json()]
    return [refusal for refusal in found if asker in {"", refusal.asker}]
