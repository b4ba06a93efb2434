"""Reads the request log of a running emulator, which serves it over HTTP."""

from __future__ import annotations

import fcntl
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import urllib3

from harness.aws.calls.bodies import without_secrets
from harness.aws.calls.call import Call, calls_in
from harness.errors import BackendError
from harness.redaction import Redaction

if TYPE_CHECKING:
    from pathlib import Path

    from harness.values import Endpoint

PATH = "/_harness/requests"
_TIMEOUT = 10.0  # seconds
_OK = 200
_NONE = (
    "it keeps no request log; host, ministack, and container with HARNESS_LAMBDA_EXECUTOR=process do, "
    "and what `harness emulator` starts of these"
)


@dataclass(slots=True)
class RequestLog:
    """The request log of the emulator at `url`, read as far as necessary.

    Attributes:
        backend: The backend's name, for errors.
        url: The URL of the emulator.
        ca: As that of the endpoint.
    """

    backend: str
    url: str
    ca: str = ""
    _text: bytearray = field(default_factory=bytearray, repr=False)
    _calls: list[Call] = field(default_factory=list, repr=False)
    _read: int = field(default=0, repr=False)  # bytes of the text that are calls by now
    _redaction: Redaction = field(default=Redaction(), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, endpoint: Endpoint) -> RequestLog:
        """Return the log of an endpoint's emulator: one for each emulator in this process."""
        return _LOGS.setdefault(endpoint.url, cls(endpoint.backend, endpoint.url, endpoint.ca))

    def calls(self) -> tuple[Call, ...]:
        """Return the calls so far, in the order in which they were answered.

        Raises:
            BackendError: The backend keeps no log, or does not answer.
        """
        with self._lock:
            self._fetch()
            end = self._text.rfind(b"\n") + 1  # an incomplete line is left for the next time
            fresh = without_secrets(bytes(self._text[self._read : end]), self._redaction)
            self._calls += calls_in(fresh.decode("utf-8", "replace").splitlines())
            self._read = end
            return tuple(self._calls)

    def hide(self, secrets: frozenset[str]) -> None:
        """Leave these values out of the bodies of all calls, besides what looks like a secret."""
        with self._lock:
            self._redaction = Redaction(self._redaction.secrets | secrets)
            self._calls, self._read = [], 0

    def save(self, file: Path) -> None:
        """Write the log so far to a file, unless the file has more of it.

        Several workers write to one file.

        Raises:
            BackendError: The backend keeps no log, or does not answer.
        """
        with self._lock:
            self._fetch()
            log = without_secrets(bytes(self._text), self._redaction)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as saved:
            fcntl.flock(saved, fcntl.LOCK_EX)  # other workers save theirs
            if os.fstat(saved.fileno()).st_size < len(log):
                saved.truncate(0)
                saved.write(log)

    def _fetch(self) -> None:
        if not self.url:
            raise BackendError(self.backend, _NONE)
        target = f"{self.url}{PATH}?from={len(self._text)}"
        try:
            with urllib3.PoolManager(retries=False, ca_certs=self.ca or None) as http:
                answer = http.request("GET", target, timeout=_TIMEOUT)
        except urllib3.exceptions.HTTPError as problem:
            raise BackendError(self.backend, f"it does not tell its request log ({problem})") from problem
        if answer.status != _OK or "x-ndjson" not in answer.headers.get("content-type", ""):
            raise BackendError(self.backend, _NONE)
        self._text += answer.data


_LOGS: dict[str, RequestLog] = {}
