"""The API end to end: real requests to the bundled function, on Node.js."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness import Deployment


def test_a_name_is_greeted_in_the_language_of_the_query(stack: Deployment) -> None:
    api = stack.api("url")

    assert api.get("greetings/Ada").json() == {"greeting": "Hello, Ada!"}
    assert api.get("greetings/Åsa", query={"language": "sv"}).json() == {"greeting": "Hej, Åsa!"}


def test_a_language_that_is_unknown_is_the_callers_mistake(stack: Deployment) -> None:
    answer = stack.api("url").get("greetings/Ada", query={"language": "tlh"})

    assert (answer.status, answer.json()) == (400, {"error": "no greeting in tlh"})


def test_the_api_has_no_other_route(stack: Deployment) -> None:
    answer = stack.api("url").post("greetings/Ada")
    stop = stack.trace(answer).failure

    assert answer.status == 404
    assert stop is not None
    assert stop.seen == "none of its 1 is for POST /greetings/Ada\nGET /greetings/{name}"


def test_aws_would_take_it_and_a_second_plan_changes_nothing(stack: Deployment) -> None:
    assert stack.refusals() == []
    assert stack.plan() == []
