"""Calls of S3 by state machines on MiniStack 1.5.33, which sends all of them to its own default region.

S3 answers a call from another region than the bucket's with a redirect, which MiniStack takes for a result.
"""

from __future__ import annotations

from ministack.core.responses import get_region
from ministack.services import stepfunctions


class RegionOfTheExecution(str):
    """The default region, which is written as the region of the running execution."""

    __slots__ = ()

    def __format__(self, _spec: str) -> str:
        """Return the region of the running execution."""
        region: str = get_region()
        return region


def install() -> None:
    """Let a state machine call S3 in its own region."""
    stepfunctions.REGION = RegionOfTheExecution(stepfunctions.REGION)
