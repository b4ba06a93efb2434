"""The hops of a request to an API or a function URL: route, authorizer, function and its calls."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from harness.aws.calls import RequestLog
from harness.errors import BackendError
from harness.stack.hops import function
from harness.stack.hops.apis.routes import Route, route_of_url, routes_of
from harness.stack.hops.hop import Hop, cap, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.stack.hops.hop import State, Tracer
    from harness.values import Sent

_ROUTE = "matched a route"
_AUTHORIZED = "authorized"
_FOUND = "found a function"
_CALLED = "called AWS"
_ANSWERED = "answered"
_OPEN = frozenset({"", "NONE"})
_REFUSALS = frozenset({401, 403})
_SERVER_ERROR = 500


def follow(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of a request to a stage of an API."""
    _, stage, method, path = _parts_of(sent)
    matched, route = observe(_ROUTE, lambda: _match_route(tracer, sent, method, path))
    return _follow_route(tracer, sent, matched, route, where=f"stage {stage}")


def follow_url(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of a request to a function URL."""
    matched, route = observe(_FOUND, lambda: _find_function(tracer, sent))
    return _follow_route(tracer, sent, matched, route, where="the function URL")


def _parts_of(sent: Sent) -> tuple[str, str, str, str]:
    """Return the API, the stage, the method and the path that were asked for.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
    """
    api, stage, method, path = (*name_in(sent.arn).split("/", 3), "", "", "")[:4]
    return api, stage, method, path


def _follow_route(
    tracer: Tracer, sent: Sent, matched: Hop, route: Route | None, *, where: str
) -> tuple[Hop, ...]:
    answer = partial(_answer, sent, where)
    if route is None:
        return matched, *function.without_invocation(matched, "not looked for: no route is known"), answer()
    if not route.function:
        onward = f"to {route.target}, which the harness does not follow into"
        return matched, Hop(name="handed on", state="unknown", seen=onward), answer()
    invoked, returned, attempts = function.follow_invocation(tracer, replace(sent, arn=route.target))
    authorized = _follow_authorizer(tracer, sent, route, is_through=bool(attempts))
    if any(hop.state == "failed" for hop in authorized):
        stop = authorized[-1]
        return matched, *authorized, *function.without_invocation(stop, "it was not authorized"), answer()
    called = _look_at_calls(tracer, route.target, [attempt.request_id for attempt in attempts])
    return matched, *authorized, invoked, returned, *called, answer()


def _answer(sent: Sent, where: str) -> Hop:
    status = sent.status or 0
    state: State = "reached" if 0 < status < _SERVER_ERROR else "failed"
    return Hop(name=_ANSWERED, state=state, seen=f"{status or 'no answer'}, by {where}")


def _match_route(tracer: Tracer, sent: Sent, method: str, path: str) -> tuple[Hop, Route | None]:
    api = _parts_of(sent)[0]
    routes = routes_of(tracer, api, sent.arn)
    fitting = sorted((route for route in routes if route.fits(method, path)), key=Route.rank)
    if fitting:
        return Hop(name=_ROUTE, state="reached", seen=str(fitting[0])), fitting[0]
    seen = "\n".join(
        [f"none of its {len(routes)} is for {method} /{path}", *cap([str(route) for route in routes])]
    )
    return Hop(name=_ROUTE, state="failed", seen=seen), None


def _find_function(tracer: Tracer, sent: Sent) -> tuple[Hop, Route | None]:
    url = _parts_of(sent)[0]
    route = route_of_url(tracer, url, sent.arn)
    if route is None:
        return Hop(name=_FOUND, state="failed", seen=f"no function has the URL {url}"), None
    return Hop(name=_FOUND, state="reached", seen=name_in(route.target)), route


def _follow_authorizer(tracer: Tracer, sent: Sent, route: Route, *, is_through: bool) -> tuple[Hop, ...]:
    """Return whether the request was let through, below the hops of the function that was asked."""
    if route.authorization in _OPEN:
        return ()
    asked = (
        function.follow_invocation(tracer, replace(sent, arn=route.authorizer))[:2]
        if route.authorizer
        else ()
    )
    hops = tuple(replace(hop, name=hop.name.replace("function", "authorizer"), payload="") for hop in asked)
    is_refused = not is_through and sent.status in _REFUSALS
    if is_refused:  # the API refuses such a request before it asks an authorizer
        hops = tuple(replace(hop, state="unreached") if hop.state == "failed" else hop for hop in hops[:1])
    state: State = "failed" if is_refused else "reached" if is_through else "unknown"
    seen = f"{route.authorization}: {f'refused with {sent.status}' if is_refused else 'let through'}"
    return *hops, Hop(name=_AUTHORIZED, state=state, seen=seen)


def _look_at_calls(tracer: Tracer, arn: str, requests: Sequence[str]) -> tuple[Hop, ...]:
    """Return the AWS calls of a function in these invocations, if the backend has a request log."""
    try:
        calls = RequestLog.of(tracer.stack.endpoint).calls()
    except BackendError:
        return ()
    own = [
        call
        for call in calls
        if call.by == f"function:{function.name_of(arn)}" and call.request_id in requests
    ]
    lines = [
        f"{call.service} {call.operation} {' '.join(call.resources)}: {call.error or call.status}"
        for call in own
    ]
    if not own:
        return ()
    state: State = "unknown" if any(call.error for call in own) else "reached"
    return (
        Hop(
            name=_CALLED,
            state=state,
            seen="\n".join([f"{len(own)} time{'s' * (len(own) > 1)}", *cap(lines)]),
        ),
    )
