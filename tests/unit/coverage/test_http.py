from __future__ import annotations

import pytest

from harness.coverage import Level
from harness.coverage.judge import judge_resources
from tests.unit.coverage.calls import TEST, WRITER, call, resource

CREATED, UNKNOWN, USED, ASSERTED = Level
ROUTES = {
    "all": "GET /things",
    "one": "GET /things/{id}",
    "any": "ANY /things/{id}",
    "rest": "ANY /files/{proxy+}",
    "other": "$default",
}
API = [
    resource("aws_apigatewayv2_api.a", id="a", protocol_type="HTTP"),
    resource("aws_apigatewayv2_stage.default", api_id="a", name="$default"),
    resource("aws_apigatewayv2_stage.dev", api_id="a", name="dev"),
    *(
        resource(f"aws_apigatewayv2_route.{name}", api_id="a", route_key=key, target=f"integrations/{name}")
        for name, key in ROUTES.items()
    ),
    *(resource(f"aws_apigatewayv2_integration.{name}", api_id="a", id=name) for name in ROUTES),
]
COMMON = {"api.a"}


def used(request: str, *, by: str = TEST, status: int = 200) -> set[str]:
    """Return the names of everything that a request such as `a/dev/GET/things` has used."""
    made = call("execute-api:Invoke", by, f"arn:aws:execute-api:::{request}", status=status)
    levels = judge_resources(API, [made])
    return {
        address.removeprefix("aws_apigatewayv2_") for address, (level, _) in levels.items() if level.is_used
    }


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        ("GET/things", "all"),
        ("GET/things/1", "one"),
        ("POST/things/1", "any"),
        ("PUT/files/a/b", "rest"),
        ("GET/elsewhere", "other"),
    ],
)
def test_a_request_takes_the_most_specific_route_and_its_integration(request_: str, name: str) -> None:
    assert used(f"a/dev/{request_}") == {*COMMON, "stage.dev", f"route.{name}", f"integration.{name}"}


@pytest.mark.parametrize("path", ["a/$default/GET/things/1", "a/things/GET/1"])
def test_the_default_stage_is_served_with_its_name_and_without(path: str) -> None:
    assert used(path) == {*COMMON, "stage.default", "route.one", "integration.one"}


def test_an_answer_that_may_be_the_gateways_own_shows_no_integration() -> None:
    assert used("a/dev/GET/things", status=403) == {*COMMON, "stage.dev", "route.all"}


def test_a_test_that_had_an_answer_asserts_and_a_function_or_another_api_does_not() -> None:
    arn = "arn:aws:execute-api:::a/dev/GET/things"
    by = {one: call("execute-api:Invoke", one, arn) for one in (TEST, WRITER, "unknown")}

    levels = {one: judge_resources(API, [made])["aws_apigatewayv2_route.all"][0] for one, made in by.items()}

    assert levels == {TEST: ASSERTED, WRITER: USED, "unknown": UNKNOWN}
    assert used("b/dev/GET/things") == set()


def test_what_no_request_has_taken_is_created() -> None:
    assert {level for level, _ in judge_resources(API, []).values()} == {CREATED}


@pytest.mark.parametrize(
    ("api", "reason"),
    [
        ({"protocol_type": "WEBSOCKET"}, "the log has no messages to WebSocket APIs"),
        (
            {"protocol_type": "HTTP", "body": "{}"},
            "other routes of its API are those of an OpenAPI document",
        ),
    ],
)
def test_routes_that_no_request_can_tell_apart_are_unknown(api: dict[str, str], reason: str) -> None:
    stack = [resource("aws_apigatewayv2_api.a", id="a", **api), *API[1:]]
    made = call("execute-api:Invoke", TEST, "arn:aws:execute-api:::a/dev/GET/things")

    assert judge_resources(stack, [made])["aws_apigatewayv2_route.all"] == (UNKNOWN, reason)
    assert judge_resources(API[1:], [made])["aws_apigatewayv2_route.all"][0] is UNKNOWN
