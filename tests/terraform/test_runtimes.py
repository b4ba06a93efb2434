"""The runtime must be supported for some time to come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.terraform.planning import Plan

NOTICE = timedelta(days=180)
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html, read in 2026-11
END_OF_SUPPORT = {
    "python3.8": date(2024, 10, 14),
    "python3.12": date(2028, 10, 31),
    "python3.13": date(2029, 6, 30),
    "python3.14": date(2029, 6, 30),
}


def supported(runtime: str, today: date) -> bool:
    """Return whether a runtime is known and its support lasts for the notice period."""
    return runtime in END_OF_SUPPORT and END_OF_SUPPORT[runtime] - today >= NOTICE


@pytest.mark.parametrize("env", ["dev", "prod"])
def test_every_runtime_is_supported_for_another_180_days(
    request: pytest.FixtureRequest, env: str
) -> None:  # defect 17
    plan: Plan = request.getfixturevalue(env)
    runtimes = {one["runtime"] for one in plan.values("aws_lambda_function")}

    assert runtimes
    assert all(supported(runtime, datetime.now(UTC).date()) for runtime in runtimes)


def test_the_gate_closes_in_time() -> None:
    end = END_OF_SUPPORT["python3.13"]

    assert supported("python3.13", end - NOTICE)
    assert not supported("python3.13", end - NOTICE + timedelta(days=1))
    assert not supported("python3.8", date(2026, 1, 1))
    assert not supported("python2.7", date(2010, 1, 1))
