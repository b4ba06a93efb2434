"""The reader as it is deployed: the zip in Lambda, called through API Gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

from harness import eventually
from harness.aws import clients
from harness.aws.rest import ApiClient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness import Endpoint

__all__ = ["deployed_reader"]

_STAGE = "benchmark"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    },
}


def deployed_reader(endpoint: Endpoint, package: Path, variables: Mapping[str, str]) -> ApiClient:
    """Deploy the reader and an API in front of it, and return the API's client.

    Args:
        endpoint: An emulator, which forgets both when it stops.
        package: The zip.
        variables: The function's environment.
    """
    arn = _function(endpoint, package, variables)
    gateway = clients.client(endpoint, "apigateway")
    api = gateway.create_rest_api(name=f"benchmark-{uuid4()}")["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    uri = f"arn:aws:apigateway:{endpoint.region}:lambda:path/2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api, stageName=_STAGE)
    return ApiClient.of(endpoint, f"https://{api}.execute-api.{endpoint.region}.amazonaws.com/{_STAGE}")


def _function(endpoint: Endpoint, package: Path, variables: Mapping[str, str]) -> str:
    """Create the function, wait until it can be called, and return its ARN."""
    functions, name = clients.client(endpoint, "lambda"), f"benchmark-{uuid4()}"
    role = clients.client(endpoint, "iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST)
    )
    created = functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="s3_lambda_api.reader.handler",
        Role=role["Role"]["Arn"],
        Timeout=30,
        MemorySize=256,
        Code={"ZipFile": package.read_bytes()},
        Environment={"Variables": dict(variables)},
    )
    eventually(
        lambda: functions.get_function_configuration(FunctionName=name)["State"],
        until="Active".__eq__,
        what=f"the function {name} to be active",
        timeout=60,
    )
    functions.add_permission(
        FunctionName=name,
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    return str(created["FunctionArn"])
