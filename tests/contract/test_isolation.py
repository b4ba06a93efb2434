"""Real AWS is out of reach: a call to its address, or with the user's own profile, fails."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from harness import Endpoint, Settings, TerraformError, backends, eventually
from harness.aws import clients
from harness.base import gate
from harness.terraform.apply import applied
from harness.terraform.needs import RUNTIME

from .functions import archive, functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCOUNT = "222222222222"
REAL_S3 = "https://s3.eu-north-1.amazonaws.com"

PROVIDER = """
provider "aws" {
  region      = "eu-north-1"
  max_retries = 1
}
"""
BUCKET = 'resource "aws_s3_bucket" "mine" {\n  bucket = "isolation-mine"\n}\n'
REAL_ALIAS = f"""
provider "aws" {{
  alias       = "real"
  region      = "eu-north-1"
  max_retries = 1
  endpoints {{
    s3 = "{REAL_S3}"
  }}
}}
resource "aws_s3_bucket" "real" {{
  provider = aws.real
  bucket   = "isolation-real"
}}
"""
PROFILE_ALIAS = """
provider "aws" {
  alias   = "real"
  region  = "eu-north-1"
  profile = "production"
}
data "aws_caller_identity" "real" {
  provider = aws.real
}
output "account" {
  value = data.aws_caller_identity.real.account_id
}
"""
STATE_BACKEND = """
terraform {
  backend "s3" {
    bucket = "isolation-state"
    key    = "state"
    region = "eu-north-1"
  }
}
"""
REMOTE_STATE = """
data "terraform_remote_state" "other" {
  backend = "s3"
  config = {
    bucket      = "isolation-state"
    key         = "state"
    region      = "eu-north-1"
    max_retries = 1
    %s
  }
}
output "other" {
  value = data.terraform_remote_state.other.outputs
}
"""
PROVISIONER = """
resource "terraform_data" "calls_aws" {
  provisioner "local-exec" {
    command = "python3 -c 'from urllib import request; request.urlopen(\\"https://sts.amazonaws.com\\")'"
  }
}
"""
HANDLER = """
import boto3, os, urllib.request
from botocore.config import Config

def tried(call):
    try:
        call()
    except Exception as problem:
        return f"{type(problem).__name__}: {problem}"
    return "it was reached"

def handler(event, context):
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=10)
    real = boto3.client("s3", endpoint_url=event["url"], config=once)
    return {
        "sdk": tried(real.list_buckets),
        "http": tried(lambda: urllib.request.urlopen(event["url"], timeout=10)),
        "profile": tried(lambda: boto3.session.Session(profile_name="production")),
        "default": tried(boto3.client("sts").get_caller_identity),
        "localstack": tried(boto3.client(
            "sts", endpoint_url=f"http://{os.environ['LOCALSTACK_HOSTNAME']}:4566", config=once
        ).get_caller_identity),
        "cloud": tried(boto3.client(
            "sts", endpoint_url="http://localhost.localstack.cloud:4566", config=once
        ).get_caller_identity),
    }
"""
SERVICES = ("s3", "sqs", "sns", "dynamodb", "events", "kms", "sts", "logs", "lambda", "secretsmanager")
STRAY = {
    "python3.13": """
import urllib.request

def handler(event, context):
    told = []
    for host in event:
        try:
            urllib.request.urlopen(f"https://{host}", timeout=10)
            told.append("it was reached")
        except OSError as problem:
            told.append(str(problem))
    return told
""",
    "nodejs22.x": """
