"""Backends: each is one function that takes the settings and returns a context manager of an `Endpoint`."""

from __future__ import annotations

import logging
import pkgutil
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

from harness.base import timeline
from harness.errors import BackendError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from harness.settings import Settings
    from harness.values import Endpoint

log = logging.getLogger(__name__)

BUILT_IN = {
    "container": "harness.backends.container:container",
    "host": "harness.backends.host:host",
    "ministack": "harness.backends.ministack:ministack",
    "external": "harness.backends.external:external",
    "aws": "harness.backends.real_aws:aws",
}


class Backend(Protocol):
    """Provides an endpoint while its context is open."""

    def __call__(self, settings: Settings, /) -> AbstractContextManager[Endpoint]:
        """Return the context; entering it starts what it takes, leaving it leaves nothing behind."""
        ...


@contextmanager
def started(settings: Settings) -> Iterator[Endpoint]:
    """Run the backend of `settings` while the context is open.

    Raises:
        HarnessError: It is not known, or does not start.
    """
    with ExitStack() as resources:
        with timeline.phase(f"start backend {settings.backend}"):
            endpoint = resources.enter_context(load(settings.backend)(settings))
        yield endpoint


def load(name: str) -> Backend:
    """Return the backend `name`: a built-in one, `auto`, or `package.module:function`.

    Raises:
        SettingsError: There is no such backend.
    """
    if name == "auto":
        return auto
    try:
        backend: Backend = pkgutil.resolve_name(BUILT_IN.get(name, name))
    except (ValueError, ImportError, AttributeError) as problem:
        raise _unknown(name) from problem
    if not callable(backend):
        raise _unknown(name)
    return backend


def auto(settings: Settings) -> AbstractContextManager[Endpoint]:
    """Run the backend `container` where it can run, else `host`; say which and why."""
    name, reason = _chosen(settings)
    log.info("backend: %s, as %s", name, reason)
    return load(name)(settings)


def _unknown(name: str) -> SettingsError:
    known = ", ".join(["auto", *sorted(BUILT_IN)])
    return SettingsError(
        "HARNESS_BACKEND", expected=f"one of {known}, or an importable package.module:function", got=name
    )


def _chosen(settings: Settings) -> tuple[str, str]:
    """Return the name of a backend, and the reason for it."""
    try:
        # Imported only here: it needs an extra that may not be installed.
        missing = pkgutil.resolve_name("harness.backends.container:unavailable")(settings)
    except BackendError as problem:
        missing = problem.reason
    if missing:
        return "host", missing
    return "container", f"a Docker engine answers and {settings.image} is there or can be pulled"
