"""Shell completion with names of the running stack."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.errors import HarnessError

if TYPE_CHECKING:
    from click import Context, Parameter


def functions(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Return the names of the stack's functions with this beginning."""
    return _names("aws_lambda_function", "function_name", incomplete)


def rules(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Return the names of the stack's rules with this beginning."""
    return _names("aws_cloudwatch_event_rule", "name", incomplete)


def backend_names(_context: Context, _parameter: Parameter, incomplete: str) -> list[str]:
    """Return the names of the backends with this beginning."""
    from harness import backends

    return [name for name in ("auto", *backends.BUILT_IN) if name.startswith(incomplete)]


def _names(kind: str, attribute: str, incomplete: str) -> list[str]:
    from harness.lifetimes.kept import KeptStack
    from harness.settings import Settings

    try:
        deployment = KeptStack.of(Settings.from_env(os.environ)).on_its_backend().running()
        names = [str(found.values[attribute]) for found in deployment.resources(kind)]
    except HarnessError:  # nothing is up, so there is nothing to complete
        return []
    return sorted(name for name in names if name.startswith(incomplete))
