"""A client against a server that speaks as little of the protocol as it needs."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from harness import ExpectationError, NotReachedError
from harness.aws.rest import Address
from harness.aws.websocket.connection import WebSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\nnot me"
TEXT, PING, PONG, CLOSE = 0x81, 0x89, 0x8A, 0x88
SOON = 0.05  # seconds


def frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    longer = b"\x7e" + size.to_bytes(2) if size < 1 << 16 else b"\x7f" + size.to_bytes(8)
    length = bytes([size]) if size < 126 else longer
    return bytes([first]) + length + payload


def unmasked(stream: BinaryIO) -> tuple[int, bytes]:
    """Read a client's frame, which has to be masked."""
    first, size = stream.read(2)
    assert size & 0x80
    size &= 0x7F
    if size >= 126:
        size = int.from_bytes(stream.read(2 if size == 126 else 8))
    mask = stream.read(4)
    return first, bytes(byte ^ mask[at % 4] for at, byte in enumerate(stream.read(size)))


@contextmanager
def served(
    answer: bytes, speak: Callable[[socket.socket, BinaryIO], object]
) -> Iterator[tuple[Address, list[str]]]:
    """Serve one connection, and yield its address and the lines of the request."""
    lines: list[str] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline().strip():
                lines.append(line.decode())
            connection.sendall(answer)
            speak(connection, stream)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Address(url=f"http://127.0.0.1:{listener.getsockname()[1]}/prod"), lines
        thread.join(timeout=10)


def echo(connection: socket.socket, stream: BinaryIO) -> None:
    while (received := unmasked(stream))[0] != CLOSE:
        connection.sendall(frame(TEXT, received[1]))


def test_messages_go_both_ways() -> None:
    with (
        served(ACCEPTED, echo) as (address, lines),
        WebSocket.connected(address, query={"who": "ada"}) as opened,
    ):
        for message in ("hello", {"n": 1}, "x" * 300, "y" * 70_000):
            opened.send(message)
        assert opened.wait_for("n") == '{"n": 1}'
        assert opened.wait_for("x") == "x" * 300
        assert opened.wait_for("y") == "y" * 70_000
    assert lines[0] == "GET /prod?who=ada HTTP/1.1"
    assert "Upgrade: websocket" in lines


def test_a_message_in_parts_is_one_and_a_ping_is_answered() -> None:
    pongs: list[tuple[int, bytes]] = []

    def speak(connection: socket.socket, stream: BinaryIO) -> None:
        connection.sendall(frame(0x01, b"hel") + frame(PING, b"?") + frame(0x80, b"lo"))
        pongs.append(unmasked(stream))

    with served(ACCEPTED, speak) as (address, _), WebSocket.connected(address) as opened:
        assert opened.wait_for() == "hello"
        opened.wait_until_closed()
    assert pongs == [(PONG, b"?")]


def test_an_api_that_refuses_the_connection_is_told_with_its_answer() -> None:
    with (
        served(REFUSED, lambda *_: None) as (address, _),
        pytest.raises(ExpectationError, match="expected '101', got '403 not me'"),
        WebSocket.connected(address),
    ):
        pass


def test_a_message_that_does_not_come_tells_those_that_did() -> None:
    def speak(connection: socket.socket, stream: BinaryIO) -> None:
        connection.sendall(frame(TEXT, b"other"))
        unmasked(stream)

    with served(ACCEPTED, speak) as (address, _), WebSocket.connected(address) as opened:
        opened.wait_for("other")
        with pytest.raises(NotReachedError, match="with 'mine' over the connection") as failure:
            opened.wait_for("mine", timeout=SOON)
    assert failure.value.last == ["other"]
