from __future__ import annotations

import sys
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

REQUEST = SimpleNamespace(service=SimpleNamespace(service_name="lambda"))


class Loader:
    """Loads a service as LocalStack does: it is called loaded before requests are routed to it."""

    def __init__(self) -> None:
        self.service_locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self.loaded: set[str] = set()
        self.routed: set[str] = set()
        self.is_loading, self.may_route = threading.Event(), threading.Event()

    def require_service(self, _chain: object, context: SimpleNamespace, _response: object) -> None:
        name = context.service.service_name
        if name not in self.loaded:
            self.loaded.add(name)
            self.is_loading.set()
            self.may_route.wait()
            self.routed.add(name)

    def is_routed(self, context: SimpleNamespace) -> bool:
        self.require_service(None, context, None)
        return context.service.service_name in self.routed


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Loader:
    """Provide a loader as the guest leaves it, inside of LocalStack."""
    hooks = SimpleNamespace(on_infra_start=lambda: lambda hook: hook)
    monkeypatch.setitem(sys.modules, "localstack.runtime", SimpleNamespace(hooks=hooks))
    from lambda_process_executor import localstack_services  # noqa: PLC0415 # after its double is in place

    class Patched(Loader):
        pass

    localstack_services.wait_for_loading(Patched)
    return Patched()


def test_a_request_waits_for_the_service_that_another_loads(loader: Loader) -> None:
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(loader.is_routed, REQUEST)
        loader.is_loading.wait()
        second = threads.submit(loader.is_routed, REQUEST)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.2)
        loader.may_route.set()

    assert first.result()
    assert second.result()


def test_what_is_no_request_to_a_service_passes(loader: Loader) -> None:
    loader.require_service(None, SimpleNamespace(service=None), None)
