"""Types and an answer for the routes that the harness adds to MiniStack's ASGI application."""

from collections.abc import Awaitable, Callable
from typing import Any

type Message = dict[str, Any]
type Application = Callable[[Message, Any, Any], Awaitable[None]]
type Send = Callable[[Message], Awaitable[None]]


async def answer(send: Send, body: bytes, *, kind: str, status: int = 200) -> None:
    """Answer a request with a body of this content type."""
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
