"""Backends. `load` returns one by name, and `started` runs the one in the settings."""

from __future__ import annotations

import logging
import pkgutil
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.backends import emulator
from harness.backends.backend import Availability, Backend
from harness.base.telemetry import timeline
from harness.errors import BackendError, HarnessError, NeedsError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from harness.functions.packages import Platform
    from harness.settings import Settings
    from harness.terraform.needs import Need
    from harness.values import Endpoint

log = logging.getLogger(__name__)

# Each is imported only when it is asked for: `container` needs an extra that may not be installed.
BUILT_IN = {
    "container": "harness.backends.container:CONTAINER",
    "host": "harness.backends.host:HOST",
    "localemu": "harness.backends.host:LOCALEMU",
    "ministack": "harness.backends.ministack:MINISTACK",
    "external": "harness.backends.external:EXTERNAL",
    "aws": "harness.backends.real_aws:AWS",
}
# The candidates of `auto`, in order of preference.
_CANDIDATES = ("container", "host", "ministack")
_PREFERRED, _FALLBACK, *_ = _CANDIDATES
_EMULATORS = (*_CANDIDATES, "localemu")


@contextmanager
def started(settings: Settings) -> Iterator[Endpoint]:
    """Run the backend of `settings` while the context is open.

    Raises:
        HarnessError: The backend is unknown, or does not start.
    """
    with ExitStack() as resources:
        with timeline.phase(f"start backend {settings.backend}"):
            endpoint = resources.enter_context(load(settings.backend).start(settings))
            if not endpoint.is_aws and not endpoint.gate:
                gate = resources.enter_context(emulator.gated(endpoint.url, settings))
                endpoint = replace(endpoint, gate=gate)
        yield endpoint


def load(name: str) -> Backend:
    """Return the backend `name`: a built-in one, `auto`, or `package.module:object`.

    The object is a `Backend`, or a function that takes the settings and returns a context manager of an
    `Endpoint`.

    Raises:
        BackendError: The backend needs an extra that is not installed.
        SettingsError: There is no such backend.
    """
    if name == AUTO.name:
        return AUTO
    try:
        found = pkgutil.resolve_name(BUILT_IN.get(name, name))
    except (ValueError, ImportError, AttributeError) as problem:
        raise _unknown(name) from problem
    if isinstance(found, Backend):
        return found
    if not callable(found):
        raise _unknown(name)
    return Backend(name=name, start=found, names_stacks=True)  # it may: its endpoint tells


def choose(settings: Settings) -> tuple[Backend, str]:
    """Return the backend that `auto` stands for on this machine and for the root of `settings`, and why.

    This is the first that can run here, unless a later one supports more of the root's needs.

    Raises:
        BackendError: This machine lacks a requirement of the last candidate.
    """
    first, reason = _first_that_runs(settings)
    unmet = {first.name: unmet_needs(first, settings)}
    others = _CANDIDATES[_CANDIDATES.index(first.name) + 1 :] if unmet[first.name] else ()
    for name in others:
        if _can_run(name, settings):
            unmet[name] = unmet_needs(load(name), settings)
    best = min(unmet, key=lambda name: len(unmet[name]))
    if best == first.name:
        return first, reason
    return load(best), f"{first.name} lacks {unmet[first.name][0]}"


def unmet_needs(backend: Backend, settings: Settings) -> list[Need]:
    """Return the needs of the root of `settings` that `backend` lacks, once per feature."""
    from harness.terraform.needs import needs_of  # noqa: PLC0415 - what only looks at a stack needs none

    first: dict[str, Need] = {}
    every = (settings, *map(settings.of_root, settings.roots))
    for need in (need for each in every for need in needs_of(each)):
        if backend.lacks(settings, need.feature):
            first.setdefault(need.feature, need)
    return list(first.values())


def check_needs(settings: Settings, *, running: str = "") -> None:
    """Check that a backend has everything that the root of `settings` needs, judging by the root's files.

    Args:
        settings: Name the root, and the backend.
        running: The name of a backend that already runs. It takes precedence over the one in the settings.

    Raises:
        NeedsError: The backend lacks a feature, and the settings ask for this check.
    """
    backend = _known(settings, running) if settings.check_needs else None
    if backend is None:
        return
    if backend is AUTO:
        backend = choose(settings)[0]
    if unmet := unmet_needs(backend, settings):
        from harness.functions import runtimes  # noqa: PLC0415 - as above

        able = {str(need): those_with(need.feature, settings) for need in unmet}
        instead = runtimes.stand_ins_for(settings, (need.feature for need in unmet))
        raise NeedsError(backend.name, able, instead=instead)


def functions_run_on(settings: Settings, *, running: str = "") -> Platform | None:
    """Return the platform that all functions run on, or None if each runs on its declared one.

    Args:
        settings: Name the backend.
        running: The name of a backend that already runs. It takes precedence over the one in the settings.

    Raises:
        HarnessError: The backend is not known.
    """
    backend = _known(settings, running)
    return backend.functions_run_on(settings) if backend else None


def edition_of(settings: Settings, *, running: str) -> str:
    """Return the version of a running emulator, or an empty text if the settings do not decide on it.

    Args:
        settings: The settings with the backend.
        running: The backend's name.

    Raises:
        HarnessError: The backend is not known.
    """
    backend = _known(settings, running)
    return backend.edition(settings) if backend else ""


def names_stacks(settings: Settings, *, running: str = "") -> bool:
    """Return whether the backend gives each run a name of its own.

    Args:
        settings: The settings with the backend.
        running: The name of a backend that already runs. It takes precedence over the one in the settings.

    Raises:
        HarnessError: The backend is not known.
    """
    backend = _known(settings, running)
    return backend is None or backend.names_stacks


def _known(settings: Settings, running: str) -> Backend | None:
    """Return the backend that runs, or the one of the settings. None if only its own process knows it."""
    if running and running not in BUILT_IN:
        return None
    return load(running or settings.backend)


def those_with(feature: str, settings: Settings) -> list[str]:
    """Return the names of the backends that start an emulator which has a feature."""
    docker = replace(settings, lambda_executor="docker")
    able = [name for name in _EMULATORS if not load(name).lacks(settings, feature)]
    if not able and not load(_PREFERRED).lacks(docker, feature):
        return [f"{_PREFERRED} with HARNESS_LAMBDA_EXECUTOR=docker"]
    return able


def _first_that_runs(settings: Settings) -> tuple[Backend, str]:
    try:
        preferred = load(_PREFERRED)
        availability = preferred.examine(settings)
    except BackendError as problem:
        return load(_FALLBACK), problem.reason
    return (preferred if availability.ok else load(_FALLBACK)), availability.state


def _can_run(name: str, settings: Settings) -> bool:
    try:
        return load(name).examine(settings).ok
    except HarnessError:
        return False


def _start_chosen(settings: Settings) -> AbstractContextManager[Endpoint]:
    backend, reason = choose(settings)
    log.info("backend: %s, as %s", backend.name, reason)
    return backend.start(settings)


def _examine_chosen(settings: Settings) -> Availability:
    return choose(settings)[0].examine(settings)


def _function_platform(settings: Settings) -> Platform | None:
    return choose(settings)[0].functions_run_on(settings)


AUTO = Backend(
    name="auto",
    start=_start_chosen,
    examine=_examine_chosen,
    functions_run_on=_function_platform,
    is_temporary=True,
)


def _unknown(name: str) -> SettingsError:
    known = ", ".join([AUTO.name, *sorted(BUILT_IN)])
    return SettingsError(
        "HARNESS_BACKEND", expected=f"one of {known}, or an importable package.module:function", got=name
    )
