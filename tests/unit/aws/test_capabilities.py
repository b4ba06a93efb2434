from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import Endpoint, SettingsError
from harness.aws import capabilities

if TYPE_CHECKING:
    from collections.abc import Callable

REAL = Endpoint(backend="aws", url="", region="eu-north-1")


def endpoint(name: str) -> Endpoint:
    return Endpoint(backend=name, url="http://127.0.0.1:9", region="eu-north-1")


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Install a probe that finds the capability on the backend `good` only, and return its calls."""
    asked: list[str] = []

    def look(at: Endpoint) -> str:
        asked.append(at.backend)
        return "" if at.backend == "good" else "can't fly"

    monkeypatch.setattr(capabilities, "PROBES", {"flight": look})
    capabilities._reason.cache_clear()
    return asked


def test_what_a_backend_lacks_is_told_with_the_reason_and_probed_once(probe: list[str]) -> None:
    for _ in range(2):
        assert capabilities.missing(endpoint("good"), ["flight"]) == []
        assert capabilities.missing(endpoint("bad"), ["flight"]) == ["backend bad can't fly"]

    assert probe == ["good", "bad"]


def test_real_aws_is_not_probed(probe: list[str]) -> None:
    assert capabilities.missing(REAL, ["flight"]) == []
    assert probe == []


def test_an_unknown_capability_is_refused(probe: list[str]) -> None:
    with pytest.raises(SettingsError, match=r"requires\(\): expected one of flight, got 'fligth'"):
        capabilities.missing(endpoint("good"), ["fligth"])
    assert probe == []


PLUGIN = """
import pytest
from contextlib import contextmanager
from harness import Endpoint
from harness.aws import capabilities

capabilities.PROBES = {"flight": lambda endpoint: "" if endpoint.backend == "bird" else "can't fly"}

def backend(name):
    @contextmanager
    def start(settings):
        yield Endpoint(backend=name, url="http://127.0.0.1:9", region=settings.region)
    return start

bird, fish = backend("bird"), backend("fish")
"""
TESTS = """
import pytest

@pytest.mark.requires("flight")
def test_it_flies(endpoint): assert endpoint.backend == "bird"

@pytest.mark.differs("fish", "fish 1.0 has no feet")
def test_it_walks(endpoint): assert endpoint.backend == "bird"

@pytest.mark.differs("bird", "bird 1.0 has no ears")
def test_it_hears(): pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    pytester.makepyfile(zoo=PLUGIN, test_zoo=TESTS)
    pytester.syspathinsert()
    return pytester.runpytest_subprocess


def test_a_test_is_skipped_with_the_reason_and_a_known_difference_is_expected(
    run: Callable[..., pytest.RunResult],
) -> None:
    result = run("-ra", "--backend=zoo:fish")

    result.assert_outcomes(passed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["SKIPPED*backend fish can't fly", "XFAIL*fish 1.0 has no feet*"])


def test_a_difference_that_no_longer_holds_fails(run: Callable[..., pytest.RunResult]) -> None:
    result = run("-ra", "--backend=zoo:bird")

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*test_it_hears*XPASS(strict)*bird 1.0 has no ears*"])
