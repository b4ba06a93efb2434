"""Fill a bucket with very many objects, as fast as an emulator takes them."""

from __future__ import annotations

import http.client
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness import Endpoint
    from s3_lambda_api.keys import ObjectName

__all__ = ["put_all"]

_THREADS = 4


def put_all(endpoint: Endpoint, bucket: str, names: Sequence[ObjectName]) -> None:
    """PUT the objects of these names, without index entries.

    The requests are written by hand, on connections that stay open, and not really signed: an emulator
    wants the header, but does not check it, and to sign takes longer than all else.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        parts = [names[part::_THREADS] for part in range(_THREADS)]
        list(pool.map(lambda part: _put_part(endpoint, bucket, part), parts))


def _put_part(endpoint: Endpoint, bucket: str, names: Iterable[ObjectName]) -> None:
    url = urlsplit(endpoint.url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port)
    headers = {"Authorization": _credential(endpoint), "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    for name in names:
        connection.request("PUT", f"/{bucket}/{name.key}", name.body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            message = f"PUT of {name.key}: expected 200, got {answer.status}"
            raise RuntimeError(message)
    connection.close()


def _credential(endpoint: Endpoint) -> str:
    scope = f"{endpoint.access_key}/{datetime.now(UTC):%Y%m%d}/{endpoint.region}/s3/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
