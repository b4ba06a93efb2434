"""State in S3, as in the examples of a backend: encrypted, and locked by an object in the same bucket."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hcl2
import pytest

from harness import Endpoint, Settings, eventually
from harness.aws import clients
from harness.aws.reset import empty_bucket
from harness.base.isolation import environ_for, without_network
from harness.terraform.commands import program_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


ENVIRONMENTS = Path(__file__).parents[2] / "terraform" / "env"
# Its provider is built in, and its creation lasts until a file exists, so that the test can see the lock.
TINY = """
resource "terraform_data" "tiny" {
  provisioner "local-exec" {
    command = "until [ -e go ]; do sleep 0.1; done"
  }
}
"""


@pytest.fixture
def bucket(endpoint: Endpoint) -> Iterator[str]:
    """Yield a versioned bucket that encrypts with KMS by default."""
    s3, name = clients.client(endpoint, "s3"), f"state-{uuid4().hex[:12]}"
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": endpoint.region})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    yield name
    empty_bucket(s3, name)
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def root(tmp_path: Path, bucket: str, endpoint: Endpoint) -> Path:
    """Return a root with the examples of a backend filled in."""
    shutil.copy(ENVIRONMENTS / "backend.tf.example", tmp_path / "backend.tf")
    example = (ENVIRONMENTS / "backend.hcl.example").read_text("utf-8")
    named = example.replace("a-bucket-of-yours-with-versioning", bucket)
    filled = re.sub(r'(region\s*=\s*)"[^"]+"', rf'\1"{endpoint.region}"', named)
    (tmp_path / "backend.hcl").write_text(filled)
    (tmp_path / "main.tf").write_text(TINY)
    return tmp_path


@pytest.fixture
def terraform(
    harness_settings: Settings, endpoint: Endpoint, root: Path
) -> Callable[..., subprocess.Popen[str]]:
    """Return a function that starts Terraform in the root, and does not wait for it."""
    program = program_of(harness_settings)
    environ = environ_for(endpoint, harness_settings.environ) | {"CHECKPOINT_DISABLE": "1"}
    environ = environ if endpoint.is_aws else without_network(environ)

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [program, *arguments, "-input=false", "-no-color"],
            cwd=root,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def _ended(started: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = started.communicate(timeout=60)
    return started.returncode, output


def _objects(endpoint: Endpoint, bucket: str) -> list[str]:
    listed = clients.client(endpoint, "s3").list_objects_v2(Bucket=bucket)
    return [item["Key"] for item in listed.get("Contents", [])]


def test_state_in_s3_is_encrypted_and_locked_while_an_apply_runs(
    terraform: Callable[..., subprocess.Popen[str]], root: Path, endpoint: Endpoint, bucket: str
) -> None:
    given: dict[str, Any] = hcl2.loads((root / "backend.hcl").read_text("utf-8"))
    key = given["key"].strip('"')
    code, output = _ended(terraform("init", "-backend-config=backend.hcl"))
    assert code == 0, output

    with terraform("apply", "-auto-approve") as apply:
        try:
            eventually(lambda: f"{key}.tflock" in _objects(endpoint, bucket), what="the lock of the state")
            code, output = _ended(terraform("apply", "-auto-approve", "-lock-timeout=0s"))
            assert (code, "Error acquiring the state lock" in output) == (1, True), output
        finally:
            (root / "go").touch()
        code, output = _ended(apply)
    assert code == 0, output

    assert _objects(endpoint, bucket) == [key]
    stored = clients.client(endpoint, "s3").get_object(Bucket=bucket, Key=key)
    assert stored["ServerSideEncryption"] == "AES256"  # asked for, or it would be the bucket's own
    assert json.loads(stored["Body"].read())["resources"][0]["name"] == "tiny"
    assert not list(root.glob("*.tfstate*"))
