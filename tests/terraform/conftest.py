from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import process
from harness.terraform import REMEDY
from tests.terraform.planning import planned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import Settings
    from tests.terraform.planning import Plan

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="session")
def _terraform_is_there(harness_settings: Settings) -> None:
    process.find(harness_settings.terraform, path=harness_settings.environ.get("PATH"), remedy=REMEDY)


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
def china(harness_settings: Settings, environments: Path, zip_file: Path) -> Iterator[Plan]:
    with planned(
        harness_settings, environments / "dev", zip_file, partition="aws-cn", region="cn-north-1"
    ) as plan:
        yield plan
