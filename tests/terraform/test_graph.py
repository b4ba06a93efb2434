"""Dependencies: Terraform continues with everything that does not depend on a failed destroy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.base import process
from tests.terraform.planning import offline

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness import Settings

EDGE = re.compile(r'"\[root\] (.+?)" -> "\[root\] (.+?)"')


@pytest.fixture(scope="module")
def edges(harness_settings: Settings, environments: Path, zip_file: Path) -> dict[str, set[str]]:
    """Return the dependencies of each node in production's graph."""
    with offline(harness_settings, environments / "prod", zip_file) as terraform:
        argv = [terraform.program, "graph", "-type=plan"]
        drawn = process.run(argv, cwd=terraform.root, env=terraform.environ, timeout=terraform.timeout)
    graph: dict[str, set[str]] = {}
    for node, needed in EDGE.findall(drawn.stdout):
        graph.setdefault(node, set()).add(needed)
    return graph


@pytest.mark.parametrize(
    "region", ["module.system.", "module.system.module.disaster_recovery."], ids=["home", "standby"]
)
def test_a_key_outlives_the_bucket_of_what_it_encrypts(edges: dict[str, set[str]], region: str) -> None:
    bucket = f"{region}module.s3.aws_s3_bucket.objects (expand)"

    assert f"{region}module.kms.aws_kms_key.this (expand)" in _needs(edges, bucket)


def test_a_policy_goes_with_its_bucket(edges: dict[str, set[str]]) -> None:
    policy = "module.system.module.s3.aws_s3_bucket_policy.objects (expand)"

    assert "module.system.module.s3.aws_s3_bucket.objects (expand)" in _needs(edges, policy)
    assert policy not in _needs(edges, "module.system.module.s3.aws_s3_bucket.objects (expand)")


def _needs(edges: Mapping[str, set[str]], node: str) -> set[str]:
    """Return all direct and indirect dependencies of a node."""
    assert node in edges
    waiting, needed = [node], set[str]()
    while waiting:
        more = edges.get(waiting.pop(), set()) - needed
        needed |= more
        waiting += more
    return needed
