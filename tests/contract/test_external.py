"""The backend `external` with an emulator behind TLS, and with emulators that fail while they are used."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness import BackendError, HarnessError, Settings, backends, deployed, eventually
from harness.aws import clients
from harness.aws.problems import as_harness_errors
from harness.backends.external import external
from harness.base.isolation import behind_gate, environ_for
from tests.contract.front import BUCKET, front
from tests.contract.functions import create, document
from tests.contract.small_stack import ROOT
from tests.contract.test_backend_contract import MID_RUN, SECONDS, crash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Endpoint
    from tests.contract.front import TlsFront

pytestmark = [pytest.mark.usefixtures("on_this_machine"), pytest.mark.anywhere, pytest.mark.once]

# A program of a user's, with a client as the SDK makes it.
PROGRAM = """
import sys, boto3
from botocore.config import Config

s3 = boto3.client("s3", config=Config(s3={"addressing_style": sys.argv[2]}))
s3.put_object(Bucket=sys.argv[1], Key="styles/" + sys.argv[2], Body=b"hello")
print(s3.get_object(Bucket=sys.argv[1], Key="styles/" + sys.argv[2])["Body"].read().decode())
"""
SLEEPS = "import time\ndef handler(event, context):\n    time.sleep(60)\n"


@pytest.fixture(scope="module")
def tls(endpoint: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsFront]:
    """Run a front before the emulator."""
    with front(endpoint, tmp_path_factory.mktemp("front")) as server:
        yield server


@pytest.fixture
def settings(harness_settings: Settings, tls: TlsFront, tmp_path: Path) -> Settings:
    """Return the settings of a small stack on the front, as a user gives them."""
    (tmp_path / "main.tf").write_text(ROOT, "utf-8")
    return replace(
        harness_settings,
        backend="external",
        endpoint_url=f"https://127.0.0.1:{tls.server_port}",
        endpoint_ca=tls.ca,
        endpoint_credentials=tls.credentials,
        terraform_dir=tmp_path,
        package=None,
        variables={},
    )


def test_a_stack_is_applied_used_and_destroyed_over_tls_with_a_ca_and_keys_of_its_own(
    settings: Settings, tls: TlsFront, endpoint: Endpoint
) -> None:
    begun = len(tls.seen)

    with deployed(settings) as stack:
        assert stack.endpoint.url.startswith("https://")
        stack.bucket().put("greeting", "hello")
        assert stack.bucket().wait_for("greeting").body == b"hello"
        bucket = stack.bucket().name
        behind = clients.client(endpoint, "s3").list_objects_v2(Bucket=bucket)
        assert [item["Key"] for item in behind["Contents"]] == ["greeting"]

    seen = tls.seen[begun:]
    assert all(each.accepted for each in seen)
    assert {each.host for each in seen if f"/{bucket}" in each.path} == {"127.0.0.1"}


@pytest.mark.parametrize(("style", "host"), [("path", "localhost"), ("virtual", f"{BUCKET}.localhost")])
def test_a_program_reaches_a_bucket_by_both_styles_of_addresses(
    settings: Settings, tls: TlsFront, endpoint: Endpoint, style: str, host: str
) -> None:
    s3, where = clients.client(endpoint, "s3"), {"LocationConstraint": endpoint.region}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where)
    url = f"https://localhost:{tls.server_port}"

    with backends.started(replace(settings, endpoint_url=url)) as started:
        environ = behind_gate(started.gate, environ_for(started, settings.environ), asker="a program")
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, BUCKET, style],
            env=environ,
            text=True,
            capture_output=True,
            check=False,
        )

    s3.delete_object(Bucket=BUCKET, Key=f"styles/{style}")
    s3.delete_bucket(Bucket=BUCKET)
    assert ran.stdout.strip() == "hello", ran.stderr
    assert {each.host for each in tls.seen if each.path.endswith(f"styles/{style}")} == {host}


def test_an_emulator_that_dies_while_a_function_runs_is_told_and_its_function_dies_too(
    harness_settings: Settings, endpoint: Endpoint
) -> None:
    fresh = replace(harness_settings, backend=endpoint.backend, port=0)
    with pytest.raises(BackendError, match=MID_RUN) as failure:  # noqa: PT012 - where it comes from is the point
        with backends.started(fresh) as emulator, ThreadPoolExecutor(1) as threads:
            pointed = replace(fresh, backend="external", endpoint_url=emulator.url)
            with external(pointed) as seen:
                name = create(seen, SLEEPS, Role=role(seen)).name
                before = children()
                answer = threads.submit(invoked, seen, name)
                running = eventually(lambda: children() - before, what="the function's process")
                crash(emulator)
                with pytest.raises(HarnessError, match=r"no proper answer: .*; is the emulator still there"):
                    answer.result(SECONDS)
            raise HarnessError("the test has failed")

    assert failure.value.log
    eventually(
        lambda: [each for each in running if each.is_running()],
        until=lambda left: not left,
        what="the end of the function",
    )


def role(endpoint: Endpoint) -> str:
    """Create a role for functions, which ends with the emulator."""
    trust = document(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    )
    made = clients.client(endpoint, "iam").create_role(RoleName="sleeps", AssumeRolePolicyDocument=trust)
    return str(made["Role"]["Arn"])


def children() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def invoked(endpoint: Endpoint, function: str) -> Any:  # noqa: ANN401 - an answer of boto3's
    with as_harness_errors():
        return clients.client(endpoint, "lambda").invoke(FunctionName=function)
