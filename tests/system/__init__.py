"""The adapter of this repository's own system: the verbs of its tests for the stack of `terraform/env/*`."""

from tests.system.assertions import assert_latest
from tests.system.contract import System, on_demand
from tests.system.scenario import Scenario

__all__ = ["Scenario", "System", "assert_latest", "on_demand"]
