"""The parts of AWS's enforcement of policies that LocalEmu 1.3.2 lacks.

Requests carry the condition keys of S3, and count as sent over TLS. S3 checks the caller's permission on a
KMS key, and reports a missing object only to a caller that may list it. A service without a role invokes a
function only if the function's policy allows it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from lambda_process_executor.condition_keys import Keys, put_object_keys, tag_keys
from localemu.runtime import hooks

from localemu_process_executor.authorizers import method_arn, obeying
from localemu_process_executor.conditions import may_invoke, with_negation, without_delegation

LOG = logging.getLogger(__name__)

type Need = tuple[str, str, dict[str, object]]  # a service, an operation, and its parameters

_LISTED = {"Prefix": "s3:prefix", "Delimiter": "s3:delimiter", "MaxKeys": "s3:max-keys"}
_ON_A_KEY = frozenset({"GetObject", "GetObjectAttributes", "GetObjectTagging", "HeadObject"})
_WRITES = frozenset({"PutObject", "CreateMultipartUpload", "CopyObject"})


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def complete_enforcement() -> None:
    """Add the missing parts. They have an effect only while LocalEmu enforces policies."""
    from localemu.aws import handlers  # noqa: PLC0415 # only once LocalEmu starts
    from localemu.services.iam_enforcement import enforcer, evaluator  # noqa: PLC0415 # as above

    enforcer._build_conditions = _with_more_keys(enforcer._build_conditions)  # noqa: SLF001
    evaluator.matches_conditions = with_negation(evaluator.matches_conditions)
    evaluator._matches_principal = without_delegation(evaluator._matches_principal)  # noqa: SLF001
    handlers.serve_custom_service_request_handlers.append(_ask_further)


@hooks.on_infra_start()  # type: ignore[untyped-decorator, unused-ignore]
def obey_authorizers() -> None:
    """Ask the authorizers of APIs about the request, and do what they answer."""
    from localemu.services.apigateway.next_gen.execute_api import gateway_response  # noqa: PLC0415 # as above
    from localemu.services.apigateway.next_gen.execute_api.handlers import authorizer  # noqa: PLC0415

    handler = authorizer.AuthorizerHandler
    known = handler._apply_authorizer_result  # noqa: SLF001
    handler._apply_authorizer_result = obeying(known, gateway_response)  # noqa: SLF001
    handler._build_method_arn = staticmethod(method_arn)  # noqa: SLF001


def _with_more_keys(known: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    def conditions(context: Any, caller: object) -> dict[str, Any]:  # noqa: ANN401 - LocalEmu's
        headers = context.request.headers
        # Behind AWS's load balancers it would be they that say so.
        over_tls = "false" if headers.get("X-Forwarded-Proto") == "http" else "true"
        found = known(context, caller) | {"aws:SecureTransport": over_tls}
        if via := getattr(context, "via_service", ""):
            found["kms:ViaService"] = via
        return found | (_keys_of_s3(context) if context.service.service_name == "s3" else {})

    return conditions


def _keys_of_s3(context: Any) -> Keys:  # noqa: ANN401 - LocalEmu's
    asked: Mapping[str, Any] = context.service_request or {}
    if context.operation.name == "PutObjectTagging":
        return tag_keys({tag["Key"]: tag["Value"] for tag in asked["Tagging"]["TagSet"]})
    if context.operation.name in {"ListObjects", "ListObjectsV2", "ListObjectVersions"}:
        return {key: str(asked[name]) for name, key in _LISTED.items() if asked.get(name)}
    return put_object_keys(context.request.headers) if context.operation.name in _WRITES else {}


def _ask_further(chain: object, context: Any, response: object) -> None:  # noqa: ANN401 - LocalEmu's
    """Refuse an allowed request if AWS requires one more permission.

    Raises:
        CommonServiceException: the permission is missing.
    """
    from localemu.services.iam_enforcement.enforcer import iam_enforcement_handler  # noqa: PLC0415

    _, _, looks = iam_enforcement_handler._read_mode()  # noqa: SLF001 - the version is pinned
    if not looks or not context.operation:
        return
    _ask_for_invocation(context)
    for service, operation, asked in _needs(context):
        needed = SimpleNamespace(
            service=SimpleNamespace(service_name=service),
            operation=SimpleNamespace(name=operation),
            service_request=asked,
            request=context.request,
            account_id=context.account_id,
            region=context.region,
            is_internal_call=context.is_internal_call,
            via_service=f"s3.{context.region}.amazonaws.com",
        )
        iam_enforcement_handler(chain, needed, response)


def _needs(context: Any) -> Iterator[Need]:  # noqa: ANN401 - LocalEmu's
    if context.service.service_name != "s3":
        return
    operation, asked = context.operation.name, context.service_request or {}
    bucket, store = _bucket(context, asked.get("Bucket", ""))
    if bucket is None:
        return
    if operation in _WRITES and (key := _key_to_write_with(asked, bucket, store)):
        yield "kms", "GenerateDataKey", {"KeyId": key}
    if operation in _ON_A_KEY and not asked.get("VersionId"):
        held = bucket.objects.get(asked["Key"])
        if held is None:
            yield "s3", "ListObjectsV2", {"Bucket": asked["Bucket"], "Prefix": asked["Key"]}
        elif operation == "GetObject" and getattr(held, "kms_key_id", None):
            yield "kms", "Decrypt", {"KeyId": held.kms_key_id}


def _bucket(context: Any, name: str) -> tuple[Any, Any]:  # noqa: ANN401 - LocalEmu's
    from localemu.services.s3.models import s3_stores  # noqa: PLC0415 # only once LocalEmu runs

    store = s3_stores[context.account_id]["us-east-1"]  # it holds the buckets of all regions
    return store.buckets.get(name), store


def _key_to_write_with(asked: Mapping[str, Any], bucket: Any, store: Any) -> str | None:  # noqa: ANN401
    from localemu.services.s3 import provider  # noqa: PLC0415 # only once LocalEmu runs

    found = provider.get_encryption_parameters_from_request_and_bucket(asked, bucket, store)
    # Everybody who may write to S3 may use AWS's own key for it.
    key: str | None = None if found.kms_key_id == store.aws_managed_kms_key_id else found.kms_key_id
    return key


def _ask_for_invocation(context: Any) -> None:  # noqa: ANN401 - LocalEmu's
    from localemu.aws.api import CommonServiceException  # noqa: PLC0415 # only once LocalEmu runs
    from localemu.services.iam_enforcement import enforcer, evaluator  # noqa: PLC0415 # as above

    internal = context.internal_request_params or {}
    service, source = internal.get("service_principal"), internal.get("source_arn") or ""
    if context.operation.name != "Invoke" or not service or _has_role(context):
        return
    by = {"AWS:SourceArn": source, "AWS:SourceAccount": context.account_id}
    keys = by | {name.replace("AWS", "aws"): value for name, value in by.items()}
    arn, policy = _policy(context)
    if may_invoke(policy, f"{service}.amazonaws.com", keys, evaluator.matches_conditions):
        return
    enforces, _, _ = enforcer.iam_enforcement_handler._read_mode()  # noqa: SLF001
    message = (
        f"{service}.amazonaws.com is not authorized to perform: lambda:InvokeFunction on {arn} for {source}"
    )
    LOG.warning("IAM %s: %s", "DENY" if enforces else "AUDIT DENY", message)
    if enforces:
        raise CommonServiceException(code="AccessDeniedException", message=message, status_code=403)


def _has_role(context: Any) -> bool:  # noqa: ANN401 - LocalEmu's
    from localemu.constants import INTERNAL_AWS_ACCESS_KEY_ID  # noqa: PLC0415 # only once LocalEmu runs
    from localemu.services.iam_enforcement import enforcer  # noqa: PLC0415 # as above

    key = enforcer._extract_access_key(context)  # noqa: SLF001 - the version is pinned
    return key not in (INTERNAL_AWS_ACCESS_KEY_ID, context.account_id)


def _policy(context: Any) -> tuple[str, dict[str, Any] | None]:  # noqa: ANN401 - LocalEmu's
    """Return the ARN of the invoked function, and its policy."""
    from localemu.services.lambda_ import api_utils  # noqa: PLC0415 # only once LocalEmu runs
    from localemu.services.lambda_.invocation.models import lambda_stores  # noqa: PLC0415 # as above

    asked = context.service_request
    account, region = api_utils.get_account_and_region(asked["FunctionName"], context)
    name, qualifier = api_utils.get_name_and_qualifier(asked["FunctionName"], asked.get("Qualifier"), context)
    function = lambda_stores[account][region].functions.get(name)
    held = function and function.permissions.get(qualifier or "$LATEST")
    arn = f"arn:aws:lambda:{region}:{account}:function:{name}:{qualifier or '$LATEST'}"
    return arn, {"Statement": held.policy.Statement} if held else None
