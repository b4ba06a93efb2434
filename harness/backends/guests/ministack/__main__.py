"""Start MiniStack 1.5.33 with what its enforcement of policies lacks; it runs in MiniStack's environment.

The condition keys of S3 that a request's headers or body tell are filled in.
S3 says that a key is missing only to a caller that may list it, as on AWS.
Two answers of API Gateway that differ from AWS's are put right as well.
Its APIs take a `body` in OpenAPI, and call services as their integrations say.
CloudWatch gives alarms back whole. WAFv2 keeps what a web ACL logs.
AWS's own policies allow what they allow on AWS, and its own keys are there.
A secret is rotated by its function. A state machine calls S3 in its own region.
A rule of EventBridge writes into log groups.
The outcome of an asynchronous invocation is sent where the function's settings say.
A batch of a stream that a function fails on is split, given up and handed on as its mapping says.
SNS tells functions of a message's attributes and subject even if it has none, as on AWS.
A message of SQS that a function failed on comes again soon, whatever its queue says.
Functions run on the harness's own runner.
"""

from __future__ import annotations

import json
import os
import time
from functools import wraps
from typing import TYPE_CHECKING, Any

from defusedxml import ElementTree
from lambda_process_executor import (
    ministack_accounts,
    ministack_alarms,
    ministack_calls,
    ministack_defaults,
    ministack_destinations,
    ministack_events,
    ministack_http_events,
    ministack_http_integrations,
    ministack_http_openapi,
    ministack_keys,
    ministack_openapi,
    ministack_policies,
    ministack_regions,
    ministack_rest_integrations,
    ministack_rotation,
    ministack_state,
    ministack_streams,
    ministack_waf,
    ministack_websockets,
    ministack_workflows,
    workers,
)
from lambda_process_executor.condition_keys import Keys, put_object_keys, tag_keys

from ministack import app
from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import alb, apigateway, apigateway_v1, lambda_svc, s3, sns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    type Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]

_ON_A_KEY = frozenset(
    {"s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectTagging", "s3:PutObjectTagging"}
)


def behind_tls(served: Application) -> Application:
    """Let requests count as sent over TLS, as behind AWS's load balancers, save X-Forwarded-Proto: http."""

    async def application(scope: dict[str, Any], receive: object, send: object) -> None:
        named = {name.lower() for name, _ in scope.get("headers", ())}
        if scope["type"] == "http" and b"x-forwarded-proto" not in named:
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await served(scope, receive, send)

    return application


def put_tagging_keys(body: bytes) -> Keys:
    """Return the condition keys of a PutObjectTagging with this body."""
    tags = [node for node in ElementTree.fromstring(body).iter() if node.tag.endswith("Tag")]
    pairs = [{field.tag.rpartition("}")[2]: field.text or "" for field in tag} for tag in tags]
    return tag_keys({pair["Key"]: pair["Value"] for pair in pairs})


