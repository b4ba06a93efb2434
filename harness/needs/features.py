"""The features that a backend may lack, and how a resource in Terraform's files shows its need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.needs.reading import DeclaredResource

RUNTIME = "runtime "  # followed by Lambda's name for the runtime
IMAGES = "container images"
AUTHORIZERS = "authorizers of REST APIs"
WEBSOCKETS = "WebSocket APIs"
JSONATA = "JSONata"
PIPES = "EventBridge Pipes but from a DynamoDB stream straight to SNS or Step Functions"
STREAMS = "DynamoDB streams"
_NO_TABLE = re.compile(r"\baws_(?!dynamodb_table\b)\w")
_NO_TOPIC = re.compile(r"\baws_(?!sfn_state_machine\b|sns_topic\b)\w")

# Services that some backend lacks, by the prefix of their resource types. The longest prefix wins.
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs
_SERVICES = {
    "aws_alb": "elbv2",
    "aws_amplify_": "amplify",
    "aws_apigatewayv2_": "apigatewayv2",
    "aws_appconfig_": "appconfig",
    "aws_apprunner_": "apprunner",
    "aws_appsync_": "appsync",
    "aws_athena_": "athena",
    "aws_autoscaling_": "autoscaling",
    "aws_backup_": "backup",
    "aws_batch_": "batch",
    "aws_bedrock_": "bedrock",
    "aws_bedrockagent_": "bedrock-agent",
    "aws_budgets_": "budgets",
    "aws_cloudfront_": "cloudfront",
    "aws_cloudtrail": "cloudtrail",
    "aws_codebuild_": "codebuild",
    "aws_codedeploy_": "codedeploy",
    "aws_codepipeline": "codepipeline",
    "aws_cognito_": "cognito-idp",
    "aws_cognito_identity_pool": "cognito-identity",
    "aws_db_": "rds",
    "aws_dms_": "dms",
    "aws_docdb_": "docdb",
    "aws_ecr_": "ecr",
    "aws_ecs_": "ecs",
    "aws_efs_": "efs",
    "aws_eks_": "eks",
    "aws_elasticache_": "elasticache",
    "aws_elasticsearch_": "es",
    "aws_emr_": "emr",
    "aws_fis_": "fis",
    "aws_globalaccelerator_": "globalaccelerator",
    "aws_glue_": "glue",
    "aws_guardduty_": "guardduty",
    "aws_iot_": "iot",
    "aws_kinesis_stream": "kinesis",
    "aws_kinesisanalyticsv2_": "kinesisanalyticsv2",
    "aws_lakeformation_": "lakeformation",
    "aws_lb": "elbv2",
    "aws_memorydb_": "memorydb",
    "aws_mq_": "mq",
    "aws_msk_": "kafka",
    "aws_neptune_": "neptune",
    "aws_opensearch_": "opensearch",
    "aws_opensearchserverless_": "opensearchserverless",
    "aws_organizations_": "organizations",
    "aws_pipes_": "pipes",
    "aws_rds_": "rds",
    "aws_redshift_": "redshift",
    "aws_sagemaker_": "sagemaker",
    "aws_schemas_": "schemas",
    "aws_service_discovery_": "servicediscovery",
    "aws_sesv2_": "sesv2",
    "aws_shield_": "shield",
    "aws_signer_": "signer",
    "aws_synthetics_": "synthetics",
    "aws_timestreamwrite_": "timestream-write",
    "aws_transfer_": "transfer",
    "aws_verifiedpermissions_": "verifiedpermissions",
    "aws_wafv2_": "wafv2",
    "aws_xray_": "xray",
}
SERVICES = frozenset(_SERVICES.values())
# Their common names, if these differ from the service's own name.
_TITLES = {
    "apigatewayv2": "HTTP and WebSocket APIs (API Gateway v2)",
    "bedrock-agent": "Bedrock agents",
    "cognito-identity": "Cognito identity pools",
    "cognito-idp": "Cognito user pools",
    "elbv2": "load balancers",
    "kafka": "Kafka (MSK)",
    "kinesis": "Kinesis streams",
    "pipes": "EventBridge Pipes",
    "schemas": "EventBridge schemas",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A feature that a resource can't do without.

    Attributes:
        feature: The name of an AWS service as boto3 has it, `runtime` with the name of one, or one of the
            constants of this module.
        address: The resource's address in Terraform.
        location: Its file and line.
    """

    feature: str
    address: str
    location: str

    def __str__(self) -> str:
        """Return the need as a person reads it."""
        return f"{title_of(self.feature)} ({self.address}, {self.location})"


def title_of(feature: str) -> str:
    """Return the common name of a feature."""
    return _TITLES.get(feature, feature)


def features_of(declared: DeclaredResource) -> set[str]:
    """Return the features that a declared resource needs, judging by its files."""
    found = {service} if (service := _service_of(declared.type)) else set()
    match declared.type:
        case "aws_api_gateway_authorizer":
            found.add(AUTHORIZERS)
        case "aws_apigatewayv2_api" if declared.value("protocol_type") == "WEBSOCKET":
            found.add(WEBSOCKETS)
        case "aws_lambda_function":
            found |= _of_function(declared)
        case "aws_lambda_event_source_mapping" if ".stream_arn" in declared.text("event_source_arn"):
            found.add(STREAMS)
        case "aws_pipes_pipe" if _does_more_than_hand_on(declared):
            found.add(PIPES)
        case "aws_sfn_state_machine" if '"JSONata"' in _plain(declared.text("definition")):
            found.add(JSONATA)
    return found


def _of_function(declared: DeclaredResource) -> set[str]:
    if declared.value("package_type") == "Image":
        return {IMAGES}
    runtime = declared.value("runtime")
    return {RUNTIME + runtime} if runtime else set()


def _does_more_than_hand_on(pipe: DeclaredResource) -> bool:
    """Return whether a pipe surely does more than to hand a table's changes to a topic or a state machine."""
    parameters = (
        each for block in pipe.block.blocks if block.type == "source_parameters" for each in block.blocks
    )
    return bool(
        _NO_TABLE.search(pipe.text("source"))
        or _NO_TOPIC.search(pipe.text("target"))
        or "enrichment" in pipe.block.attributes
        or any(each.type == "filter_criteria" for each in parameters)
    )


def _service_of(kind: str) -> str:
    fitting = [prefix for prefix in _SERVICES if kind.startswith(prefix)]
    return _SERVICES[max(fitting, key=len)] if fitting else ""


def _plain(definition: str) -> str:
    """Return a definition as JSON would quote it: `jsonencode` takes `QueryLanguage = "JSONata"`."""
    return definition.replace('\\"', '"')
