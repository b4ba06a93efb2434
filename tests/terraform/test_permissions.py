"""The planned policies, evaluated as AWS does. The store runs under S3's rule for missing keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from s3_lambda_api.keys import INDEX_PREFIX, OBJECT_PREFIX, POINTER_KEY, ObjectName
from s3_lambda_api.latest import latest
from s3_lambda_api.record import record
from s3_lambda_api.search import Rules
from s3_lambda_api.store import WritableStore, s3_client
from tests.policies import Request, deployer_policy, is_allowed, is_denied
from tests.s3 import hide_missing_keys, may_list
from tests.terraform.planning import ACCOUNT, Plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BUCKET = "objects"
BUCKET_ARN = f"arn:aws:s3:::{BUCKET}"
KEY_ARN = f"arn:aws:kms:eu-north-1:{ACCOUNT}:key/k"
NOW = datetime(2026, 11, 27, 12, 0, 0, 123456, UTC)
IAM = f"arn:aws:iam::{ACCOUNT}"
OPERATOR, ADMINISTRATOR = f"{IAM}:role/on-call", f"{IAM}:role/administrator"
RULES = Rules(now=NOW, interval=timedelta(minutes=10), tolerance=timedelta(minutes=5))
NAME = ObjectName(NOW - timedelta(seconds=10), "0000000b")

# The conditions that AWS documents for a service's trust policy. Without IfExists, a key that the service
# doesn't send would refuse it for ever.
DOCUMENTED = {
    (
        "scheduler.amazonaws.com",
        "aws:SourceAccount",
    ): "https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html",
}


@pytest.fixture(scope="module")
def roles(module: Callable[..., Plan]) -> Plan:
    """Return the plan of the functions' roles."""
    variables = {
        "writer": json.dumps({"role_name": "writer", "function_name": "create"}),
        "reader": json.dumps({"role_name": "reader", "function_name": "retrieve"}),
        "bucket_name": BUCKET,
        "object_prefix": OBJECT_PREFIX,
        "index_prefix": INDEX_PREFIX,
        "pointer_key": POINTER_KEY,
        "kms_key_arn": KEY_ARN,
    }
    return module("iam", **variables)


@pytest.fixture(scope="module")
def key(module: Callable[..., Plan]) -> Plan:
    """Return the plan of a key with one operator."""
    variables = {
        "name": "objects",
        "description": "objects",
        "log_group_names": '["/aws/lambda/create"]',
        "writer_role_arns": json.dumps([f"{IAM}:role/writer"]),
        "reader_role_arns": json.dumps([f"{IAM}:role/reader"]),
        "operator_arns": json.dumps([OPERATOR]),
    }
    return module("kms", **variables)


@pytest.fixture(scope="module")
def bucket(module: Callable[..., Plan], zip_file: Path) -> Plan:
    """Return the plan of the objects' bucket."""
    variables = {
        "bucket_name": BUCKET,
        "artifacts_bucket_name": "code",
        "code_zip": str(zip_file),
        "object_prefix": OBJECT_PREFIX,
        "pointer_key": POINTER_KEY,
        "kms_key_arn": KEY_ARN,
    }
    return module("s3", **variables)


@pytest.fixture
def lists(roles: Plan) -> Callable[[str], Callable[[str], bool]]:
    """Return a function that tells whether a role may list the bucket with a key as the prefix."""

    def of(role: str) -> Callable[[str], bool]:
        statements = roles.policies(role)
        assert statements
        return lambda key: is_allowed(
            statements, Request(action="s3:ListBucket", resource=BUCKET_ARN, context={"s3:prefix": key})
        )

    return of


@pytest.mark.parametrize("role", ["writer", "reader"])
@pytest.mark.parametrize("key", [POINTER_KEY, NAME.key, NAME.index_key])
def test_a_role_may_list_every_key_that_it_asks_for_and_the_doubles_take_it_so(
    lists: Callable[[str], Callable[[str], bool]], role: str, key: str
) -> None:
    assert lists(role)(key)
    assert may_list(key)


