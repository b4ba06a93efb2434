from __future__ import annotations

import time

import pytest

from harness.base import caller


@pytest.fixture(autouse=True)
def _outside_of_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caller, "_CURRENT", [caller.Caller("harness")])


def test_calls_count_as_the_harnesss_unless_a_test_runs() -> None:
    assert caller.user_agent("Boto3/1") == "Boto3/1 harness-caller/harness"
    with caller.test_of("a.py::t[ü x]"):
        assert caller.user_agent("") == "harness-caller/test:a.py::t%5B%C3%BC%20x%5D"
    assert caller.current() == caller.Caller("harness")


def test_what_the_harness_does_in_a_test_is_its_own_but_the_tests_begin_stays() -> None:
    begun = time.time()
    with caller.test_of("a.py::t"), caller.harness():
        assert caller.current().name == "harness"
        assert caller.current().since >= begun
