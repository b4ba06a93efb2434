"""The modules' own tests, `terraform test`, run in a copy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.base import isolation, process
from harness.terraform import provider
from harness.terraform.commands import FEWER_COLLECTIONS, mirror_environ

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness import Settings

PROJECT = Path(__file__).parents[2]
TERRAFORM = PROJECT / "terraform"
MODULES = sorted(file.parent.name for file in TERRAFORM.glob("modules/*/main.tf"))


def test_every_module_has_tests() -> None:
    assert MODULES
    assert not [
        name for name in MODULES if not list((TERRAFORM / "modules" / name).glob("tests/*.tftest.hcl"))
    ]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", MODULES)
def test_the_module_passes_its_tests(name: str, harness_settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(TERRAFORM / "modules", tmp_path / "modules", ignore=shutil.ignore_patterns(".terraform"))
    module = tmp_path / "modules" / name
    shutil.copy(TERRAFORM / "env" / "dev" / ".terraform.lock.hcl", module)
    mirror = mirror_environ(harness_settings.provider_mirror, tmp_path)
    environ = {**FEWER_COLLECTIONS, **isolation.without_aws(harness_settings.environ), **mirror}

    def run(environ: Mapping[str, str], *argv: str) -> None:
        process.run([harness_settings.terraform, *argv, "-no-color"], cwd=module, env=environ, timeout=500)

    run(environ, "init", "-input=false")
    offline = isolation.without_network(environ)
    with provider.served(module, offline) as reattached:
        run(offline | reattached, "test")
