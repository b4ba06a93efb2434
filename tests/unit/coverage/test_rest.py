from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.coverage import Level
from harness.coverage.judge import judge_resources
from tests.unit.coverage.calls import TEST, WRITER, call, resource

if TYPE_CHECKING:
    from harness.values import Resource

CREATED, UNKNOWN, USED, ASSERTED = Level


def route(name: str, path: str, *methods: str) -> list[Resource]:
    made = [resource(f"aws_api_gateway_resource.{name}", rest_api_id="a", id=name, path=path)]
    for method in methods:
        values = {"rest_api_id": "a", "resource_id": name, "http_method": method}
        made.append(resource(f"aws_api_gateway_method.{name}-{method}", **values))
        made.append(resource(f"aws_api_gateway_integration.{name}-{method}", **values))
    return made


API = [
    resource("aws_api_gateway_rest_api.a", id="a", root_resource_id="root"),
    resource("aws_api_gateway_stage.dev", rest_api_id="a", stage_name="dev", deployment_id="d"),
    resource("aws_api_gateway_stage.old", rest_api_id="a", stage_name="old", deployment_id="o"),
    resource("aws_api_gateway_deployment.d", rest_api_id="a", id="d"),
    resource("aws_api_gateway_deployment.o", rest_api_id="a", id="o"),
    *route("things", "/things", "GET", "ANY"),
    *route("thing", "/things/{id}", "GET"),
    *route("newest", "/things/newest", "GET"),
    *route("rest", "/{proxy+}", "ANY"),
]


def used(request: str, *, by: str = TEST, status: int = 200) -> set[str]:
    """Return the names of everything that a request such as `a/dev/GET/things` has used."""
    made = call("execute-api:Invoke", by, f"arn:aws:execute-api:::{request}", status=status)
    levels = judge_resources(API, [made])
    return {
        address.removeprefix("aws_api_gateway_") for address, (level, _) in levels.items() if level.is_used
    }


COMMON = {"rest_api.a", "stage.dev", "deployment.d"}


@pytest.mark.parametrize(
    ("request_", "name", "ancestors"),
    [
        ("GET/things", "things-GET", {"resource.things"}),
        ("POST/things", "things-ANY", {"resource.things"}),
        ("GET/things/1", "thing-GET", {"resource.thing"}),
        ("GET/things/newest", "newest-GET", {"resource.things", "resource.newest"}),
        ("GET/others/1", "rest-ANY", {"resource.rest"}),
    ],
)
def test_a_request_takes_the_path_and_the_method_that_fit_best(
    request_: str, name: str, ancestors: set[str]
) -> None:
    told = used(f"a/dev/{request_}")

    assert told - {"resource.things"} == (COMMON | {f"method.{name}", f"integration.{name}"} | ancestors) - {
        "resource.things"
    }


def test_a_method_that_is_not_declared_is_nobodys() -> None:
    assert {each for each in used("a/dev/DELETE/things/1") if each.startswith(("method", "integr"))} == set()


def test_a_request_to_another_api_or_stage_is_not_this_ones() -> None:
    assert used("b/dev/GET/things") == set()
    assert {"stage.old", "deployment.o"} <= used("a/old/GET/things")
    assert not {"stage.dev", "deployment.d"} & used("a/old/GET/things")


def test_an_error_may_be_the_gateways_own_so_the_integration_is_not_used() -> None:
    told = used("a/dev/GET/things", status=403)

    assert "method.things-GET" in told
    assert "integration.things-GET" not in told


def test_a_test_that_got_an_answer_has_read_it_and_one_that_got_an_error_has_not() -> None:
    arn = "arn:aws:execute-api:::a/dev/GET/things"
    of = {
        status: judge_resources(API, [call("execute-api:Invoke", TEST, arn, status=status)])[
            "aws_api_gateway_rest_api.a"
        ]
        for status in (200, 500)
    }

    assert (of[200][0], of[500][0]) == (ASSERTED, USED)


def test_a_client_that_nobody_knows_leaves_it_open() -> None:
    made = [call("execute-api:Invoke", "unknown", "arn:aws:execute-api:::a/dev/GET/things")]

    assert judge_resources(API, made)["aws_api_gateway_rest_api.a"][0] is UNKNOWN
    assert used("a/dev/GET/things", by=WRITER) >= COMMON


def test_a_call_without_an_arn_is_no_request() -> None:
    assert (
        judge_resources(API, [call("execute-api:Invoke", TEST)])["aws_api_gateway_rest_api.a"][0] is CREATED
    )
