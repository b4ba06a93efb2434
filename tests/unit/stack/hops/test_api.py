from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from harness import Endpoint
from harness.aws.rest import place_of
from harness.stack.hops import trace_sent
from harness.values import ApiResponse
from tests.unit.stack.hops.world import WORKER, arn, sent

if TYPE_CHECKING:
    from tests.unit.stack.hops.world import World

INVOKE = f"arn:aws:apigateway:eu-north-1:lambda:path/2015-03-31/functions/{WORKER}/invocations"
ORDERS = "arn:aws:execute-api:eu-north-1::a1/prod"
URL = "arn:aws:lambda-url:eu-north-1::u1/"
HOPS = ["accepted by API Gateway", "matched a route", "function invoked", "function returned", "answered"]


def rest_api(world: World, path: str, method: str = "GET", **others: Any) -> None:  # noqa: ANN401 - as AWS has it
    described = {"methodIntegration": {"uri": INVOKE}, **others}
    world.resources.append({"path": path, "resourceMethods": {method: described}})


def asked(world: World, request: str, status: int = 200, to: str = ORDERS) -> list[tuple[str, str, str]]:
    """Return the hops of a request that has just been answered."""
    now = time.time()
    one = sent(f"{to}/{request}", "", id=request, at=now, status=status, is_answered=True, until=now + 1)
    return [(hop.name, hop.state, hop.seen) for hop in trace_sent(world.stack(), one, patience=0)]


def states(hops: list[tuple[str, str, str]]) -> dict[str, str]:
    return {name: state for name, state, _ in hops}


def seen(hops: list[tuple[str, str, str]], name: str) -> str:
    return next(text for each, _, text in hops if each == name)


def test_a_request_is_followed_to_its_function_and_its_answer(world: World) -> None:
    rest_api(world, "/orders/{id}")
    world.ran()

    hops = asked(world, "GET/orders/7")

    assert [name for name, _, _ in hops] == HOPS
    assert set(states(hops).values()) == {"reached"}
    assert seen(hops, "matched a route") == "GET /orders/{id}"
    assert seen(hops, "answered") == "200, by stage prod"


def test_what_has_begun_after_the_answer_is_not_its_doing(world: World) -> None:
    rest_api(world, "/orders")
    world.ran(request="r-1")
    world.ran(request="r-2", after=5)

    assert "request r-1" in seen(asked(world, "GET/orders"), "function invoked")


def test_a_request_that_no_route_is_for_stops_there(world: World) -> None:
    rest_api(world, "/orders")

    hops = asked(world, "DELETE/orders", status=403)

    assert states(hops)["matched a route"] == "failed"
    assert states(hops)["function invoked"] == "unreached"
    assert seen(hops, "matched a route") == "none of its 1 is for DELETE /orders\nGET /orders"


def test_the_most_specific_route_is_taken(world: World) -> None:
    for path, method in (("/{proxy+}", "ANY"), ("/orders/{id}", "ANY"), ("/orders/{id}", "GET")):
        rest_api(world, path, method)

    assert seen(asked(world, "GET/orders/7"), "matched a route") == "GET /orders/{id}"
    assert seen(asked(world, "PUT/orders/7"), "matched a route") == "ANY /orders/{id}"
    assert seen(asked(world, "GET/a/b/c"), "matched a route") == "ANY /{proxy+}"


def test_a_refused_request_stops_at_its_authorizer(world: World) -> None:
    rest_api(world, "/orders", authorizationType="AWS_IAM")

    hops = asked(world, "GET/orders", status=403)

    assert states(hops)["authorized"] == "failed"
    assert seen(hops, "authorized") == "AWS_IAM: refused with 403"
    assert states(hops)["function invoked"] == "unreached"


