"""The events that HTTP APIs send to functions, with the parts that emulators leave out.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

type Event = dict[str, Any]

FIRST, SECOND = "1.0", "2.0"
_DEFAULT_STAGE = "$default"
# A field without a value is missing from the second format, while the first has a null in its place.
_OPTIONAL = ("body", "cookies", "pathParameters", "queryStringParameters", "stageVariables")


def completed(event: Event, variables: Mapping[str, str]) -> Event:
    """Return an event as AWS sends it.

    Args:
        event: The event, whose path is without the stage.
        variables: The variables of the stage.
    """
    name = event["requestContext"]["stage"]
    stage = "" if name == _DEFAULT_STAGE else f"/{name}"
    if event.get("version") == SECOND:
        return _completed_second(event, stage, variables)
    path = stage + event["path"]
    return {
        **event,
        "version": FIRST,
        "path": path,
        "stageVariables": dict(variables) or None,
        "requestContext": {**event["requestContext"], "path": path},
    }


def _completed_second(event: Event, stage: str, variables: Mapping[str, str]) -> Event:
    path, context = stage + event["rawPath"], event["requestContext"]
    query = parse_qs(event["rawQueryString"], keep_blank_values=True)
    cookies = event["headers"].get("cookie", "")
    whole = {
        **event,
        "rawPath": path,
        "requestContext": {**context, "http": {**context["http"], "path": path}},
        "cookies": cookies.split("; ") if cookies else None,
        "queryStringParameters": {key: ",".join(values) for key, values in query.items()} or None,
        "stageVariables": dict(variables) or None,
    }
    return {key: value for key, value in whole.items() if value is not None or key not in _OPTIONAL}


def in_first_format(event: Event) -> Event:
    """Return an event of the second format in the first, which resembles that of a REST API."""
    query = parse_qs(event["rawQueryString"], keep_blank_values=True)
    context, http = event["requestContext"], event["requestContext"]["http"]
    route = event["routeKey"].rpartition(" ")[2]
    return {
        "version": FIRST,
        "resource": route,
        "path": event["rawPath"],
        "httpMethod": http["method"],
        "headers": event["headers"],
        "multiValueHeaders": {name: [value] for name, value in event["headers"].items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": event.get("pathParameters"),
        "body": event.get("body"),
        "isBase64Encoded": event["isBase64Encoded"],
        "requestContext": {
            "accountId": context["accountId"],
            "apiId": context["apiId"],
            "authorizer": _authorizer(context.get("authorizer", {})),
            "domainName": context["domainName"],
            "domainPrefix": context["apiId"],
            "extendedRequestId": context["requestId"],
            "httpMethod": http["method"],
            "identity": {"sourceIp": http["sourceIp"], "userAgent": http["userAgent"]},
            "protocol": http["protocol"],
            "requestId": context["requestId"],
            "requestTime": context["time"],
            "requestTimeEpoch": context["timeEpoch"],
            "resourceId": event["routeKey"],
            "resourcePath": route,
            "stage": context["stage"],
        },
    }


def _authorizer(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what an authorizer found out: claims of a token, or the context that a function returned."""
    found: Mapping[str, Any] = given.get("jwt") or given.get("lambda") or given
    return found
