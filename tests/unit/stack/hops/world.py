"""An account whose clients are fakes that return the data of the test."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from botocore.exceptions import ClientError

from harness import Deployment, Endpoint
from harness.values import Outputs, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.terraform.commands import Terraform

BUS = "orders"


def arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:eu-north-1:000000000000:{name}"


WORKER = arn("lambda", "function:worker")
QUEUE = arn("sqs", "jobs")
DEAD = arn("sqs", "dead")
TOPIC = arn("sns", "news")
BUCKET = "arn:aws:s3:::objects"


def rule(name: str = "placed", *, state: str = "ENABLED", **others: str) -> dict[str, str]:
    waits = others or {"EventPattern": json.dumps({"source": ["shop"]})}
    return {"Name": name, "Arn": arn("events", f"rule/orders/{name}"), "State": state, **waits}


def sent(to: str, payload: object = None, **others: Any) -> Sent:  # noqa: ANN401 - the fields of Sent
    text = payload if isinstance(payload, str) else json.dumps(payload or {})
    return Sent(arn=to, **{"id": str(uuid4()), "payload": text, "at": time.time(), **others})


class NotFoundError(ClientError):
    """AWS's error for a missing log group, or for a function without the setting."""


@dataclass(slots=True)
class World:
    """The contents of the account, by the ARN or name of their owner."""

    rules: list[dict[str, str]] = field(default_factory=lambda: [rule()])
    elsewhere: list[dict[str, str]] = field(default_factory=list)  # the rules of the other bus
    targets: dict[str, list[str]] = field(default_factory=lambda: {"placed": [f"{WORKER}:live"]})
    target_settings: dict[str, Any] = field(default_factory=dict)  # of every target
    log: list[dict[str, Any]] = field(default_factory=list)
    mappings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    redrive: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscriptions: list[dict[str, str]] = field(default_factory=list)
    notifications: dict[str, Any] = field(default_factory=dict)
    function: dict[str, Any] = field(default_factory=dict)
    invoke_config: dict[str, Any] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    execution: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    executions: list[dict[str, Any]] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)  # of a REST API
    http_routes: list[dict[str, Any]] = field(default_factory=list)
    integrations: list[dict[str, Any]] = field(default_factory=list)
    authorizers: list[dict[str, Any]] = field(default_factory=list)
    urls: list[dict[str, Any]] = field(default_factory=list)  # of functions
    refused: set[str] = field(default_factory=set)  # the calls that answer with an error

    def ran(
        self, *messages: str, request: str = "r-1", after: float = 0.01, group: str = "/aws/lambda/worker"
    ) -> None:
        """Log an invocation `after` seconds from now."""
        lines = (f"START RequestId: {request} Version: 1", *messages, f"END RequestId: {request}")
        stamp = int((time.time() + after) * 1000)
        self.log += [
            {"logStreamName": request, "timestamp": stamp, "message": line, "group": group} for line in lines
        ]

    def lies_in(self, queue: str, body: str, **others: Any) -> None:  # noqa: ANN401 - as SQS has messages
        """Put a message into a queue."""
        self.messages.setdefault(queue, []).append({"MessageId": str(uuid4()), "Body": body, **others})

    def maps(self, source: str = QUEUE, **others: Any) -> None:  # noqa: ANN401 - as Lambda has mappings
        """Map a queue or a stream to the worker."""
        self.mappings.setdefault(source, []).append({"FunctionArn": WORKER, "State": "Enabled", **others})

    def stack(self, *, url: str = "http://127.0.0.1:1") -> Stack:
        endpoint = Endpoint(backend="host", url=url, region="eu-north-1")
        return Stack(endpoint=endpoint, terraform=cast("Terraform", None), outputs=Outputs({}), world=self)

    def client(self) -> Any:  # noqa: ANN401 - stands in for a boto3 client
        calls = {call: self._answering(call) for call in _ANSWERS}
        return SimpleNamespace(
            **calls,
            get_paginator=lambda call: SimpleNamespace(paginate=lambda **asked: self._pages(call, asked)),
            exceptions=SimpleNamespace(ResourceNotFoundException=NotFoundError),
        )

    def _answering(self, call: str) -> Any:  # noqa: ANN401 - a method of a boto3 client
        def answer(**asked: Any) -> Any:  # noqa: ANN401 - as boto3
            self._refuse(call)
            return _ANSWERS[call](self, asked)

        return answer

    def _refuse(self, call: str) -> None:
        if call in self.refused:
            raise ClientError({"Error": {"Code": "InternalFailure", "Message": "no luck"}}, call)

    def _pages(self, call: str, asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self._refuse(call)
        if call in _LISTS:
            yield _LISTS[call](self)
        match call:
            case "list_rules":
                rules = self.rules if asked == {"EventBusName": BUS} else self.elsewhere
                yield from ({"Rules": [each]} for each in rules)
            case "list_targets_by_rule":
                arns = self.targets.get(asked["Rule"], [])
                yield {"Targets": [{"Arn": target, **self.target_settings} for target in arns]}
            case "list_event_source_mappings":
                yield {"EventSourceMappings": self.mappings.get(asked["EventSourceArn"], [])}
            case "get_execution_history":
                yield from ({"events": [each]} for each in self.history)
            case "list_executions":
                yield {"executions": self.executions}
            case "list_subscriptions_by_topic":
                assert asked == {"TopicArn": TOPIC}
                yield from ({"Subscriptions": [each]} for each in self.subscriptions)
            case "filter_log_events" if not self.log:
                raise NotFoundError({"Error": {"Code": "ResourceNotFoundException"}}, call)
            case "filter_log_events":
                assert asked["logGroupName"] in {"/aws/lambda/worker", "/aws/lambda/guard"}
                own = [line for line in self.log if line["group"] == asked["logGroupName"]]
                yield {"events": [line for line in own if line["timestamp"] >= asked["startTime"]]}


def _invoke_config(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    assert asked["FunctionName"] == "worker"
    if not world.invoke_config:
        raise NotFoundError({"Error": {"Code": "ResourceNotFoundException"}}, "GetFunctionEventInvokeConfig")
    return world.invoke_config


def _attributes(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    queue = asked["QueueUrl"]
    waiting = {"ApproximateNumberOfMessages": str(len(world.messages.get(queue, [])))}
    policy = {"RedrivePolicy": json.dumps(world.redrive[queue])} if queue in world.redrive else {}
    return {"Attributes": waiting | policy}


def _subscription(world: World, asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "Attributes": next(
            one for one in world.subscriptions if one["SubscriptionArn"] == asked["SubscriptionArn"]
        )
    }


_ANSWERS: dict[str, Any] = {
    "get_function_configuration": lambda world, _: world.function,
    "get_function_event_invoke_config": _invoke_config,
    "get_queue_url": lambda _, asked: {"QueueUrl": arn("sqs", asked["QueueName"])},
    "get_queue_attributes": _attributes,
    "receive_message": lambda world, asked: {"Messages": world.messages.get(asked["QueueUrl"], [])},
    "get_subscription_attributes": _subscription,
    "get_bucket_notification_configuration": lambda world, _: world.notifications,
    "list_event_buses": lambda _, __: {"EventBuses": [{"Name": BUS}, {"Name": "default"}]},
    "describe_execution": lambda world, _: world.execution,
    "get_authorizers": lambda world, _: {"items": world.authorizers},
    "get_authorizer": lambda world, asked: {one["AuthorizerId"]: one for one in world.authorizers}[
        asked["AuthorizerId"]
    ],
    "get_routes": lambda world, _: {"Items": world.http_routes},
    "get_integrations": lambda world, _: {"Items": world.integrations},
    "list_function_url_configs": lambda world, _: {"FunctionUrlConfigs": world.urls},
    "describe_table": lambda world, _: {"Table": world.table},
}


_LISTS: dict[str, Any] = {
    "get_resources": lambda world: {"items": world.resources},
    "list_functions": lambda _: {"Functions": [{"FunctionName": "worker"}]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack(Deployment):
    world: World

    def client(self, _service: str, _region: str = "") -> Any:  # noqa: ANN401 - stands in for a boto3 client
        return self.world.client()
