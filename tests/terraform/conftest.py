from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from filelock import FileLock

from harness import HarnessError, Settings
from harness.terraform.commands import program_of
from tests.terraform.planning import ACCOUNT, planned

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.terraform.planning import Plan

PROJECT = Path(__file__).parents[2]


def pytest_configure(config: pytest.Config) -> None:
    """End the run with one line if Terraform is missing, because no test here can do without it."""
    try:
        settings = Settings.from_env(os.environ, config.rootpath)
        program_of(settings)
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
def plan_of(
    harness_settings: Settings,
    environments: Path,
    zip_file: Path,
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
) -> Callable[..., Plan]:
    """Return a function that plans an environment with variables, once for all workers."""
    shared = (
        tmp_path_factory.mktemp("plans") if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    )

    def of(name: str, **options: str) -> Plan:
        digest = hashlib.sha256(json.dumps([name, options]).encode()).hexdigest()[:12]
        file = shared / f"plan-{digest}"
        with FileLock(f"{file}.lock"):
            if not file.exists():
                plan = planned(harness_settings, environments / name, zip_file, **options)
                file.write_bytes(pickle.dumps(plan))
        return cast("Plan", pickle.loads(file.read_bytes()))  # noqa: S301 - written above

    return of


@pytest.fixture(scope="session")
def dev(plan_of: Callable[..., Plan]) -> Plan:
    return plan_of("dev")


@pytest.fixture(scope="session")
def prod(plan_of: Callable[..., Plan]) -> Plan:
    return plan_of("prod")


@pytest.fixture(scope="session")
def another_prod(plan_of: Callable[..., Plan]) -> Plan:
    """Return the plan of a second environment with all features of `prod`, in the same account and region."""
    return plan_of("prod", environment="stage")


@pytest.fixture(scope="session")
def failover(plan_of: Callable[..., Plan]) -> Plan:
    """Return the plan of a production that has failed over, with its own name for clients."""
    domain = '{name="latest.example.com",zone_id="Z0123456789"}'
    return plan_of("prod", failed_over="true", domain=domain)


@pytest.fixture(scope="session")
def gradual(plan_of: Callable[..., Plan]) -> Plan:
    """Return the plan of a production whose aliases CodeDeploy moves, and whose roles have a boundary."""
    return plan_of(
        "prod",
        gradual_deployment="CodeDeployDefault.LambdaCanary10Percent15Minutes",
        permissions_boundary_arn=f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    )


@pytest.fixture(scope="session")
def scheduled(plan_of: Callable[..., Plan]) -> Plan:
    """Return the plan of an environment whose schedule EventBridge Scheduler keeps."""
    return plan_of("dev", scheduler="scheduler")


@pytest.fixture(scope="session")
def china(plan_of: Callable[..., Plan]) -> Plan:
    return plan_of("dev", partition="aws-cn", region="cn-north-1")


@pytest.fixture(scope="session")
def module(
    harness_settings: Settings, environments: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Plan]:
    """Return a function that plans one module alone. Its roles and its key exist, so all values are known."""

    def of(name: str, /, **variables: str) -> Plan:
        root = tmp_path_factory.mktemp("modules") / name
        shutil.copytree(environments.parent / "modules" / name, root, ignore=shutil.ignore_patterns("tests"))
        shutil.copy(environments / "dev" / ".terraform.lock.hcl", root)
        place = {"partition": "aws", "region": "eu-north-1", "dns_suffix": "amazonaws.com"}
        context = json.dumps({"account_id": ACCOUNT, **place})
        return planned(harness_settings, root, None, context=context, **variables)

    return of
