"""A stack of one function with one role, for the tests of the judgement."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.permissions import judge_roles
from tests.unit.coverage.calls import HERE, WRITER, call, resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.aws.calls import Call
    from harness.permissions import RolePermissions
    from harness.values import Resource

REGION = "eu-north-1"
BUCKET, KEY = "arn:aws:s3:::b", f"arn:aws:kms:{HERE}:key/k"
QUEUE, TABLE = f"arn:aws:sqs:{HERE}:q", f"arn:aws:dynamodb:{HERE}:table/t"
SECRET = f"arn:aws:secretsmanager:{HERE}:secret:s-AbCdEf"
FUNCTION = f"arn:aws:lambda:{HERE}:function:writer"
LOG = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/writer"
ROLE = "arn:aws:iam::000000000000:role/writer"
RUN = call("lambda-runtime:Invocation", "emulator", FUNCTION)


def allow(action: str | list[str], on: str | list[str], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a statement that allows some actions."""
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def made(name: str, *arns: str, **told: Any) -> Call:  # noqa: ANN401 - fields of any type
    """Return a call of the function."""
    return call(name, WRITER, *arns, region=REGION, **told)


def stack(*statements: Mapping[str, Any], function: Mapping[str, Any] | None = None) -> list[Resource]:
    """Return a function whose role has a policy, a bucket, a key, a queue, a table and a secret."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return [
        resource("aws_iam_role.writer", name="writer", id="writer", arn=ROLE),
        resource("aws_iam_role_policy.writer", role="writer", name="p", policy=policy),
        resource(
            "aws_lambda_function.writer", function_name="writer", arn=FUNCTION, role=ROLE, **(function or {})
        ),
        resource("aws_s3_bucket.b", bucket="b", arn=BUCKET),
        resource("aws_kms_key.k", key_id="k", arn=KEY),
        resource("aws_kms_alias.k", name="alias/k", target_key_arn=KEY),
        resource("aws_sqs_queue.q", name="q", arn=QUEUE),
        resource("aws_dynamodb_table.t", name="t", arn=TABLE),
        resource("aws_secretsmanager_secret.s", name="s", arn=SECRET),
    ]


def encrypted(kind: str = "aws:kms", key: str = KEY) -> Resource:
    """Return the encryption of the bucket."""
    default = {"sse_algorithm": kind, "kms_master_key_id": key}
    rule = {"apply_server_side_encryption_by_default": [default]}
    return resource("aws_s3_bucket_server_side_encryption_configuration.b", bucket="b", rule=[rule])


def judge(resources: Sequence[Resource], *calls: Call, enforces: bool = False) -> RolePermissions:
    """Return the permissions of the only role, after a run of its function."""
    (role,) = judge_roles(resources, [RUN, *calls], enforces=enforces)
    return role
