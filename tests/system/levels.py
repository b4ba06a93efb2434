"""The level of each item of the system, as a person would give it."""

from __future__ import annotations

from harness.coverage import Level

CREATED, UNKNOWN, USED, ASSERTED = Level

# One event was fired and its object read; then the API was asked for it with GET, and for nothing else.
ON_EVERY_BACKEND = {
    # What decides about a request, or settles how one is answered, leaves no trace in the log.
    'module.system.module.api_gateway.aws_api_gateway_gateway_response.json["DEFAULT_4XX"]': UNKNOWN,
    'module.system.module.api_gateway.aws_api_gateway_gateway_response.json["DEFAULT_5XX"]': UNKNOWN,
    "module.system.module.api_gateway.aws_api_gateway_method_settings.all": UNKNOWN,
    'module.system.module.api_gateway.aws_lambda_permission.read["GET"]': UNKNOWN,
    'module.system.module.api_gateway.aws_lambda_permission.read["HEAD"]': UNKNOWN,
    "module.system.module.create_function.aws_lambda_function_event_invoke_config.live[0]": UNKNOWN,
    'module.system.module.eventbridge.aws_lambda_permission.rule["on_demand"]': UNKNOWN,
    'module.system.module.eventbridge.aws_lambda_permission.rule["schedule"]': UNKNOWN,
    "module.system.module.kms.aws_kms_alias.this": UNKNOWN,
    "module.system.module.kms.aws_kms_key_policy.this": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_ownership_controls.artifacts": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_ownership_controls.objects": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_policy.artifacts": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_policy.objects": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_public_access_block.artifacts": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_public_access_block.objects": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_server_side_encryption_configuration.objects": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket_versioning.objects": UNKNOWN,
    # Lambda itself reads the code, which no log has.
    "module.system.module.s3.aws_s3_object.code": UNKNOWN,
    "module.system.module.s3.aws_s3_bucket.artifacts": CREATED,
    # The writer wrote into it, under the key, and the test read that.
    "module.system.module.s3.aws_s3_bucket.objects": ASSERTED,
    "module.system.module.kms.aws_kms_key.this": USED,
    "module.system.module.create_function.aws_lambda_function.this": USED,
}
BY_THE_API = {
    "module.system.module.api_gateway.aws_api_gateway_deployment.this": ASSERTED,
    'module.system.module.api_gateway.aws_api_gateway_integration.read["GET"]': ASSERTED,
    'module.system.module.api_gateway.aws_api_gateway_integration.read["HEAD"]': CREATED,
    'module.system.module.api_gateway.aws_api_gateway_method.read["GET"]': ASSERTED,
    'module.system.module.api_gateway.aws_api_gateway_method.read["HEAD"]': CREATED,
    "module.system.module.api_gateway.aws_api_gateway_resource.latest": ASSERTED,
    "module.system.module.api_gateway.aws_api_gateway_rest_api.this": ASSERTED,
    "module.system.module.api_gateway.aws_api_gateway_stage.this": ASSERTED,
    "module.system.module.retrieve_function.aws_lambda_function.this": USED,
}
WRITER = "module.system.module.iam.aws_iam_role_policy.writer[0]"
READER = "module.system.module.iam.aws_iam_role_policy.reader"
# What Lambda needs by itself, and a key behind a bucket, no emulator asks for. No log tells whether an object
# came with tags. A reader that finds the pointer lists nothing.
STATEMENTS = {
    f"{WRITER} statement EncryptObjects": UNKNOWN,
    f"{WRITER} statement TagSuperseded": UNKNOWN,
    f"{WRITER} statement WriteOwnLogs": UNKNOWN,
    f"{READER} statement DecryptObjects": UNKNOWN,
    f"{READER} statement ListObjects": CREATED,
    f"{READER} statement WriteOwnLogs": UNKNOWN,
}
# No call shows whether a resource's own policy has decided, or that of the caller.
OF_RESOURCES = {
    f"module.system.module.{policy} statement {sid}": UNKNOWN
    for policy, sids in {
        "s3.aws_s3_bucket_policy.artifacts": ("DenyPlainHttp",),
        "s3.aws_s3_bucket_policy.objects": (
            "DenyPlainHttp",
            "DenyOldTls",
            "DenyOtherEncryption",
            "DenyOtherKeys",
            "DenyCustomerKeys",
            "DenyOverwrite",
        ),
        "kms.aws_kms_key_policy.this": ("AdministerKey", "WriteObjects", "ReadObjects", "EncryptLogs"),
    }.items()
    for sid in sids
}
OF_BOTH = (
    "BUCKET_NAME",
    "BUCKET_OWNER",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
)
# Both functions read their settings when they start.
VARIABLES = {
    f"module.system.module.{module}.aws_lambda_function.this environment {name}": USED
    for module, own in {"create_function": ("KMS_KEY_ARN",), "retrieve_function": ()}.items()
    for name in (*OF_BOTH, "SCHEDULE_INTERVAL_SECONDS", *own)
}
# LocalStack's log has the calls between its services. It enforces no permissions.
ON_LOCALSTACK = {
    "module.system.module.create_function.aws_cloudwatch_log_group.this": USED,
    "module.system.module.create_function.aws_lambda_alias.live[0]": USED,
    "module.system.module.eventbridge.aws_cloudwatch_event_rule.on_demand": USED,
    "module.system.module.eventbridge.aws_cloudwatch_event_rule.on_demand event_pattern": USED,
    "module.system.module.eventbridge.aws_cloudwatch_event_rule.schedule[0]": CREATED,
    'module.system.module.eventbridge.aws_cloudwatch_event_target.function["on_demand"]': USED,
    'module.system.module.eventbridge.aws_cloudwatch_event_target.function["schedule"]': CREATED,
    "module.system.module.iam.aws_iam_role.reader": UNKNOWN,
    "module.system.module.iam.aws_iam_role.writer[0]": UNKNOWN,
    READER: UNKNOWN,
    f"{READER} statement ReadObjectsAndPointer": UNKNOWN,
    WRITER: UNKNOWN,
    f"{WRITER} statement ListObjects": UNKNOWN,
    f"{WRITER} statement ReadPointer": UNKNOWN,
    f"{WRITER} statement WriteObjectsIndexAndPointer": UNKNOWN,
    "module.system.module.retrieve_function.aws_cloudwatch_log_group.this": USED,
    "module.system.module.retrieve_function.aws_lambda_alias.live[0]": USED,
}
# Where permissions are enforced, what was allowed is used.
ENFORCED = {
    "module.system.module.iam.aws_iam_role.reader": USED,
    "module.system.module.iam.aws_iam_role.writer[0]": USED,
    READER: USED,
    f"{READER} statement ReadObjectsAndPointer": USED,
    WRITER: USED,
    f"{WRITER} statement ListObjects": USED,
    f"{WRITER} statement ReadPointer": USED,
    f"{WRITER} statement WriteObjectsIndexAndPointer": USED,
}
ON_LOCALEMU = {**ON_LOCALSTACK, **ENFORCED}
# MiniStack's log has no calls between its services.
ON_MINISTACK = {**dict.fromkeys(ON_LOCALSTACK, UNKNOWN), **ENFORCED}


def after_an_event_and_a_read(backend: str) -> dict[str, Level]:
    """Return the levels after one event, and one request to the API, except for those of the outputs.

    Raises:
        KeyError: No table is for this backend.
    """
    own = {
        "host": ON_LOCALSTACK,
        "container": ON_LOCALSTACK,
        "localemu": ON_LOCALEMU,
        "ministack": ON_MINISTACK,
    }
    return {**ON_EVERY_BACKEND, **BY_THE_API, **STATEMENTS, **OF_RESOURCES, **VARIABLES, **own[backend]}
