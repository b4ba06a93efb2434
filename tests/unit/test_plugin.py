from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

BACKEND = """
import logging
from contextlib import contextmanager
from harness import BackendError, Endpoint

log = logging.getLogger("harness.fake")

@contextmanager
def backend(settings):
    log.info("starting the fake")
    yield Endpoint(backend="fake", url="http://127.0.0.1:9", region=settings.region)
    log.info("stopping the fake")

@contextmanager
def broken(settings):
    problem = BackendError("broken", "it is out of order", log=["last line"])
    problem.add_note("seen on a Monday")
    raise problem
    yield
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., pytest.RunResult]:
    monkeypatch.delenv("HARNESS_BACKEND", raising=False)
    pytester.makepyfile(fake=BACKEND)
    pytester.syspathinsert()
    pytester.makepyfile(
        test_it="def test_one(endpoint): assert endpoint.backend == 'fake'\n"
        "def test_two(endpoint, harness_settings): assert harness_settings.backend.startswith('fake:')\n"
    )
    return pytester.runpytest_subprocess


def test_the_backend_is_started_once_and_its_progress_is_shown(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--backend=fake:backend")

    result.assert_outcomes(passed=2)
    assert str(result.stdout).count("s] starting the fake") == 1
    assert str(result.stdout).count("s] stopping the fake") == 1


def test_a_backend_that_does_not_start_is_told_in_its_own_words(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--backend=fake:broken")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["backend 'broken': it is out of order", "*last line", "seen on a Monday"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_an_unknown_backend_is_told_in_its_own_words(run: Callable[..., pytest.RunResult]) -> None:
    result = run("--backend=hosst")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["HARNESS_BACKEND: expected one of auto, *got 'hosst'"])


def test_the_environment_chooses_where_no_option_does(
    run: Callable[..., pytest.RunResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_BACKEND", "fake:backend")

    run().assert_outcomes(passed=2)
