"""Save and load MiniStack's state, with an ASGI application around MiniStack's own.

MiniStack 1.5.33 keeps its state in dictionaries of its services' modules, whose keys begin with an account
number, and in a few files.
"""

import importlib
import pickle
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ministack.core.persistence import STATE_DIR
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

from lambda_process_executor.ministack_asgi import Application, Message, answer
from lambda_process_executor.state import PATH, UNREADABLE, accounts_of

type Store = AccountScopedDict | AccountRegionScopedDict

_KIND = "application/octet-stream"
_SERVICES = "ministack.services."
_POLLING = ("lambda_svc", "pipes")  # they start to poll when they load a saved state


def with_state(served: Application) -> Application:
    """Return the application with a route that saves and loads its state."""

    async def application(scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        if scope["type"] != "http" or scope["path"] != PATH:
            await served(scope, receive, send)
        elif scope["method"] == "GET":
            query = parse_qs(scope.get("query_string", b"").decode())
            await answer(send, saved(accounts_of(query.get("accounts", [""])[0])), kind=_KIND)
        else:
            problem = load(await _body(receive))
            await answer(send, problem.encode(), kind=_KIND, status=400 if problem else 200)

    return application


def saved(accounts: frozenset[str]) -> bytes:
    """Return the saved state of some accounts."""
    stores = {
        name: {key: value for key, value in store._data.items() if key[0] in accounts}  # noqa: SLF001
        for name, store in _stores()
    }
    folder = Path(STATE_DIR)
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    held = {name: entries for name, entries in stores.items() if entries}
    return pickle.dumps({"accounts": accounts, "stores": held, "files": files})


def load(content: bytes) -> str:
    """Replace the state of some accounts with the result of `saved`, and return the error, if any."""
    try:
        saved_state = pickle.loads(content)  # noqa: S301 - whoever reaches the emulator may do all
        accounts, stores, files = (saved_state[name] for name in ("accounts", "stores", "files"))
    except Exception as problem:  # noqa: BLE001 - a pickle can raise anything
        return f"{UNREADABLE}: {problem!r}"
    for name, text in files.items():
        file = Path(STATE_DIR) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
    for name in stores:
        importlib.import_module(_SERVICES + name.partition(":")[0])
    for name, store in _stores():
        for key in [key for key in store._data if key[0] in accounts]:  # noqa: SLF001
            del store._data[key]  # noqa: SLF001
        store._data.update(stores.get(name, {}))  # noqa: SLF001
    for name in _POLLING:
        importlib.import_module(_SERVICES + name).load_persisted_state({})
    return ""


def _stores() -> Iterator[tuple[str, Store]]:
    """Yield each dictionary once, as `module:name`."""
    seen: set[int] = set()
    loaded = {name: module for name, module in sys.modules.items() if name.startswith(_SERVICES)}
    for module in sorted(loaded):
        for name, value in list(vars(loaded[module]).items()):
            if isinstance(value, AccountScopedDict | AccountRegionScopedDict) and id(value) not in seen:
                seen.add(id(value))
                yield f"{module.removeprefix(_SERVICES)}:{name}", value


async def _body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)