const https = require("https");
const tried = (host) => new Promise((resolve) => {
  const request = https.get(`https://${host}`, () => resolve("it was reached"));
  request.on("error", (error) => resolve(error.message));
});
exports.handler = async (hosts) => Promise.all(hosts.map(tried));
""",
}


@pytest.fixture(autouse=True)
def _on_an_emulator(endpoint: Endpoint) -> None:
    if endpoint.is_aws:
        pytest.skip("this is real AWS")


@pytest.fixture
def account(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, access_key=ACCOUNT)


@pytest.fixture
def stack(
    tmp_path: Path, harness_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Settings]:
    """Return a function that writes a root of Terraform texts, for a user with a profile for real AWS."""
    credentials = tmp_path / "credentials"
    credentials.write_text("[production]\naws_access_key_id = AKIA\naws_secret_access_key = real\n", "utf-8")
    own = {"AWS_PROFILE": "production", "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    for name, value in own.items():
        monkeypatch.setenv(name, value)

    def write(*texts: str) -> Settings:
        root = tmp_path / "root"
        root.mkdir()
        (root / "main.tf").write_text("\n".join(texts), "utf-8")
        environ = {**harness_settings.environ, **own}
        return replace(harness_settings, environ=environ, terraform_dir=root, package=None, variables={})

    return write


def told_by_apply(settings: Settings, endpoint: Endpoint) -> str:
    with pytest.raises(TerraformError) as caught, applied(settings, endpoint, {}):
        pytest.fail("it was applied")
    return " ".join(str(caught.value).split())


@pytest.mark.once
def test_a_provider_with_an_endpoint_of_real_aws_is_sent_to_the_emulator(
    stack: Callable[..., Settings], account: Endpoint
) -> None:
    with applied(stack(PROVIDER, REAL_ALIAS), account, {}):
        buckets = [bucket["Name"] for bucket in clients.client(account, "s3").list_buckets()["Buckets"]]

    assert buckets == ["isolation-real"]


@pytest.mark.once
def test_a_provider_with_the_users_profile_has_the_keys_of_the_emulator(
    stack: Callable[..., Settings], account: Endpoint
) -> None:
    with applied(stack(PROVIDER, PROFILE_ALIAS), account, {}) as terraform:
        assert terraform.outputs()["account"] == ACCOUNT


@pytest.mark.once
def test_a_state_in_s3_is_left_alone(stack: Callable[..., Settings], account: Endpoint) -> None:
    with applied(stack(PROVIDER, STATE_BACKEND, BUCKET), account, {}) as terraform:
        assert (terraform.root / "terraform.tfstate").exists()
        buckets = [bucket["Name"] for bucket in clients.client(account, "s3").list_buckets()["Buckets"]]

    assert buckets == ["isolation-mine"]


@pytest.mark.once
def test_a_remote_state_is_looked_for_at_the_endpoint(
    stack: Callable[..., Settings], account: Endpoint
) -> None:
    told = told_by_apply(stack(PROVIDER, REMOTE_STATE % "use_path_style = true"), account)

    assert "bucket" in told.lower()
    assert "exist" in told


@pytest.mark.once
def test_a_remote_state_at_real_aws_is_refused(stack: Callable[..., Settings], account: Endpoint) -> None:
    told = told_by_apply(stack(PROVIDER, REMOTE_STATE % f'endpoints = {{ s3 = "{REAL_S3}" }}'), account)

    assert "s3.eu-north-1.amazonaws.com:443" in told
    assert "HARNESS_ALLOWED_HOSTS" in told


@pytest.mark.once
def test_a_program_that_terraform_starts_is_refused(
    stack: Callable[..., Settings], account: Endpoint
) -> None:
    told = told_by_apply(stack(PROVISIONER), account)

    assert "sts.amazonaws.com:443" in told
    assert "HARNESS_ALLOWED_HOSTS" in told


@pytest.fixture
def handler(endpoint: Endpoint) -> Iterator[str]:
    """Provide the name of a Lambda function that calls real AWS."""
    iam, functions, name = (
        clients.client(endpoint, "iam"),
        clients.client(endpoint, "lambda"),
        f"isolation-{uuid4().hex[:8]}",
    )
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", HANDLER)
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="app.handler",
        Role=role,
        Timeout=60,
        Code={"ZipFile": code.getvalue()},
    )
    eventually(
        lambda: functions.get_function_configuration(FunctionName=name)["State"],
        until="Active".__eq__,
        what="the function to be active",
    )
    yield name
    functions.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)


def test_a_handler_reaches_the_endpoint_and_not_real_aws(endpoint: Endpoint, handler: str) -> None:
    answer = clients.client(endpoint, "lambda").invoke(
        FunctionName=handler, Payload=json.dumps({"url": REAL_S3})
    )

    seen: dict[str, Any] = json.loads(answer["Payload"].read())
    assert seen["sdk"].startswith("ProxyConnectionError: ")
    dead = endpoint.backend == "container"  # its functions have a dead proxy, not the gate
    assert (
        "Connection refused" if dead else "403 the harness refuses s3.eu-north-1.amazonaws.com:443"
    ) in seen["http"]
    assert seen["profile"].startswith("ProfileNotFound: ")
    assert seen["default"] == "it was reached"
    assert seen["localstack"] == "it was reached"
    if not dead:  # in the container only DNS knows that name, and LocalStack asks none
        assert seen["cloud"] == "it was reached"


@pytest.mark.parametrize("runtime", STRAY)
def test_a_stray_call_of_a_function_is_refused_and_named(endpoint: Endpoint, runtime: str) -> None:
    if backends.load(endpoint.backend).lacks(Settings.from_env({}), f"{RUNTIME}{runtime}"):
        pytest.skip(f"{endpoint.backend} has no runtime {runtime}")
    if endpoint.backend == "container":
        pytest.skip("its functions have a dead proxy: no gate can be reached from every engine")
    hosts = [f"{service}.eu-north-1.amazonaws.com" for service in SERVICES]
    with functions(endpoint) as make:
        name = "app.py" if runtime.startswith("python") else "app.js"
        code = {"ZipFile": archive({name: STRAY[runtime]})}
        function = make("", Runtime=runtime, Handler="app.handler", Code=code)
        told = function.result(hosts)

    assert "it was reached" not in told
    eventually(
        lambda: {refusal.host for refusal in gate.refusals(endpoint.gate, function.name)},
        until=set(hosts).__eq__,
        what="the gate to have refused each of them",
    )
