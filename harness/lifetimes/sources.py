"""The source of a run's backend and stack: fresh, kept from an earlier run, or shared."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from harness import backends
from harness.base.files import locked
from harness.lifetimes.broker import Broker, HoldRequest, account_of
from harness.lifetimes.held import attach
from harness.lifetimes.kept import KeptStack
from harness.session import deployed_for_the_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.settings import Settings
    from harness.stack.deployment import Deployment
    from harness.values import Endpoint


class Source(Protocol):
    """Provides a backend, and the stack on it."""

    @property
    def is_exclusive(self) -> bool:
        """Whether no other process of the run works with the same stack."""
        ...

    def endpoint(self, settings: Settings, /) -> AbstractContextManager[Endpoint]:
        """Return the context in which the backend of `settings` runs."""
        ...

    def deployment(self, settings: Settings, endpoint: Endpoint, /) -> AbstractContextManager[Deployment]:
        """Return the context in which the stack of `settings` runs at `endpoint`."""
        ...

    def exclusive(self, settings: Settings, /) -> AbstractContextManager[object]:
        """Return the context in which no other process works with the stack's data."""
        ...


class Fresh:
    """Everything is started by this process and ends with the context."""

    is_exclusive = True

    def endpoint(self, settings: Settings) -> AbstractContextManager[Endpoint]:
        """Start the backend."""
        return backends.started(settings)

    def deployment(self, settings: Settings, endpoint: Endpoint) -> AbstractContextManager[Deployment]:
        """Apply the stack."""
        return deployed_for_the_run(settings, endpoint)

    def exclusive(self, _settings: Settings) -> AbstractContextManager[object]:
        """Do nothing, because nobody else is there."""
        return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Everything stays for the next run, which attaches to it.

    Attributes:
        is_exclusive: Whether this process is the only one of its run.
    """

    is_exclusive: bool

    @contextmanager
    def endpoint(self, settings: Settings) -> Iterator[Endpoint]:
        """Attach to the backend, or start it."""
        kept = KeptStack.of(settings)
        with kept.exclusive():
            endpoint = kept.endpoint()
        yield endpoint

    @contextmanager
    def deployment(self, settings: Settings, endpoint: Endpoint) -> Iterator[Deployment]:
        """Attach to the stack, and apply any changes."""
        kept = KeptStack.of(settings)
        with kept.exclusive():
            deployment = kept.deployment(endpoint)
        yield deployment

    def exclusive(self, settings: Settings) -> AbstractContextManager[object]:
        """Wait for the tests of other processes."""
        return locked(KeptStack.of(settings).folder.with_suffix(".test.lock"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Everything is held by the controller of pytest-xdist.

    Attributes:
        broker: Hands them out.
        worker: The name of this worker. Empty if all workers share one stack.
    """

    broker: Broker
    worker: str = ""

    @contextmanager
    def endpoint(self, settings: Settings) -> Iterator[Endpoint]:
        """Ask for the backend."""
        account = self._account(settings)
        endpoint = self.broker.acquire(HoldRequest(settings=settings, stack=False)).endpoint
        yield replace(endpoint, access_key=account) if account else endpoint

    @contextmanager
    def deployment(self, settings: Settings, _endpoint: Endpoint) -> Iterator[Deployment]:
        """Ask for the stack."""
        request = HoldRequest(settings=settings, stack=True, account=self._account(settings))
        yield attach(settings, self.broker.acquire(request))

    def exclusive(self, _settings: Settings) -> AbstractContextManager[object]:
        """Wait for the tests of other workers if they share the stack."""
        return nullcontext() if self.worker else locked(self.broker.folder / "test.lock")

    @property
    def is_exclusive(self) -> bool:
        """Whether each worker has its own stack."""
        return bool(self.worker)

    def _account(self, settings: Settings) -> str:
        return account_of(self.worker, settings) if self.worker else ""