def test_a_fresh_bucket_works_under_the_planned_roles(
    lists: Callable[[str], Callable[[str], bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        reader, writer = (s3_client(attempts=1) for _ in range(2))
        writer.create_bucket(Bucket=BUCKET)
        hide_missing_keys(reader, lists("reader"))
        hide_missing_keys(writer, lists("writer"))

        assert latest(WritableStore(reader, BUCKET, KEY_ARN), RULES) is None
        assert record(WritableStore(writer, BUCKET, KEY_ARN), NAME, RULES).created
        found = latest(WritableStore(reader, BUCKET, KEY_ARN), RULES)

    assert found is not None
    assert found.stored.name == NAME


@pytest.mark.parametrize(
    ("tags", "allowed"),
    [
        ({"superseded": "true"}, True),
        ({"superseded": "false"}, False),
        ({"kept": "true"}, False),
        ({"superseded": "true", "kept": "true"}, False),
    ],
)
def test_the_writer_sets_the_one_tag_of_the_lifecycle_and_no_other_beside_it(
    roles: Plan,
    tags: dict[str, str],
    allowed: bool,  # noqa: FBT001
) -> None:
    each = {f"s3:RequestObjectTag/{name}": value for name, value in tags.items()}
    request = Request(
        action="s3:PutObjectTagging",
        resource=f"{BUCKET_ARN}/{NAME.key}",
        context={**each, "s3:RequestObjectTagKeys": list(tags)},
    )

    assert is_allowed(roles.policies("writer"), request) == allowed


@pytest.mark.parametrize(
    ("headers", "creates", "denied"),
    [
        ({"s3:if-none-match": "*"}, "true", False),
        ({}, "true", True),
        ({}, "false", False),
    ],
    ids=["a new object", "an object, new or not", "a part of an upload"],
)
def test_whoever_creates_an_object_has_to_say_that_it_is_new(
    bucket: Plan,
    headers: dict[str, str],
    creates: str,
    denied: bool,  # noqa: FBT001
) -> None:
    """The parts of a multipart upload can't say so, but the request that completes it can.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    request = Request(
        action="s3:PutObject",
        resource=f"{BUCKET_ARN}/{NAME.key}",
        context={**headers, "s3:ObjectCreationOperation": creates},
    )

    assert is_denied(bucket.policies("objects"), request) == denied


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
@pytest.mark.parametrize(
    ("caller", "service", "allowed"),
    [
        (OPERATOR, "s3", True),
        (OPERATOR, None, False),
        (OPERATOR, "sqs", False),
        (ADMINISTRATOR, "s3", False),
        (ADMINISTRATOR, None, False),
    ],
)
def test_named_operators_use_the_key_through_s3_and_no_administrator_does(
    key: Plan,
    action: str,
    caller: str,
    service: str | None,
    allowed: bool,  # noqa: FBT001
) -> None:
    via = {"kms:ViaService": f"{service}.eu-north-1.amazonaws.com"} if service else {}
    # That the caller's own policies allow everything counts if the key's policy names the account.
    callers = frozenset({caller, f"{IAM}:root"})
    statements = key.policies("key")

    assert is_allowed(statements, Request(action=action, context=via, principals=callers)) == allowed
    assert is_allowed(statements, Request(action="kms:PutKeyPolicy", principals=callers))


def test_who_applies_development_may_read_what_it_writes_and_production_names_its_operators(
    dev: Plan, prod: Plan
) -> None:
    assert dev.outputs()["operator_arns"] == [f"{IAM}:user/test"]
    assert prod.outputs()["operator_arns"] == []


def test_the_role_that_applies_is_looked_up_only_if_it_is_an_operator(dev: Plan, prod: Plan) -> None:
    """The provider calls `iam:GetRole` for a session, and fails without that permission.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/data-sources/iam_session_context
    """
    own_role = Request(action="iam:GetRole", resource=f"{IAM}:role/deploy-dev")

    assert prod.values("aws_iam_session_context") == []
    assert len(dev.values("aws_iam_session_context")) == 1
    assert is_allowed(deployer_policy(account=ACCOUNT, environment="dev"), own_role)


@pytest.mark.parametrize("plan", ["dev", "prod", "failover", "scheduled"])
def test_a_services_trust_has_no_condition_that_aws_does_not_document(
    plan: str, request: pytest.FixtureRequest
) -> None:
    chosen: Plan = request.getfixturevalue(plan)
    undocumented = {
        (service, key)
        for role in chosen.values("aws_iam_role")
        for statement in json.loads(role["assume_role_policy"])["Statement"]
        for operator, keys in statement.get("Condition", {}).items()
        for key in keys
        for service in [statement["Principal"]["Service"]]
        if not operator.endswith("IfExists") and (service, key) not in DOCUMENTED
    }

    assert chosen.values("aws_iam_role")
    assert undocumented == set()
