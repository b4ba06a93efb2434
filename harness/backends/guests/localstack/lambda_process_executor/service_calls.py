"""Calls of MiniStack's services by its APIs, as the role of the integration.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import botocore.session
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from defusedxml import ElementTree
from ministack.core import lambda_runtime

type Answer = tuple[int, dict[str, str], bytes]

LOG = logging.getLogger(__name__)
_SESSION = "BackplaneAssumeRoleSession"  # as API Gateway calls it
_JSON = {"Content-Type": "application/json"}


@dataclass(slots=True, kw_only=True)
class Call:
    """A call of a service, about to be sent."""

    service: str
    region: str
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: str | bytes = ""


def send(call: Call, role: str | None, account: str) -> tuple[int, dict[str, str], str]:
    """Send a call to MiniStack, and return the status, the headers in lower case, and the text as JSON."""
    query = f"?{urlencode(call.query, quote_via=quote)}" if call.query else ""  # as it is signed
    url = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}{call.path}{query}"
    body = call.body.encode() if isinstance(call.body, str) else call.body
    request = AWSRequest(method=call.method, url=url, headers=call.headers, data=body)
    signed_as = model_of(call.service).signing_name
    SigV4Auth(_credentials(call, role, account), signed_as, call.region).add_auth(request)
    answer = _pool().request(
        call.method, url, body=body, headers=dict(request.headers.items()), redirect=False
    )
    headers = {name.lower(): value for name, value in answer.headers.items()}
    text = answer.data.decode("utf-8", "replace")
    return answer.status, headers, _xml_as_json(text) if _is_query(call, text) else text


def failed(reason: str) -> Answer:
    """Return API Gateway's answer to a request that it can't integrate, and log why."""
    LOG.warning("API Gateway answers 500, because %s", reason)
    return 500, _JSON, b'{"message": "Internal server error"}'


@cache
def model_of(service: str) -> Any:  # noqa: ANN401 - botocore's
    """Return botocore's model of a service, by its name in boto3."""
    return botocore.session.get_session().get_service_model(service)


def _is_query(call: Call, text: str) -> bool:
    """Return whether API Gateway asks for an answer in JSON where MiniStack answers in XML."""
    return call.service in {"sqs", "sns"} and call.headers.get("Accept") == "application/json" and "<" in text


def _xml_as_json(text: str) -> str:
    root = ElementTree.fromstring(text)
    return json.dumps({_local(root): _tree(root)})


def _tree(node: Any) -> Any:  # noqa: ANN401 - an element, and any JSON value
    return {_local(child): _tree(child) for child in node} if len(node) else (node.text or "").strip()


def _local(node: Any) -> str:  # noqa: ANN401
    return str(node.tag).rpartition("}")[2]


def _credentials(call: Call, role: str | None, account: str) -> Credentials:
    """Return the keys of a role, or those of the account."""
    if not role:
        return Credentials(account, "test")
    name = role.rpartition("/")[2]
    function = f"arn:aws:lambda:{call.region}:{account}:function:{name}"  # whose keys MiniStack makes up
    config = {"Role": role, "FunctionArn": function, "FunctionName": _SESSION}
    keys = lambda_runtime.execution_credentials(config)
    return Credentials(
        keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys.get("AWS_SESSION_TOKEN") or None
    )


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(retries=False)
