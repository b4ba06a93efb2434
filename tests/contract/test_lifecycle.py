"""Runs leave nothing behind, however they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import Endpoint, Settings, TerraformError, backends, deployed_at, eventually
from harness.aws import clients
from harness.aws.inventory import inventory
from harness.terraform.apply import applied
from tests.contract.containers import containers_of
from tests.system import Scenario, assert_latest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

OTHER_ACCOUNT = "111111111111"
FIRST_TICK = 150.0  # seconds: rules tick once a minute, and an emulator may skip the first
BUCKET = 'resource "aws_s3_bucket" "early" {\n  bucket = "early"\n}\n'
SLOW_KEY = 'resource "aws_kms_key" "slow" {\n  enable_key_rotation = true\n}\n'
BAD_ROLE = 'resource "aws_iam_role" "bad" {\n  assume_role_policy = "{}"\n  name = "no spaces"\n}\n'
REFUSED_TARGET = """
resource "aws_cloudwatch_event_target" "refused" {
  rule       = "there-is-no-such-rule"
  arn        = "arn:aws:sqs:eu-north-1:111111111111:nowhere"
  depends_on = [aws_s3_bucket.early]
}
"""

# What a user would write in a plain script, told apart from the outside by the lines it prints.
SCRIPT = """
import os
from harness import Settings, backends
from harness.base.process import sigterm_as_interrupt
from harness.base.telemetry.progress import shown
from harness.terraform.apply import applied

settings = Settings.from_env(os.environ)
with sigterm_as_interrupt(), shown(lambda line: print(line, flush=True)):
    with backends.started(settings) as endpoint, applied(settings, endpoint, {}):
        print("applied", flush=True)
"""


@pytest.fixture(autouse=True)
def _on_an_emulator_of_its_own(endpoint: Endpoint) -> None:
    if endpoint.backend in {"aws", "external"}:
        reason = "these tests take accounts by number and start emulators of their own"
        pytest.skip(f"{reason}: not on the backend {endpoint.backend}")


@pytest.fixture
def other_account(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, access_key=OTHER_ACCOUNT)


@pytest.fixture
def stack(tmp_path: Path, harness_settings: Settings) -> Callable[..., Settings]:
    """Return a function that writes a small root of Terraform texts."""

    def write(*texts: str) -> Settings:
        root = tmp_path / "root"
        root.mkdir()
        (root / "main.tf").write_text("\n".join(texts), "utf-8")
        return replace(harness_settings, terraform_dir=root, package=None, variables={})

    return write


@pytest.mark.anywhere
@pytest.mark.slow
def test_a_whole_run_on_its_schedule_alone_writes_objects_and_leaves_nothing(
    harness_settings: Settings, other_account: Endpoint
) -> None:
    before = inventory(other_account)
    ticking = {"schedule_enabled": "true", "schedule_expression": "rate(1 minute)"}

    with deployed_at(replace(harness_settings, variables=ticking), other_account) as deployment:
        scenario = Scenario.of(deployment)
        keys = eventually(scenario.keys, what="an object of the schedule", timeout=FIRST_TICK, interval=1)
        assert_latest(scenario.latest(), scenario.stored(keys[-1]))
        assert len(inventory(other_account) - before) > 10

    assert inventory(other_account) == before


@pytest.mark.anywhere
def test_a_failing_resource_is_named_with_the_providers_message_and_the_rest_is_destroyed(
    stack: Callable[..., Settings], other_account: Endpoint
) -> None:
    settings = stack(BUCKET, REFUSED_TARGET)
    before = inventory(other_account)

    with pytest.raises(TerraformError) as failure, applied(settings, other_account, {}):
        pass

    (diagnostic,) = failure.value.diagnostics
    assert diagnostic.address == "aws_cloudwatch_event_target.refused"
    assert "ResourceNotFoundException" in str(failure.value)
    assert inventory(other_account) == before


@pytest.mark.once
def test_an_invalid_configuration_names_the_file_and_line(
    stack: Callable[..., Settings], other_account: Endpoint
) -> None:
    with pytest.raises(TerraformError) as failure:
        with applied(stack(BAD_ROLE), other_account, {}):
            pytest.fail("it was applied")

    assert str(failure.value).startswith(
        "terraform apply failed:\nerror: aws_iam_role.bad (main.tf:3): invalid value for name"
    )
    assert not getattr(failure.value, "__notes__", [])


def test_two_emulators_side_by_side_do_not_see_each_other(
    harness_settings: Settings, endpoint: Endpoint
) -> None:
    with backends.started(replace(harness_settings, port=0)) as second:
        clients.client(second, "s3").create_bucket(
            Bucket="mine", CreateBucketConfiguration={"LocationConstraint": second.region}
        )

        assert second.url != endpoint.url
        assert "s3:mine" in inventory(second)
        assert "s3:mine" not in inventory(endpoint)


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ("starting ", signal.SIGTERM),
        ("starting ", signal.SIGINT),
        ("aws_s3_bucket.early created", signal.SIGTERM),
        ("applied", signal.SIGINT),
    ],
)
def test_a_signal_stops_everything_and_destroys_nothing_that_goes_anyway(
    stack: Callable[..., Settings], tmp_path: Path, moment: str, sent: signal.Signals
) -> None:
    settings = stack(BUCKET, SLOW_KEY)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with _script(settings, scratch) as script:
        assert script.stdout is not None
        seen = list(iter_until(script.stdout, moment))
        family = psutil.Process(script.pid).children(recursive=True)
        containers = containers_of(script.pid)
        script.send_signal(sent)
        rest = script.stdout.read()
        script.wait(timeout=60)

    assert family or containers or moment == "starting "  # where the signal may come before the first child
    assert "KeyboardInterrupt" in rest, "".join([*seen, rest])
    assert moment == "applied" or "terraform destroy" not in rest  # after it the script itself destroys
    eventually(
        lambda: [child for child in family if child.is_running()],
        until=lambda left: not left,
        what="the end of every child process",
    )
    assert containers_of(script.pid) == []
    assert list(scratch.iterdir()) == []


def iter_until(lines: Iterable[str], wanted: str) -> Iterator[str]:
    for line in lines:
        yield line
        if wanted in line:
            return
    pytest.fail(f"the script ended before it said {wanted!r}")


def _script(settings: Settings, scratch: Path) -> subprocess.Popen[str]:
    environ = os.environ | {
        "HARNESS_BACKEND": settings.backend,
        "HARNESS_TERRAFORM_DIR": str(settings.terraform_dir),
        "TMPDIR": str(scratch),
    }
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=environ,
        cwd=settings.terraform_dir,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
