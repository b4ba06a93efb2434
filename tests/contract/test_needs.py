"""A backend lacks the features that the data declare as missing, and no others."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.parsers import ResponseParserError

from harness import Endpoint, ExpectationError, Settings, backends
from harness.aws import clients
from harness.aws.rest import address_of
from harness.aws.websocket.connection import WebSocket
from harness.terraform.needs import DOCUMENTS, FILE_SYSTEMS, JSONATA, PIPES, STREAMS, WEBSOCKETS
from harness.terraform.needs.features import SERVICES
from tests.contract.functions import create

if TYPE_CHECKING:
    from collections.abc import Iterator

# A call for each service, which changes nothing that a test looks at.
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "accessanalyzer": ("list_analyzers", {}),
    "acm-pca": ("list_certificate_authorities", {}),
    "amp": ("list_workspaces", {}),
    "amplify": ("list_apps", {}),
    "apigatewayv2": ("get_apis", {}),
    "appconfig": ("list_applications", {}),
    "appflow": ("list_flows", {}),
    "application-autoscaling": ("describe_scalable_targets", {"ServiceNamespace": "dynamodb"}),
    "apprunner": ("list_services", {}),
    "appsync": ("list_graphql_apis", {}),
    "athena": ("list_work_groups", {}),
    "autoscaling": ("describe_auto_scaling_groups", {}),
    "backup": ("list_backup_vaults", {}),
    "batch": ("describe_job_queues", {}),
    "bedrock": ("list_foundation_models", {}),
    "bedrock-agent": ("list_agents", {}),
    "budgets": ("describe_budgets", {"AccountId": "000000000000"}),
    "chatbot": ("describe_slack_channel_configurations", {}),
    "cloudfront": ("list_distributions", {}),
    "cloudtrail": ("list_trails", {}),
    "codeartifact": ("list_domains", {}),
    "codebuild": ("list_projects", {}),
    "codecommit": ("create_repository", {"repositoryName": "asked"}),
    "codedeploy": ("list_applications", {}),
    "codepipeline": ("list_pipelines", {}),
    "codestar-connections": ("list_connections", {}),
    "cognito-identity": ("list_identity_pools", {"MaxResults": 1}),
    "cognito-idp": ("list_user_pools", {"MaxResults": 1}),
    "connect": ("list_instances", {}),
    "cur": ("describe_report_definitions", {}),
    "datasync": ("list_tasks", {}),
    "dax": ("describe_clusters", {}),
    "dlm": ("get_lifecycle_policies", {}),
    "dms": ("describe_replication_instances", {}),
    "docdb": ("describe_db_clusters", {}),
    "ds": ("describe_directories", {}),
    "dsql": ("list_clusters", {}),
    "ecr": ("describe_repositories", {}),
    "ecs": ("list_clusters", {}),
    "efs": ("describe_file_systems", {}),
    "eks": ("list_clusters", {}),
    "elasticache": ("describe_cache_clusters", {}),
    "elbv2": ("describe_load_balancers", {}),
    "emr": ("list_clusters", {}),
    "fis": ("list_experiment_templates", {}),
    "glacier": ("list_vaults", {}),
    "globalaccelerator": ("list_accelerators", {}),
    "glue": ("get_databases", {}),
    "grafana": ("list_workspaces", {}),
    "guardduty": ("list_detectors", {}),
    "imagebuilder": ("list_image_pipelines", {}),
    "inspector2": ("list_filters", {}),
    "iot": ("list_things", {}),
    "ivs": ("list_channels", {}),
    "kafka": ("list_clusters", {}),
    "kendra": ("list_indices", {}),
    "kinesisanalyticsv2": ("list_applications", {}),
    "kinesisvideo": ("list_streams", {}),
    "lakeformation": ("list_resources", {}),
    "lex-models": ("get_bots", {}),
    "lexv2-models": ("list_bots", {}),
    "macie2": ("get_macie_session", {}),
    "mediaconvert": ("list_queues", {}),
    "memorydb": ("describe_clusters", {}),
    "mq": ("list_brokers", {}),
    "neptune": ("describe_db_clusters", {}),
    "network-firewall": ("list_firewalls", {}),
    "oam": ("list_sinks", {}),
    "opensearchserverless": ("list_collections", {}),
    "organizations": ("list_accounts", {}),
    "pipes": ("list_pipes", {}),
    "ram": ("get_resource_shares", {"resourceOwner": "SELF"}),
    "rds": ("describe_db_instances", {}),
    "redshift": ("describe_clusters", {}),
    "rekognition": ("list_collections", {}),
    "rolesanywhere": ("list_trust_anchors", {}),
    "route53resolver": ("list_resolver_endpoints", {}),
    "rum": ("list_app_monitors", {}),
    "s3tables": ("list_table_buckets", {}),
    "sagemaker": ("list_models", {}),
    "schemas": ("list_registries", {}),
    "securityhub": ("enable_security_hub", {}),
    "serverlessrepo": ("list_applications", {}),
    "service-quotas": ("list_aws_default_service_quotas", {"ServiceCode": "vpc"}),
    "servicecatalog": ("list_portfolios", {}),
    "servicediscovery": ("list_namespaces", {}),
    "sesv2": ("list_email_identities", {}),
    "shield": ("list_protections", {}),
    "signer": ("list_signing_profiles", {}),
    "ssm-incidents": ("list_response_plans", {}),
    "sso-admin": ("list_instances", {}),
    "swf": ("list_domains", {"registrationStatus": "REGISTERED"}),
    "synthetics": ("describe_canaries", {}),
    "timestream-influxdb": ("list_db_instances", {}),
    "timestream-write": ("list_databases", {}),
    "transfer": ("list_servers", {}),
    "verifiedpermissions": ("list_policy_stores", {}),
    "vpc-lattice": ("list_services", {}),
    "wafv2": ("list_web_acls", {"Scope": "REGIONAL"}),
    "workspaces": ("describe_workspaces", {}),
    "xray": ("get_groups", {}),
}
# The calls are answered, but nothing is created, because `host` would download a program for it.
NOT_ASKED = {"es", "kinesis", "opensearch"}


@pytest.fixture(autouse=True)
def _on_an_emulator_that_is_known(endpoint: Endpoint) -> None:
    if endpoint.is_aws or endpoint.backend not in backends.BUILT_IN:
        pytest.skip(f"nothing is said of what {endpoint.backend} lacks")


@pytest.fixture
def role(endpoint: Endpoint) -> Iterator[str]:
    """Provide the ARN of a role that anybody may take."""
    iam, name = clients.client(endpoint, "iam"), f"needs-{uuid4().hex[:8]}"
    services = ["lambda.amazonaws.com", "pipes.amazonaws.com", "states.amazonaws.com"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": services}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    yield iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.delete_role(RoleName=name)


def is_said_to_lack(endpoint: Endpoint, settings: Settings, feature: str) -> bool:
    return backends.load(endpoint.backend).lacks(settings, feature)


def test_each_service_is_asked() -> None:
    assert CALLS.keys() | NOT_ASKED == SERVICES


@pytest.mark.anywhere
@pytest.mark.parametrize("service", CALLS)
def test_a_service_answers_or_is_said_to_lack(
    endpoint: Endpoint, harness_settings: Settings, service: str
) -> None:
    operation, arguments = CALLS[service]
    call = getattr(clients.client(endpoint, service), operation)

    if is_said_to_lack(endpoint, harness_settings, service):
        with pytest.raises((*clients.FAILURES, ResponseParserError)):
            call(**arguments)
    else:
        call(**arguments)


@pytest.mark.anywhere
def test_documents_are_listed_or_are_said_to_lack(endpoint: Endpoint, harness_settings: Settings) -> None:
    ssm = clients.client(endpoint, "ssm")

    if is_said_to_lack(endpoint, harness_settings, DOCUMENTS):
        with pytest.raises(clients.FAILURES):
            ssm.list_documents()
    else:
        ssm.list_documents()


def test_a_websocket_opens_or_is_said_to_lack(endpoint: Endpoint, harness_settings: Settings) -> None:
    if is_said_to_lack(endpoint, harness_settings, "apigatewayv2"):
        pytest.skip("it has no API Gateway v2 at all")
    apis = clients.client(endpoint, "apigatewayv2")
    api = apis.create_api(
        Name="needs", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    apis.create_stage(ApiId=api, StageName="probe", AutoDeploy=True)
    published = f"wss://{api}.execute-api.{endpoint.region}.amazonaws.com/probe"
    try:
        with WebSocket.connected(address_of(endpoint, published)):
            is_open = True
    except ExpectationError:
        is_open = False
    apis.delete_api(ApiId=api)

    assert is_open != is_said_to_lack(endpoint, harness_settings, WEBSOCKETS)


def test_an_asymmetric_key_signs_as_tokens_are_signed(endpoint: Endpoint) -> None:
    kms = clients.client(endpoint, "kms")
    key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")["KeyMetadata"]["KeyId"]
    how = {"KeyId": key, "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}

    signature = kms.sign(Message=b"claims", **how)["Signature"]

    assert kms.verify(Message=b"claims", Signature=signature, **how)["SignatureValid"]
    with pytest.raises(kms.exceptions.KMSInvalidSignatureException):
        kms.verify(Message=b"others", Signature=signature, **how)


def skip_where_the_image_decides(endpoint: Endpoint) -> None:
    if endpoint.backend == "container":
        pytest.skip(
            "LocalStack's own image has the Java that this takes, one built without a registry has not"
        )


WRITER = """
import os

