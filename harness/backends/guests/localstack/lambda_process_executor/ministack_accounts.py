"""The public access block of an account, which S3 Control of MiniStack 1.5.33 lacks.

It is stored, and blocks nothing.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from ministack import app
from ministack.core.responses import AccountScopedDict
from ministack.services import s3

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    type Answer = tuple[int, dict[str, str], bytes]
    type Handler = Callable[..., Awaitable[Answer | None]]

_PATH = "/v20180820/configuration/publicAccessBlock"
_XML = {"Content-Type": "application/xml"}
_KEY = "public access block"
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
_NONE = b"""<ErrorResponse><Error><Code>NoSuchPublicAccessBlockConfiguration</Code>
<Message>The public access block configuration was not found</Message></Error></ErrorResponse>"""


def install() -> None:
    """Store the block of each account, among what MiniStack's module of S3 holds, so that it is saved too."""
    s3.blocks_of_accounts = AccountScopedDict()
    app._handle_s3_control_request = _with_blocks(app._handle_s3_control_request)  # noqa: SLF001 - pinned


def _with_blocks(known: Handler) -> Handler:
    @wraps(known)
    async def handle(path: str, method: str, body: bytes, *rest: object) -> Answer | None:
        if path != _PATH:
            return await known(path, method, body, *rest)
        blocks = s3.blocks_of_accounts
        if method == "PUT":
            blocks[_KEY] = body
            return 200, {}, b""
        if method == "DELETE":
            blocks.pop(_KEY, None)
            return 204, {}, b""
        status, answer = (200, blocks[_KEY]) if _KEY in blocks else (404, _NONE)
        return status, dict(_XML), answer  # MiniStack adds headers of this answer

    return handle
