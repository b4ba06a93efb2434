"""The fidelity of emulators to AWS, as measured by the contract tests."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def missing(*emulators: str) -> frozenset[str]:
    """Return the features, as `terraform.needs` names them, that are missing for any of these reasons."""
    return frozenset(feature for emulator in emulators for feature in _data()["missing"][emulator])


def levels() -> Mapping[str, Mapping[str, str]]:
    """Return each feature's level on each backend: `enforced`, `carried out`, `declared` or `missing`."""
    found: Mapping[str, Mapping[str, str]] = _data()["levels"]
    return found


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads((files("harness.terraform.needs") / "fidelity.toml").read_text("utf-8"))