def handler(event, context):
    with open(f"/mnt/data/{event['name']}", "a") as file:
        file.write("moon")
    with open(f"/mnt/data/{event['name']}") as file:
        return file.read()
"""


def test_functions_share_a_file_system_or_are_said_to_lack(
    endpoint: Endpoint, harness_settings: Settings, role: str
) -> None:
    lacks = is_said_to_lack(endpoint, harness_settings, FILE_SYSTEMS)
    arn = f"arn:aws:elasticfilesystem:{endpoint.region}:{role.split(':')[4]}:access-point/fsap-{'0' * 17}"
    mounted = [{"Arn": arn, "LocalMountPath": "/mnt/data"}]
    names = [f"needs-{uuid4().hex[:8]}" for _ in "ab"]

    made = [
        create(endpoint, WRITER, FunctionName=name, Role=role, FileSystemConfigs=mounted) for name in names
    ]
    answers = [function.invoke({"name": "a.txt"}) for function in made]
    for name in names:
        clients.client(endpoint, "lambda").delete_function(FunctionName=name)

    assert ([answer.result for answer in answers] != ["moon", "moonmoon"]) == lacks


def test_jsonata_runs_or_is_said_to_lack(endpoint: Endpoint, harness_settings: Settings, role: str) -> None:
    skip_where_the_image_decides(endpoint)
    states = {
        "A": {"Type": "Pass", "Output": "{% $states.input.n + 1 %}", "Next": "B"},
        "B": {"Type": "Succeed", "Output": "{% $states.input * 5 %}"},
    }
    definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": states})
    machines = clients.client(endpoint, "stepfunctions")
    machine = machines.create_state_machine(
        name=f"needs-{uuid4().hex[:8]}", definition=definition, roleArn=role
    )["stateMachineArn"]
    execution = machines.start_execution(stateMachineArn=machine, input='{"n": 1}')["executionArn"]
    while (done := machines.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.2)
    machines.delete_state_machine(stateMachineArn=machine)

    lacks = is_said_to_lack(endpoint, harness_settings, JSONATA)
    assert (done["status"], done.get("output")) == (("FAILED", None) if lacks else ("SUCCEEDED", "10"))


def test_a_pipe_has_the_parameters_that_it_was_created_with(endpoint: Endpoint, role: str) -> None:
    if endpoint.backend != "ministack":
        pytest.skip("what a pipe reports is the harness's own on MiniStack alone")
    pipes, name = clients.client(endpoint, "pipes"), f"needs-{uuid4().hex[:8]}"
    here = f"{endpoint.region}:{role.split(':')[4]}"
    wanted = {"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"}}
    pipes.create_pipe(
        Name=name,
        RoleArn=role,
        Source=f"arn:aws:dynamodb:{here}:table/needs/stream/2026-01-01T00:00:00.000",
        SourceParameters=wanted,
        Target=f"arn:aws:sns:{here}:needs",
    )

    described = pipes.describe_pipe(Name=name)
    pipes.delete_pipe(Name=name)

    assert described["SourceParameters"] == wanted


def test_a_pipe_empties_a_queue_or_is_said_to_lack(
    endpoint: Endpoint, harness_settings: Settings, role: str, request: pytest.FixtureRequest
) -> None:
    iam, holder = clients.client(endpoint, "iam"), role.rpartition("/")[2]
    may = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    iam.put_role_policy(RoleName=holder, PolicyName="queues", PolicyDocument=document)
    request.addfinalizer(lambda: iam.delete_role_policy(RoleName=holder, PolicyName="queues"))
    queues, pipes = clients.client(endpoint, "sqs"), clients.client(endpoint, "pipes")
    urls = [queues.create_queue(QueueName=f"needs-{uuid4().hex[:8]}")["QueueUrl"] for _ in "ab"]
    arns = [
        queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        for url in urls
    ]
    name, lacks = f"needs-{uuid4().hex[:8]}", is_said_to_lack(endpoint, harness_settings, PIPES)
    queues.send_message(QueueUrl=urls[0], MessageBody="moon")
    try:
        pipe = pipes.create_pipe(Name=name, Source=arns[0], Target=arns[1], RoleArn=role)
        pipes.list_tags_for_resource(resourceArn=pipe["Arn"])  # as Terraform does
        arrived = queues.receive_message(QueueUrl=urls[1], WaitTimeSeconds=3 if lacks else 20)
        pipes.delete_pipe(Name=name)
    except (*clients.FAILURES, ResponseParserError):
        arrived = {}
    for url in urls:
        queues.delete_queue(QueueUrl=url)

    assert ("Messages" in arrived) != lacks


def test_a_table_has_a_stream_or_is_said_to_lack(endpoint: Endpoint, harness_settings: Settings) -> None:
    skip_where_the_image_decides(endpoint)
    tables, name = clients.client(endpoint, "dynamodb"), f"needs-{uuid4().hex[:8]}"
    tables.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    stream = tables.describe_table(TableName=name)["Table"].get("LatestStreamArn")
    try:
        clients.client(endpoint, "dynamodbstreams").describe_stream(StreamArn=stream)
        found = True
    except clients.FAILURES:
        found = False
    tables.delete_table(TableName=name)

    assert found != is_said_to_lack(endpoint, harness_settings, STREAMS)


def test_what_a_web_acl_logs_is_kept(endpoint: Endpoint, harness_settings: Settings) -> None:
    if endpoint.is_aws or is_said_to_lack(endpoint, harness_settings, "wafv2"):
        pytest.skip(f"the web ACL is not there on {endpoint.backend}")
    waf = clients.client(endpoint, "wafv2")
    group = f"arn:aws:logs:{endpoint.region}:000000000000:log-group:aws-waf-logs-{uuid4().hex[:8]}"
    acl = f"arn:aws:wafv2:{endpoint.region}:000000000000:regional/webacl/a/{uuid4()}"

    waf.put_logging_configuration(LoggingConfiguration={"ResourceArn": acl, "LogDestinationConfigs": [group]})

    kept = waf.get_logging_configuration(ResourceArn=acl)["LoggingConfiguration"]
    assert kept["LogDestinationConfigs"] == [group]
    assert kept in waf.list_logging_configurations(Scope="REGIONAL")["LoggingConfigurations"]
    waf.delete_logging_configuration(ResourceArn=acl)
    with pytest.raises(waf.exceptions.WAFNonexistentItemException):
        waf.get_logging_configuration(ResourceArn=acl)


def test_whether_a_state_machine_is_traced_is_kept(endpoint: Endpoint, role: str) -> None:
    if endpoint.backend != "ministack":
        pytest.skip("it is MiniStack that would forget it")
    machines = clients.client(endpoint, "stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    asked = {"name": f"needs-{uuid4().hex[:8]}", "definition": definition, "roleArn": role}
    machine = machines.create_state_machine(**asked, tracingConfiguration={"enabled": True})[
        "stateMachineArn"
    ]

    assert machines.describe_state_machine(stateMachineArn=machine)["tracingConfiguration"]["enabled"]
    machines.delete_state_machine(stateMachineArn=machine)
