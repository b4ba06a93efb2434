from __future__ import annotations

import pytest

from harness.terraform.apply import old_deployments
from harness.values import Resource


def resource(kind: str, name: str = "x", **values: object) -> Resource:
    return Resource(address=f"aws_api_gateway_{kind}.{name}", type=f"aws_api_gateway_{kind}", values=values)


API = resource("rest_api", id="a1", body=None, tags={})
DEPLOYMENT = resource("deployment", id="d1", rest_api_id="a1")
METHOD = resource("method", rest_api_id="a1", http_method="GET")
FIRST = [API, DEPLOYMENT, METHOD]

PART = resource("integration", rest_api_id="a1", uri="new")
OTHERS_PART = resource("integration", rest_api_id="a2", uri="new")
WITH_A_BODY = resource("rest_api", id="a1", body="{}", tags={})
WITH_TAGS = resource("rest_api", id="a1", body=None, tags={"a": "b"})
POST = resource("method", rest_api_id="a1", http_method="POST")
AGAIN = resource("deployment", id="d2", rest_api_id="a1")


@pytest.mark.parametrize(
    ("after", "changed"),
    [
        ([API, DEPLOYMENT, METHOD, PART], "aws_api_gateway_integration.x"),
        ([API, DEPLOYMENT, POST], "aws_api_gateway_method.x"),
        ([API, DEPLOYMENT], "aws_api_gateway_method.x"),
        ([WITH_A_BODY, DEPLOYMENT, METHOD], "aws_api_gateway_rest_api.x"),
    ],
)
def test_a_deployment_that_an_apply_has_left_alone_serves_the_old_api(
    after: list[Resource], changed: str
) -> None:
    (line,) = old_deployments(FIRST, after)

    assert line.startswith(
        f"aws_api_gateway_deployment.x has stayed as it was, although {changed} has changed. "
    )


@pytest.mark.parametrize(
    "after",
    [
        FIRST,
        [WITH_TAGS, DEPLOYMENT, METHOD],
        [API, AGAIN, POST],
        [API, DEPLOYMENT, METHOD, OTHERS_PART],
        [],
    ],
)
def test_a_deployment_that_is_current_or_new_is_none_of_them(after: list[Resource]) -> None:
    assert old_deployments(FIRST, after) == []


def test_the_first_deployment_of_an_api_is_current() -> None:
    assert old_deployments([], FIRST) == []
