"""Coverage of Terraform, compared with a hand-made truth table of the whole model system."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from harness import eventually
from harness.coverage import Level
from harness.coverage.measured import coverage_of

if TYPE_CHECKING:
    from harness import Settings
    from tests.system import Scenario

pytestmark = pytest.mark.anywhere

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


def differences(
    scenario: Scenario, settings: Settings, since: float, expected: dict[str, Level]
) -> dict[str, str]:
    """Return the resources with an unexpected level, each with its level and the reason."""
    coverage = coverage_of(scenario, settings.terraform_dir, settings.project, since=since)
    assert {each.address for each in coverage.items} == set(expected)
    return {
        each.address: f"{each.level.name}: {each.why}"
        for each in coverage.items
        if each.level is not expected[each.address]
    }


def test_each_resource_has_the_level_that_a_person_would_give_it(
    scenario: Scenario, harness_settings: Settings
) -> None:
    of_backend = {
        "host": ON_LOCALSTACK,
        "container": ON_LOCALSTACK,
        "localemu": ON_LOCALEMU,
        "ministack": ON_MINISTACK,
    }
    if scenario.endpoint.backend not in of_backend:
        pytest.skip("there is a table of the backends with a request log")
    inside = {
        **STATEMENTS,
        **OF_RESOURCES,
        **VARIABLES,
        **{f"output.{name}": UNKNOWN for name in scenario.outputs.values},
    }
    expected = {**ON_EVERY_BACKEND, **BY_THE_API, **inside, **of_backend[scenario.endpoint.backend]}
    begun = time.time()

    scenario.fire_and_wait()
    scenario.latest()

    eventually(  # logs come a moment later than answers
        lambda: differences(scenario, harness_settings, begun, expected),
        until=lambda others: not others,
        what="the levels of the table",
        timeout=20,
    )


def test_without_the_test_of_the_api_its_resources_are_only_created(
    scenario: Scenario, harness_settings: Settings
) -> None:
    if scenario.endpoint.backend in {"aws", "external"}:
        pytest.skip(f"the backend {scenario.endpoint.backend} need not keep a request log")
    begun = time.time()

    scenario.fire_and_wait()

    coverage = coverage_of(scenario, harness_settings.terraform_dir, harness_settings.project, since=begun)
    levels = {each.address: each.level for each in coverage.items}
    assert {levels[address] for address in BY_THE_API} == {CREATED}
    assert {address for address in VARIABLES if levels[address] is CREATED} == {
        address for address in VARIABLES if ".retrieve_function." in address
    }
    assert levels["module.system.module.s3.aws_s3_bucket.objects"] is ASSERTED
    places = {each.address: (each.file, each.line) for each in coverage.items}
    file = "terraform/modules/api_gateway/main.tf"
    text = (harness_settings.project / file).read_text("utf-8").splitlines()
    line = text.index('resource "aws_api_gateway_method" "read" {') + 1
    assert places['module.system.module.api_gateway.aws_api_gateway_method.read["HEAD"]'] == (file, line)
    statement = "module.system.module.s3.aws_s3_bucket_policy.objects statement DenyOverwrite"
    file, line = places[statement]
    assert file == "terraform/modules/s3/policy.tf"
    assert "statement" in (harness_settings.project / file).read_text("utf-8").splitlines()[line - 1]
