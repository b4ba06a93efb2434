"""A minimal client of the Debug Adapter Protocol.

https://microsoft.github.io/debug-adapter-protocol/specification
"""

from __future__ import annotations

import itertools
import json
import socket
from typing import TYPE_CHECKING, Any, Self

from harness import eventually

if TYPE_CHECKING:
    from pathlib import Path

TIMEOUT = 60.0  # seconds


class Debugger:
    """An editor that has attached to a program."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._numbers = itertools.count(1)
        self._seen: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._connection.close()

    @classmethod
    def attached(cls, port: int, file: Path, line: int) -> Self:
        """Attach to a program that waits at a port, with a breakpoint in a file, and let it run."""
        made = cls(_connected(port))
        made.ask("initialize", adapterID="test", linesStartAt1=True, pathFormat="path")
        attach = made._send("attach", justMyCode=True)
        made.event("initialized")
        made.ask("setBreakpoints", source={"path": str(file)}, breakpoints=[{"line": line}])
        made.ask("configurationDone")
        made._answer(attach)
        return made

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 # JSON
        """Send a request, and return the body of its answer."""
        return self._answer(self._send(command, **arguments))

    def event(self, name: str) -> dict[str, Any]:
        """Return the body of the next event of a kind."""
        return dict(self._next(lambda told: told.get("event") == name).get("body") or {})

    def _send(self, command: str, **arguments: Any) -> int:  # noqa: ANN401 # JSON
        number = next(self._numbers)
        told = {"seq": number, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(told).encode()
        self._connection.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return number

    def _answer(self, number: int) -> dict[str, Any]:
        told = self._next(lambda told: told.get("request_seq") == number)
        assert told["success"], told
        return dict(told.get("body") or {})

    def _next(self, is_it: Any) -> dict[str, Any]:  # noqa: ANN401 # a predicate
        while not (found := [told for told in self._seen if is_it(told)]):
            self._seen.append(self._read())
        self._seen.remove(found[0])
        return found[0]

    def _read(self) -> dict[str, Any]:
        length = 0
        while line := self._stream.readline().strip():
            length = int(line.partition(b":")[2])
        return dict(json.loads(self._stream.read(length)))


def _connected(port: int) -> socket.socket:
    def probe() -> socket.socket | None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        except ConnectionRefusedError:
            return None

    made = eventually(probe, what=f"a program that waits at port {port}", timeout=TIMEOUT)
    assert made
    return made
