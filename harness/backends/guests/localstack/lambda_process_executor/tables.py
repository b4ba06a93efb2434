"""DynamoDB where DynamoDB Local, a Java program that LocalStack downloads, is not installed."""

from localstack.runtime import hooks
from localstack.services.plugins import Service, aws_provider

_PROVIDER = "moto"


@hooks.on_infra_start(priority=50)  # type: ignore[untyped-decorator, unused-ignore] # services load at 0
def do_without_dynamodb_local() -> None:
    """Choose the provider below, unless DynamoDB Local is there or PROVIDER_OVERRIDE_DYNAMODB chose one."""
    from localstack import config  # noqa: PLC0415 # only once LocalStack starts
    from localstack.services.dynamodb.packages import dynamodblocal_package  # noqa: PLC0415 # as above

    if dynamodblocal_package.get_installed_dir() is None:
        config.SERVICE_PROVIDER_CONFIG.set_provider_if_not_exists("dynamodb", _PROVIDER)


@aws_provider(api="dynamodb", name=_PROVIDER)  # type: ignore[untyped-decorator, unused-ignore]
def dynamodb_in_memory() -> Service:
    """Return a DynamoDB that keeps its tables in LocalStack's memory: moto's, without streams."""
    from localstack.aws.api.dynamodb import DynamodbApi  # noqa: PLC0415 # only once it is used
    from localstack.services.moto import MotoFallbackDispatcher  # noqa: PLC0415 # as above

    return Service.for_provider(DynamodbApi(), dispatch_table_factory=MotoFallbackDispatcher)
