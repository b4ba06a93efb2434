"""The features that a backend may lack, and how a resource in Terraform's files shows its need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.terraform.hcl.input_variables import read_values
from harness.terraform.needs.reading import DeclaredResource, declarations_in

if TYPE_CHECKING:
    from pathlib import Path

    from harness.settings import Settings

RUNTIME = "runtime "  # followed by Lambda's name for the runtime
IMAGES = "container images"
AUTHORIZERS = "authorizers of REST APIs"
HTTP_AUTHORIZERS = "authorizers of HTTP APIs that are functions"
HTTP_INTEGRATIONS = "integrations of HTTP APIs with services"
WEBSOCKETS = "WebSocket APIs"
JSONATA = "JSONata"
DOCUMENTS = "documents of Systems Manager"
PIPES = "EventBridge Pipes but from a DynamoDB stream straight to SNS or Step Functions"
STREAMS = "DynamoDB streams"
FILE_SYSTEMS = "file systems of functions"
_NO_TABLE = re.compile(r"\baws_(?!dynamodb_table\b)\w")
_NO_TOPIC = re.compile(r"\baws_(?!sfn_state_machine\b|sns_topic\b)\w")

# Services that some backend lacks, by the prefix of their resource types. The longest prefix wins.
# https://registry.terraform.io/providers/hashicorp/aws/latest/docs
_SERVICES = {
    "aws_accessanalyzer_": "accessanalyzer",
    "aws_acmpca_": "acm-pca",
    "aws_alb": "elbv2",
    "aws_amplify_": "amplify",
    "aws_apigatewayv2_": "apigatewayv2",
    "aws_appautoscaling_": "application-autoscaling",
    "aws_appconfig_": "appconfig",
    "aws_appflow_": "appflow",
    "aws_apprunner_": "apprunner",
    "aws_appsync_": "appsync",
    "aws_athena_": "athena",
    "aws_autoscaling_": "autoscaling",
    "aws_backup_": "backup",
    "aws_batch_": "batch",
    "aws_bedrock_": "bedrock",
    "aws_bedrockagent_": "bedrock-agent",
    "aws_budgets_": "budgets",
    "aws_chatbot_": "chatbot",
    "aws_cloudfront_": "cloudfront",
    "aws_cloudtrail": "cloudtrail",
    "aws_codeartifact_": "codeartifact",
    "aws_codebuild_": "codebuild",
    "aws_codecommit_": "codecommit",
    "aws_codedeploy_": "codedeploy",
    "aws_codepipeline": "codepipeline",
    "aws_codestarconnections_": "codestar-connections",
    "aws_cognito_": "cognito-idp",
    "aws_cognito_identity_pool": "cognito-identity",
    "aws_connect_": "connect",
    "aws_cur_": "cur",
    "aws_datasync_": "datasync",
    "aws_dax_": "dax",
    "aws_db_": "rds",
    "aws_directory_service_": "ds",
    "aws_dlm_": "dlm",
    "aws_dms_": "dms",
    "aws_docdb_": "docdb",
    "aws_dsql_": "dsql",
    "aws_ecr_": "ecr",
    "aws_ecs_": "ecs",
    "aws_efs_": "efs",
    "aws_eks_": "eks",
    "aws_elasticache_": "elasticache",
    "aws_elasticsearch_": "es",
    "aws_emr_": "emr",
    "aws_fis_": "fis",
    "aws_glacier_": "glacier",
    "aws_globalaccelerator_": "globalaccelerator",
    "aws_glue_": "glue",
    "aws_grafana_": "grafana",
    "aws_guardduty_": "guardduty",
    "aws_imagebuilder_": "imagebuilder",
    "aws_inspector2_": "inspector2",
    "aws_iot_": "iot",
    "aws_ivs_": "ivs",
    "aws_kendra_": "kendra",
    "aws_kinesis_stream": "kinesis",
    "aws_kinesis_video_": "kinesisvideo",
    "aws_kinesisanalyticsv2_": "kinesisanalyticsv2",
    "aws_lakeformation_": "lakeformation",
    "aws_lb": "elbv2",
    "aws_lex_": "lex-models",
    "aws_lexv2models_": "lexv2-models",
    "aws_macie2_": "macie2",
    "aws_media_convert_": "mediaconvert",
    "aws_memorydb_": "memorydb",
    "aws_mq_": "mq",
    "aws_msk_": "kafka",
    "aws_neptune_": "neptune",
    "aws_networkfirewall_": "network-firewall",
    "aws_oam_": "oam",
    "aws_opensearch_": "opensearch",
    "aws_opensearchserverless_": "opensearchserverless",
    "aws_organizations_": "organizations",
    "aws_pipes_": "pipes",
    "aws_prometheus_": "amp",
    "aws_ram_": "ram",
    "aws_rds_": "rds",
    "aws_redshift_": "redshift",
    "aws_rekognition_": "rekognition",
    "aws_rolesanywhere_": "rolesanywhere",
    "aws_route53_resolver_": "route53resolver",
    "aws_rum_": "rum",
    "aws_s3tables_": "s3tables",
    "aws_sagemaker_": "sagemaker",
    "aws_schemas_": "schemas",
    "aws_securityhub_": "securityhub",
    "aws_serverlessapplicationrepository_": "serverlessrepo",
    "aws_service_discovery_": "servicediscovery",
    "aws_servicecatalog_": "servicecatalog",
    "aws_servicequotas_": "service-quotas",
    "aws_sesv2_": "sesv2",
    "aws_shield_": "shield",
    "aws_signer_": "signer",
    "aws_ssmincidents_": "ssm-incidents",
    "aws_ssoadmin_": "sso-admin",
    "aws_swf_": "swf",
    "aws_synthetics_": "synthetics",
    "aws_timestreaminfluxdb_": "timestream-influxdb",
    "aws_timestreamwrite_": "timestream-write",
    "aws_transfer_": "transfer",
    "aws_verifiedpermissions_": "verifiedpermissions",
    "aws_vpclattice_": "vpc-lattice",
    "aws_wafv2_": "wafv2",
    "aws_workspaces_": "workspaces",
    "aws_xray_": "xray",
}
# Features that every resource of a type needs.
_OF_TYPES = {"aws_api_gateway_authorizer": AUTHORIZERS, "aws_ssm_document": DOCUMENTS}
SERVICES = frozenset(_SERVICES.values())
# Their common names, if these differ from the service's own name.
_TITLES = {
    "amp": "Managed Prometheus",
    "apigatewayv2": "HTTP and WebSocket APIs (API Gateway v2)",
    "bedrock-agent": "Bedrock agents",
    "cognito-identity": "Cognito identity pools",
    "cognito-idp": "Cognito user pools",
    "cur": "Cost and Usage Reports",
    "dlm": "Data Lifecycle Manager",
    "ds": "Directory Service",
    "elbv2": "load balancers",
    "kafka": "Kafka (MSK)",
    "kinesis": "Kinesis streams",
    "oam": "CloudWatch Observability Access Manager",
    "pipes": "EventBridge Pipes",
    "ram": "Resource Access Manager",
    "rum": "CloudWatch RUM",
    "schemas": "EventBridge schemas",
    "sso-admin": "IAM Identity Center",
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


def needs_of(settings: Settings) -> list[Need]:
    """Return the needs of the root of `settings` and its local modules, in the order of their files."""
    found = declarations_in(settings.terraform_dir, read_values(settings))
    return [
        Need(feature=feature, address=each.address, location=_location(each, settings.terraform_dir))
        for each in found
        for feature in sorted(features_of(each))
    ]


def features_of(declared: DeclaredResource) -> set[str]:
    """Return the features that a declared resource needs, judging by its files."""
    found = {feature for feature in (_service_of(declared.type), _OF_TYPES.get(declared.type)) if feature}
    match declared.type:
        case "aws_apigatewayv2_authorizer" if declared.value("authorizer_type") == "REQUEST":
            found.add(HTTP_AUTHORIZERS)
        case "aws_apigatewayv2_integration" if declared.value("integration_subtype"):
            found.add(HTTP_INTEGRATIONS)
        case "aws_apigatewayv2_api" if declared.value("protocol_type") == "WEBSOCKET":
            found.add(WEBSOCKETS)
        case "aws_apigatewayv2_api" if "integrationSubtype" in declared.text("body"):
            found.add(HTTP_INTEGRATIONS)
        case "aws_lambda_function":
            found |= _of_function(declared)
        case "aws_lambda_event_source_mapping" if ".stream_arn" in declared.text("event_source_arn"):
            found.add(STREAMS)
        case "aws_pipes_pipe" if _does_more_than_hand_on(declared):
            found.add(PIPES)
        case "aws_sfn_state_machine" if '"JSONata"' in _plain(declared.text("definition")):
            found.add(JSONATA)
    return found


def _location(declared: DeclaredResource, root: Path) -> str:
    file, home = declared.block.file.resolve(), root.resolve()
    shown = file.relative_to(home, walk_up=True)
    return f"{shown}:{declared.block.line}" if declared.block.line else str(shown)


def _of_function(declared: DeclaredResource) -> set[str]:
    if declared.value("package_type") == "Image":
        return {IMAGES}
    runtime = declared.value("runtime")
    found = {RUNTIME + runtime} if runtime else set()
    if any(block.type == "file_system_config" for block in declared.block.blocks):
        found.add(FILE_SYSTEMS)
    return found


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
