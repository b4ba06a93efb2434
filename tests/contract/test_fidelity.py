"""Each emulator behaves as the table of fidelity says. See `fidelity.py` for the probes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from harness.terraform.needs import fidelity as known
from tests.contract import fidelity as probed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness import Endpoint

# LocalStack is the same one in a container.
pytestmark = pytest.mark.anywhere
SAME_AS = {"container": "host"}
# Nothing comes before the next minute.
SLOW = frozenset({"EventBridge Scheduler", "lifecycle of S3"})


def test_each_feature_of_the_table_has_a_probe() -> None:
    assert known.levels().keys() == probed.PROBES.keys()


@pytest.mark.parametrize("feature", sorted(probed.PROBES.keys() - SLOW))
def test_a_feature_is_as_the_table_says(endpoint: Endpoint, feature: str) -> None:
    expected = levels_of(endpoint, {feature})
    if not expected:
        pytest.skip(f"nothing is said of {endpoint.backend}")

    assert {feature: probed.level(endpoint, feature)} == expected


@pytest.mark.slow
def test_features_that_wait_for_the_next_minute_are_as_the_table_says(endpoint: Endpoint) -> None:
    expected = levels_of(endpoint, SLOW)
    if not expected:
        pytest.skip(f"nothing is said of {endpoint.backend}")

    with ThreadPoolExecutor(len(SLOW)) as threads:  # all wait for the same one
        found = threads.map(partial(probed.level, endpoint), expected)
        assert dict(zip(expected, found, strict=True)) == expected


def levels_of(endpoint: Endpoint, features: Iterable[str]) -> dict[str, str]:
    """Return the levels of features in the table, as far as it has some for the backend."""
    backend, levels = SAME_AS.get(endpoint.backend, endpoint.backend), known.levels()
    return {name: levels[name][backend] for name in sorted(features) if backend in levels[name]}
