"""The pytest plugin: fixtures that only delegate."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness import backends, capabilities, progress
from harness.errors import HarnessError
from harness.process import sigterm_as_interrupt
from harness.scenario import Scenario
from harness.session import deployed_at
from harness.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.deployment import Deployment
    from harness.types import Endpoint

_MARKERS = (
    "requires(*capabilities): skip the test where the backend lacks one of the capabilities",
    "differs(backend, reason): the test fails on the backend, for this reason; that it passes is a failure",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's command-line options."""
    group = parser.getgroup("harness", "Terraform + Lambda on an emulator")
    group.addoption(
        "--backend", metavar="NAME", help="where the stack runs: auto, host, or package.module:function"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Release everything on SIGTERM as on Ctrl-C."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    resources = ExitStack()
    resources.enter_context(sigterm_as_interrupt())
    config.add_cleanup(resources.close)


@pytest.fixture(scope="session")
def harness_settings(pytestconfig: pytest.Config) -> Settings:
    """Return the settings of this run; override the fixture to change them."""
    chosen = pytestconfig.getoption("--backend")
    environ = {**os.environ, "HARNESS_BACKEND": chosen} if chosen else os.environ
    with _told_plainly():
        return Settings.from_env(environ, pytestconfig.rootpath)


@pytest.fixture(scope="session")
def endpoint(pytestconfig: pytest.Config, harness_settings: Settings) -> Iterator[Endpoint]:
    """Provide a running backend, shared by the session."""
    with _progress_shown(pytestconfig), ExitStack() as resources:
        with _told_plainly():
            started = resources.enter_context(backends.started(harness_settings))
        yield started


@pytest.fixture(scope="session")
def deployment(harness_settings: Settings, endpoint: Endpoint) -> Iterator[Deployment]:
    """Apply the stack, once for the session."""
    with ExitStack() as resources:
        with _told_plainly():
            applied = resources.enter_context(deployed_at(harness_settings, endpoint))
        yield applied


@pytest.fixture
def scenario(deployment: Deployment) -> Scenario:
    """Provide the deployed system with an empty bucket."""
    with _told_plainly():
        deployed = Scenario.of(deployment)
    deployed.reset()
    return deployed


@pytest.fixture(autouse=True)
def _backend_judged(request: pytest.FixtureRequest) -> None:
    """Skip what the backend can't do, and expect its known differences."""
    if wanted := [name for marker in request.node.iter_markers("requires") for name in marker.args]:
        with _told_plainly():
            lacking = capabilities.missing(request.getfixturevalue("endpoint"), wanted)
        if lacking:
            pytest.skip("; ".join(lacking))
    for marker in request.node.iter_markers("differs"):
        backend, reason = marker.args
        if request.getfixturevalue("endpoint").backend == backend:
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Fail with the message of a harness error alone: its traceback tells a user nothing."""
    try:
        yield
    except HarnessError as problem:
        notes = getattr(problem, "__notes__", [])
        pytest.fail("\n".join([str(problem), *notes]), pytrace=False)


@contextmanager
def _progress_shown(config: pytest.Config) -> Iterator[None]:
    """Write the harness's progress to the terminal, past pytest's capture."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    capture: Any = config.pluginmanager.get_plugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    with progress.shown(tell) if reporter and capture else ExitStack():
        yield
