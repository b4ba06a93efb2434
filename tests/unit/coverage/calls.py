"""Calls and resources for the tests of the judgement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from harness.aws.calls import Call
from harness.values import Resource

TEST, WRITER, HARNESS, TERRAFORM, EMULATOR = (
    "test:a.py::t",
    "function:writer",
    "harness",
    "terraform",
    "emulator",
)
HERE = "eu-north-1:000000000000"


def call(name: str, by: str, *arns: str, **told: Any) -> Call:  # noqa: ANN401 - fields of any type
    """Return a call, such as `s3:GetObject`."""
    service, _, operation = name.partition(":")
    moment = datetime(2026, 11, 29, tzinfo=UTC)
    return Call(time=moment, by=by, service=service, operation=operation, resources=arns, **told)


def resource(address: str, **values: Any) -> Resource:  # noqa: ANN401 - JSON
    """Return a resource of the type in its address."""
    return Resource(address=address, type=address.split(".")[-2], values=values)
