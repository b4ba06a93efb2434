"""Each emulator behaves as the table of fidelity says. See `fidelity.py` for the probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.needs import fidelity as known
from tests.contract import fidelity as probed

if TYPE_CHECKING:
    from harness import Endpoint

# LocalStack is the same one in a container.
pytestmark = pytest.mark.anywhere
SAME_AS = {"container": "host"}
# Nothing comes before the next minute.
SLOW = {"EventBridge Scheduler", "lifecycle of S3"}


def test_each_feature_of_the_table_has_a_probe() -> None:
    assert known.levels().keys() == probed.PROBES.keys()


@pytest.mark.parametrize(
    "feature",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in probed.PROBES],
)
def test_a_feature_is_as_the_table_says(endpoint: Endpoint, feature: str) -> None:
    expected = known.levels()[feature].get(SAME_AS.get(endpoint.backend, endpoint.backend))
    if expected is None:
        pytest.skip(f"nothing is said of {endpoint.backend}")

    assert probed.level(endpoint, feature) == expected