def test_an_authorizer_that_is_a_function_is_looked_at(world: World) -> None:
    guard = INVOKE.replace(":worker", ":guard")
    rest_api(world, "/orders", authorizationType="CUSTOM", authorizerId="g")
    world.authorizers = [{"id": "g", "authorizerUri": guard}]
    world.ran(group="/aws/lambda/guard")
    world.ran()

    hops = asked(world, "GET/orders")

    assert [name for name, _, _ in hops][2:5] == ["authorizer invoked", "authorizer returned", "authorized"]
    assert set(states(hops).values()) == {"reached"}
    assert seen(hops, "authorized") == "CUSTOM: let through"


def test_an_http_api_has_routes_by_their_keys(world: World) -> None:
    world.http_routes = [
        {"RouteKey": "$default", "Target": "integrations/i"},
        {"RouteKey": "POST /orders", "Target": "integrations/i"},
    ]
    world.integrations = [{"IntegrationId": "i", "IntegrationUri": WORKER}]
    world.refused = {"get_resources"}
    world.ran()

    assert seen(asked(world, "POST/orders"), "matched a route") == "POST /orders"
    assert seen(asked(world, "GET/orders"), "matched a route") == "$default"


def test_an_answer_of_the_api_itself_is_not_looked_for_in_a_function(world: World) -> None:
    rest_api(world, "/orders", "OPTIONS", methodIntegration={"type": "MOCK"})

    hops = asked(world, "OPTIONS/orders")

    assert seen(hops, "handed on") == "to MOCK, which the harness does not follow into"
    assert "function invoked" not in states(hops)


def test_a_failed_answer_is_a_failed_hop(world: World) -> None:
    rest_api(world, "/orders")
    world.ran("[ERROR] ValueError: poison")

    hops = states(asked(world, "GET/orders", status=502))

    assert (hops["function returned"], hops["answered"]) == ("failed", "failed")


def test_a_function_url_is_followed_to_its_function(world: World) -> None:
    world.urls = [{"FunctionUrl": "https://u1.lambda-url.x/", "FunctionArn": WORKER, "AuthType": "NONE"}]
    world.ran()

    hops = asked(world, "GET/any/path", to=URL)

    assert set(states(hops).values()) == {"reached"}
    assert seen(hops, "found a function") == "function:worker"
    assert states(asked(world, "GET/", to=URL.replace("u1", "u2")))["found a function"] == "failed"


def test_an_answer_that_is_of_no_api_has_no_trace(world: World) -> None:
    (hop,) = world.stack().trace(ApiResponse(status=200, headers={}, body=b"", elapsed=0.1))

    assert (hop.state, hop.seen) == ("unknown", "the URL is of no API and no function")


def test_an_event_in_a_log_group_is_found_by_its_id(world: World) -> None:
    group = arn("logs", "log-group:/aws/lambda/worker")
    world.ran('{"id": "e-1"}')

    found = {hop.name: hop for hop in trace_sent(world.stack(), sent(group, id="e-1"), patience=0)}
    missed = {hop.name: hop for hop in trace_sent(world.stack(), sent(group, id="e-2"), patience=0)}

    assert (found["in the log group"].state, found["in the log group"].payload) == (
        "reached",
        '{"id": "e-1"}',
    )
    assert missed["in the log group"].seen == "no line of /aws/lambda/worker names e-2"


@pytest.mark.parametrize(
    ("published", "stage", "place"),
    [
        ("https://a1.execute-api.eu-west-1.amazonaws.com/prod/orders", "", ("eu-west-1::a1/prod", "orders")),
        (
            "https://a1.execute-api.eu-west-1.amazonaws.com/orders",
            "$default",
            ("eu-west-1::a1/$default", "orders"),
        ),
        ("http://a1.execute-api.127.0.0.1:4566", "", ("eu-north-1::a1/$default", "")),
    ],
)
def test_an_api_is_known_by_its_url(published: str, stage: str, place: tuple[str, str]) -> None:
    endpoint = Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1")

    arn_of_it, below = place_of(endpoint, published, stage=stage)

    assert (arn_of_it.removeprefix("arn:aws:execute-api:"), below) == place
    assert place_of(endpoint, "https://example.com/x") == ("", "")
