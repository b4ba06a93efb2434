from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import HarnessError, Settings
from harness.base import process
from harness.terraform.commands import REMEDY
from tests.terraform.planning import planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.terraform.planning import Plan

PROJECT = Path(__file__).parents[2]


def pytest_configure(config: pytest.Config) -> None:
    """End the run with one line where there is no Terraform: nothing here can do without."""
    try:
        settings = Settings.from_env(os.environ, config.rootpath)
        process.find(settings.terraform, path=settings.environ.get("PATH"), remedy=REMEDY)
    except HarnessError as problem:
        raise pytest.UsageError(str(problem)) from problem


@pytest.fixture(scope="session")
def environments() -> Path:
    return PROJECT / "terraform" / "env"


@pytest.fixture(scope="session")
def zip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("code") / "code.zip"
    file.write_bytes(b"stands for the zip")
    return file


@pytest.fixture(scope="session")
def dev(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    with planned(harness_settings, environments / "dev", zip_file) as plan:
        yield plan


@pytest.fixture(scope="session")
def prod(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    with planned(harness_settings, environments / "prod", zip_file) as plan:
        yield plan


@pytest.fixture(scope="session")
def another_prod(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    """Provide the plan of a second environment with all that `prod` has, in the same account and region."""
    with planned(harness_settings, environments / "prod", zip_file, environment="stage") as plan:
        yield plan


@pytest.fixture(scope="session")
def failover(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    """Provide the plan of a production that has failed over, with a name of its own for clients."""
    domain = '{name="latest.example.com",zone_id="Z0123456789"}'
    with planned(
        harness_settings, environments / "prod", zip_file, failed_over="true", domain=domain
    ) as plan:
        yield plan


@pytest.fixture(scope="session")
def gradual(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    """Provide the plan of a production whose aliases CodeDeploy moves."""
    canary = "CodeDeployDefault.LambdaCanary10Percent15Minutes"
    root = environments / "prod"
    with planned(harness_settings, root, zip_file, gradual_deployment=canary) as plan:
        yield plan


@pytest.fixture(scope="session")
def scheduled(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    """Provide the plan of an environment whose schedule EventBridge Scheduler keeps."""
    with planned(harness_settings, environments / "dev", zip_file, scheduler="scheduler") as plan:
        yield plan


@pytest.fixture(scope="session")
def china(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    with planned(
        harness_settings, environments / "dev", zip_file, partition="aws-cn", region="cn-north-1"
    ) as plan:
        yield plan