def _with_put_object_keys(known: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @wraps(known)
    def context(
        action: str, query: object, path: str = "", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        added = put_object_keys(headers or {}) if action == "s3:PutObject" else {}
        return added | known(action, query, path, headers)

    return context


def _with_put_tagging_keys(known: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    @wraps(known)
    def context(service: str, action: str, body: bytes, params: object) -> dict[str, Any]:
        added = put_tagging_keys(body) if action == "s3:PutObjectTagging" else {}
        return added | known(service, action, body, params)

    return context


def _with_listing_of_missing_keys(known: Callable[..., object]) -> Callable[..., object]:
    """Report a missing key only to a caller that may list it, and refuse all others.

    The permission is ``s3:ListBucket`` with the key as the prefix:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """

    @wraps(known)
    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> object:
        denied = known(access_key_id, iam_action, service, region, resource_arn, service_context)
        bucket, _, key = resource_arn.partition("/")
        if denied or iam_action not in _ON_A_KEY or not _is_missing(bucket.rpartition(":")[2], key):
            return denied
        return known(access_key_id, "s3:ListBucket", service, region, bucket, {"s3:prefix": key})

    return enforce


def _is_missing(bucket: str, key: str) -> bool:
    held = s3._ensure_bucket(bucket)  # noqa: SLF001 - the version is pinned
    return held is not None and key not in held["objects"]


def _whatever_the_account(
    known: Callable[[str], tuple[str, str] | None],
    apis: Any,  # noqa: ANN401 - MiniStack's
) -> Callable[[str], object]:
    """Find one of these APIs by its id alone, as on AWS: an unsigned call names no account."""

    @wraps(known)
    def scope(api_id: str) -> object:
        every = list(apis.all_items())
        found = ((account, region) for (account, region, held), _ in every if held == api_id)
        return known(api_id) or next(found, None)

    return scope


def _wherever_it_is(known: Callable[[str], object]) -> Callable[[str], object]:
    """Find a load balancer by its host alone, and answer in its account and region."""

    @wraps(known)
    def find(host: str) -> object:
        name = host.partition(":")[0].lower()
        for (account, region, _), held in list(alb._lbs.all_items()):  # noqa: SLF001 - the version is pinned
            if held["DNSName"].lower() == name:
                responses.set_request_account_id(account)
                responses.set_request_region(region)
                return held
        return known(host)

    return find


def _without_empty_settings(known: Callable[..., Any]) -> Callable[..., Any]:
    """Leave out the access log settings of a stage without any.

    Terraform takes empty ones for a diff.
    """

    @wraps(known)
    def create(api_id: str, *rest: object) -> object:
        answer = known(api_id, *rest)
        for stage in apigateway_v1._stages_v1.get(api_id, {}).values():  # noqa: SLF001 - the version is pinned
            if not stage.get("accessLogSettings"):
                stage.pop("accessLogSettings", None)
        return answer

    return create


def _with_all_fields(known: Callable[..., None]) -> Callable[..., None]:
    """Send a function all fields of an SNS message, even empty ones.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """

    @wraps(known)
    def deliver(function: str, envelope: str, *rest: object) -> None:
        whole = {"Subject": None, "MessageAttributes": {}} | json.loads(envelope)
        known(function, json.dumps(whole), *rest)

    return deliver


def _with_soon_redelivery(known: Callable[..., None], seconds: float) -> Callable[..., None]:
    """Make a message that a function failed on visible again after `seconds` at most.

    A test need not wait for the queue's visibility timeout, which is several times the function's time-out.
    """

    @wraps(known)
    def run(
        mapping: object, function: object, event: object, batch: list[dict[str, Any]], *queue: object
    ) -> None:
        known(mapping, function, event, batch, *queue)
        again = time.time() + seconds
        for message in batch:  # those that went well are not in the queue any more
            message["visible_at"] = min(message["visible_at"], again)

    return run


def main() -> None:
    """Serve until a signal comes."""
    apigateway_v1._create_stage = _without_empty_settings(apigateway_v1._create_stage)  # noqa: SLF001
    for gateway, apis in ((apigateway_v1, apigateway_v1._rest_apis), (apigateway, apigateway._apis)):  # noqa: SLF001
        gateway.find_api_scope = _whatever_the_account(gateway.find_api_scope, apis)
    alb.find_lb_for_host = _wherever_it_is(alb.find_lb_for_host)
    iam_actions.s3_service_context = _with_put_object_keys(iam_actions.s3_service_context)
    iam_evaluator.enforce = _with_listing_of_missing_keys(iam_evaluator.enforce)
    iam_actions.request_tag_context = _with_put_tagging_keys(iam_actions.request_tag_context)
    sns._deliver_to_lambda = _with_all_fields(sns._deliver_to_lambda)  # noqa: SLF001
    redelivery = float(os.environ["LAMBDA_PROCESS_REDELIVERY_SECONDS"])
    lambda_svc._run_sqs_batch = _with_soon_redelivery(lambda_svc._run_sqs_batch, redelivery)  # noqa: SLF001
    for part in (
        ministack_accounts,
        ministack_alarms,
        ministack_defaults,
        ministack_events,
        ministack_http_events,
        ministack_http_integrations,
        ministack_http_openapi,
        ministack_keys,
        ministack_openapi,
        ministack_policies,
        ministack_regions,
        ministack_rest_integrations,
        ministack_rotation,
        ministack_waf,
        ministack_workflows,
    ):
        part.install()
    workers.install()
    ministack_destinations.install()
    ministack_streams.install()
    ministack_websockets.install()
    app.app = behind_tls(ministack_state.with_state(ministack_calls.log_calls(app.app)))
    app.main()


if __name__ == "__main__":
    main()
