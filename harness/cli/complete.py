"""Shell completion with names of the running stack."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from click import Context, Parameter

    from harness.values import Resource


def functions(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Return the names of the stack's functions with this beginning."""
    names = [str(each.values["function_name"]) for each in _resources("aws_lambda_function")]
    return _beginning_with(incomplete, names)


def rules(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Return the names of the stack's rules with this beginning that an event can match."""
    found = [each.values for each in _resources("aws_cloudwatch_event_rule")]
    return _beginning_with(incomplete, [str(rule["name"]) for rule in found if rule.get("event_pattern")])


def backend_names(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Return the names of the backends with this beginning."""
    from harness import backends

    return [name for name in ("auto", *backends.BUILT_IN) if name.startswith(incomplete)]


def _resources(kind: str) -> Sequence[Resource]:
    from harness.lifetimes.kept import KeptStack
    from harness.settings import Settings

    try:
        return KeptStack.of(Settings.from_env(os.environ)).on_its_backend().running().resources(kind)
    except HarnessError:  # nothing is up, so there is nothing to complete
        return []


def _beginning_with(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
