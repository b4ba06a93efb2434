"""Rules of Lambda."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.terraform.rules.registry import blocks, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.terraform.rules.registry import Broken, Resources
    from harness.values import Resource

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_RESERVED = """
_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME
AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE
AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
AWS_SESSION_TOKEN AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR
"""
# Those whose creation was blocked by 2024-02-08: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
_BLOCKED = """
nodejs nodejs4.3 nodejs4.3-edge nodejs6.10 nodejs8.10 nodejs10.x nodejs12.x nodejs14.x python2.7 python3.6
python3.7 ruby2.5 ruby2.7 java8 go1.x provided dotnetcore1.0 dotnetcore2.0 dotnetcore2.1 dotnetcore3.1
"""
_MOST_LAYERS = 5
_BATCH_WITHOUT_WINDOW = 10


@rule("https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html")
def variables_are_not_reserved(resources: Resources) -> Iterator[Broken]:
    """Lambda sets some variables itself."""
    for function in resources.of("aws_lambda_function"):
        for environment in blocks(function.values, "environment"):
            if taken := sorted(set(environment.get("variables") or {}) & set(_RESERVED.split())):
                yield function, f"AWS sets {', '.join(taken)} itself, and refuses them as variables"


@rule("https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html")
def runtimes_can_be_created(resources: Resources) -> Iterator[Broken]:
    """AWS creates no function of a runtime that ended long ago."""
    for function in resources.of("aws_lambda_function"):
        if function.values.get("runtime") in _BLOCKED.split():
            yield function, f"AWS creates no function of the runtime {function.values['runtime']} any more"


@rule("https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html")
def layers_are_few(resources: Resources) -> Iterator[Broken]:
    """A function has five layers at most."""
    for function in resources.of("aws_lambda_function"):
        if (count := len(function.values.get("layers") or [])) > _MOST_LAYERS:
            yield function, f"AWS takes at most {_MOST_LAYERS} layers, not {count}"


@rule("https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html")
def messages_stay_hidden_while_they_are_handled(resources: Resources) -> Iterator[Broken]:
    """A queue hides its messages for as long as the function may take."""
    for mapping in resources.of("aws_lambda_event_source_mapping"):
        queue = resources.with_arn("aws_sqs_queue", mapping.values.get("event_source_arn"))
        function = function_of(resources, mapping.values.get("function_name"))
        if not queue or not function:
            continue
        hidden, takes = queue.values["visibility_timeout_seconds"], function.values["timeout"]
        if hidden < takes:
            yield (
                mapping,
                (
                    f"AWS asks that visibility_timeout_seconds of {queue.address} is not below the timeout "
                    f"of {function.address}: it is {hidden}, and that is {takes}"
                ),
            )


@rule("https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html")
def large_batches_have_a_window(resources: Resources) -> Iterator[Broken]:
    """Of a queue, Lambda takes more than ten messages at once only if it may wait for them."""
    for mapping in resources.of("aws_lambda_event_source_mapping"):
        size, window = (
            mapping.values.get("batch_size"),
            mapping.values.get("maximum_batching_window_in_seconds"),
        )
        is_of_queue = ":sqs:" in str(mapping.values.get("event_source_arn"))
        if is_of_queue and (size or 0) > _BATCH_WITHOUT_WINDOW and not window:
            yield (
                mapping,
                (
                    f"AWS takes a batch_size over {_BATCH_WITHOUT_WINDOW} only with a "
                    "maximum_batching_window_in_seconds of at least 1"
                ),
            )


def function_of(resources: Resources, named: object) -> Resource | None:
    """Return the function with this name or ARN, with or without version or alias, or None if unknown."""
    return next((one for one in resources.of("aws_lambda_function") if is_meant(one, named)), None)


def is_meant(function: Resource, named: object) -> bool:
    """Return whether a name or ARN, with or without version or alias, may mean this function.

    A name means every function that has it: a stack may have one in each of two regions.
    """
    name = str(named or "")
    arn, own = str(function.values.get("arn")), str(function.values.get("function_name"))
    return name in {own, arn} or name.startswith((f"{own}:", f"{arn}:"))
