# ruff: noqa: ANN401 # a decorator takes any arguments
"""Runs in a function's process beside the function: notices which of its own variables the function reads.

Runs on the function's interpreter of any version, and imports nothing of this package.
"""

from __future__ import annotations

import json
import os
import sys
from functools import wraps
from http.client import HTTPConnection
from importlib.machinery import EXTENSION_SUFFIXES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any

VARIABLES = "/harness/variables"
# https://docs.python.org/3/library/audit_events.html: here the environment reaches another program.
HANDED_OVER = frozenset(
    {
        "ctypes.dlopen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "subprocess.Popen",
    }
)
# It goes through all variables, but looks for those of proxies only. Each client of an SDK calls it.
SEEKS_PROXIES = "getproxies_environment"


class _Environ(os._Environ):  # type: ignore[type-arg] # noqa: SLF001 # not generic on all versions
    """`os.environ`, which tells of reads. It goes by the name of its base."""

    reads: Reads

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        self.reads.note(key)
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        self.reads.give_up(key)
        super().__setitem__(key, value)

    def __iter__(self) -> Iterator[Any]:
        self.reads.note_all(sys._getframe(1))  # noqa: SLF001
        return iter([self.reads.known_as(name) for name in super().__iter__()])

    def __repr__(self) -> str:
        self.reads.note_all(None)
        return super().__repr__()


class Reads:
    """What the function has read.

    A read by a name that came from going through all variables does not count: `dict(os.environ)` makes one
    of each.

    Args:
        names: the function's own variables.
        directories: those of its code, of which compiled modules may read variables unnoticed.
    """

    def __init__(self, names: list[str], directories: list[str]) -> None:
        self._unread = set(names)
        self._names = {
            name: bytes(name, "utf-8").decode() for name in names
        }  # other objects, equal to the names
        self._directories = tuple(f"{directory}/" for directory in directories)
        self._at_start: frozenset[str] = frozenset()
        self._now: set[str] = set()
        self._is_handed_over = False
        self._has_begun = False
        self._modules = 0  # how many there were when they were last looked through
        self._told: dict[str, list[str]] = {}

    def note(self, key: Any) -> None:
        """Note that one variable is read."""
        if not isinstance(key, str):
            self._is_handed_over = True  # `os.environb`
        elif key in self._names and key is not self._names[key]:
            self._unread.discard(key)
            self._now.add(key)

    def note_all(self, frame: FrameType | None) -> None:
        """Note that somebody goes through all variables."""
        callers = (frame, frame and frame.f_back)
        if not any(each and each.f_code.co_name == SEEKS_PROXIES for each in callers):
            self._is_handed_over = True

    def give_up(self, key: Any) -> None:
        """Take note that the function has set a variable itself: its reads are of another value now."""
        self._names.pop(key, None)
        self._unread.discard(key)

    def known_as(self, name: Any) -> Any:
        """Return the object by which a name is known that came from going through all variables."""
        return self._names.get(name, name)

    def watch(self, event: str, _arguments: object) -> None:
        """Notice the start of other programs. It is a hook of `sys.addaudithook`."""
        if event in HANDED_OVER:
            self._is_handed_over = True

    def begin(self) -> None:
        """Take note that an invocation begins."""
        if not self._has_begun:
            self._at_start, self._has_begun = frozenset(self._now), True
        self._now = set()

    def tell(self) -> None:
        """Tell the emulator of the reads of this invocation, unless it knows of the same already."""
        self._look_for_compiled_code()
        read = sorted(self._at_start | self._now)
        told = {"read": read, "unread": [] if self._is_handed_over else sorted(self._unread)}
        if told != self._told:
            self._told = told
            _post(json.dumps(told).encode())

    def _look_for_compiled_code(self) -> None:
        """Take note of compiled modules of the function, which may read variables unnoticed."""
        if self._modules != len(sys.modules):
            self._modules = len(sys.modules)
            files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
            own = [file for file in files if file.startswith(self._directories)]
            self._is_handed_over |= any(file.endswith(tuple(EXTENSION_SUFFIXES)) for file in own)


def begin(names: list[str], directories: list[str]) -> None:
    """Notice reads of variables with these names from now on."""
    from awslambdaric.lambda_runtime_client import LambdaRuntimeClient as Client  # noqa: PLC0415

    reads = _Environ.reads = Reads(names, directories)
    for name in ("post_invocation_result", "post_invocation_error"):
        setattr(Client, name, _between(reads.tell, getattr(Client, name), lambda: None))
    Client.wait_next_invocation = _between(lambda: None, Client.wait_next_invocation, reads.begin)
    os.environ.__class__ = _Environ
    os.environb.__class__ = _Environ
    sys.addaudithook(reads.watch)


def _between(
    before: Callable[[], None], function: Callable[..., Any], after: Callable[[], None]
) -> Callable[..., Any]:
    @wraps(function)
    def all_three(*args: Any, **options: Any) -> Any:
        before()
        result = function(*args, **options)
        after()
        return result

    return all_three


def _post(body: bytes) -> None:
    """Post a report. An error in this is not an error of the function."""
    connection = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request("POST", VARIABLES, body)
        connection.getresponse().read()
    except Exception as error:  # noqa: BLE001
        sys.stderr.write(f"harness: the reads of variables could not be told: {error}\n")
    finally:
        connection.close()
