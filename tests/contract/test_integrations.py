"""An API calls services without a function, and functions with whole events."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from harness import Endpoint, Settings, backends, eventually
from harness.aws import clients
from harness.aws.rest import ApiClient
from harness.terraform.needs import HTTP_INTEGRATIONS
from tests.contract.functions import account_of, create, document

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = [
    "apigateway.amazonaws.com",
    "states.amazonaws.com",
    "lambda.amazonaws.com",
    "events.amazonaws.com",
]
ECHO = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event)} if "version" in event else event
"""
ITEMS = """#set($found = $input.path('$'))
{"ids": [#foreach($each in $found.Items)"$each.id.S"#if($foreach.hasNext),#end#end]}"""
EVENTS = """#set($context.requestOverride.header.X-Amz-Target = "AWSEvents.PutEvents")
#set($context.requestOverride.header.Content-Type = "application/x-amz-json-1.1")
{"Entries": [#foreach($each in $input.path('$.items'))
  {"Source": "%s", "DetailType": "item", "Detail": "$util.escapeJavaScript($each).replaceAll("\\\\'", "'")"}
  #if($foreach.hasNext),#end
#end]}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The resources that the integrations use."""

    endpoint: Endpoint
    name: str
    role: str
    account: str
    queue: str
    machine: str
    function: str

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's
        return clients.client(self.endpoint, service)

    def api(self, name: str, stage: str = "") -> ApiClient:
        """Return a client of an API, by its id."""
        url = f"https://{name}.execute-api.{self.endpoint.region}.amazonaws.com/{stage}"
        return ApiClient.of(self.endpoint, url)

    def message(self) -> dict[str, Any]:
        """Wait for a message in the queue, and return its body."""
        found: list[dict[str, Any]] = eventually(
            lambda: (
                self.client("sqs").receive_message(QueueUrl=self.queue, WaitTimeSeconds=1).get("Messages")
            ),
            what="a message",
        )
        self.client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=found[0]["ReceiptHandle"])
        body: dict[str, Any] = json.loads(found[0]["Body"])
        return body


@pytest.fixture(scope="module")
def place(endpoint: Endpoint) -> Iterator[Place]:
    if endpoint.is_aws:
        pytest.skip("nothing is created on real AWS beside the stack")
    with ExitStack() as removing:
        yield _furnished(endpoint, removing)


def _furnished(endpoint: Endpoint, removing: ExitStack) -> Place:
    """Create a role, a queue with a rule, a table, a bucket, a state machine and a function of one name."""
    name, account = f"called-{uuid4().hex[:8]}", account_of(endpoint)

    def client(service: str) -> Any:  # noqa: ANN401 - boto3's
        return clients.client(endpoint, service)

    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": SERVICES}}
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    may = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    client("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=may)
    removing.callback(client("iam").delete_role, RoleName=name)
    removing.callback(client("iam").delete_role_policy, RoleName=name, PolicyName="all")
    arn = f"arn:aws:sqs:{endpoint.region}:{account}:{name}"
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    queue = client("sqs").create_queue(QueueName=name, Attributes={"Policy": document(anybody)})["QueueUrl"]
    removing.callback(client("sqs").delete_queue, QueueUrl=queue)
    client("events").put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    client("events").put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    removing.callback(client("events").delete_rule, Name=name)
    removing.callback(client("events").remove_targets, Rule=name, Ids=["queue"])
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    removing.callback(client("dynamodb").delete_table, TableName=name)
    here = {"CreateBucketConfiguration": {"LocationConstraint": endpoint.region}}
    client("s3").create_bucket(Bucket=name, **here)
    removing.callback(client("s3").delete_bucket, Bucket=name)
    states = {"Pass": {"Type": "Pass", "End": True, "Parameters": {"got.$": "$.order"}}}
    definition = json.dumps({"StartAt": "Pass", "States": states})
    machine = client("stepfunctions").create_state_machine(
        name=name, definition=definition, roleArn=role, type="EXPRESS"
    )["stateMachineArn"]
    removing.callback(client("stepfunctions").delete_state_machine, stateMachineArn=machine)
    function = create(endpoint, ECHO, FunctionName=name, Role=role)
    removing.callback(function.client.delete_function, FunctionName=name)
    called = {"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com"}
    function.client.add_permission(FunctionName=name, StatementId="apis", **called)
    lambda_arn = f"arn:aws:lambda:{endpoint.region}:{account}:function:{name}"
    return Place(
        endpoint=endpoint,
        name=name,
        role=role,
        account=account,
        queue=queue,
        machine=machine,
        function=lambda_arn,
    )


@pytest.fixture(scope="module")
def rest(place: Place) -> Iterator[ApiClient]:
    if place.endpoint.backend != "ministack":
        pytest.skip("what an API calls is the harness's own on MiniStack alone")
    apis = place.client("apigateway")
    api = apis.create_rest_api(name=place.name)["id"]
    paths = {path: _operations(integrations) for path, integrations in _integrations(place).items()}
    described = {"openapi": "3.0.1", "info": {"title": place.name, "version": "1"}, "paths": paths}
    apis.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(described).encode())
    apis.create_deployment(restApiId=api, stageName="v1")
    yield place.api(api, "v1")
    apis.delete_rest_api(restApiId=api)


def _operations(integrations: dict[str, Any]) -> dict[str, Any]:
    header = {"Content-Type": {"schema": {"type": "string"}}}
    responses = {"200": {"description": "done", "headers": header}}
    return {
        method: {"responses": responses, "x-amazon-apigateway-integration": integration}
        for method, integration in integrations.items()
    }


def _integrations(place: Place) -> dict[str, dict[str, Any]]:
    """Return the integrations of a REST API, by path and method."""

    def integration(target: str, template: str = "", answer: str = "", **others: Any) -> dict[str, Any]:  # noqa: ANN401 - OpenAPI's
        mapped = {"responseTemplates": {"application/json": answer}} if answer else {}
        return {
            "type": "aws",
            "credentials": place.role,
            "httpMethod": "POST",
            "passthroughBehavior": "when_no_templates",
            "uri": f"arn:aws:apigateway:{place.endpoint.region}:{target}",
            "responses": {"default": {"statusCode": "200", **mapped}},
            **({"requestTemplates": {"application/json": template}} if template else {}),
            **others,
        }

    form = {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"}
    object_of = {"integration.request.path.key": "method.request.path.key"}
    typed = {"method.response.header.Content-Type": "integration.response.header.Content-Type"}
    table = f'"TableName": "{place.name}"'
    given = '"input": "{\\"order\\": $util.escapeJavaScript($input.json(\'$\'))}"'
    order = f'"stateMachineArn": "{place.machine}", {given}'
    return {
        "/queue": {
            "post": integration(
                f"sqs:path/{place.account}/{place.name}",
                "Action=SendMessage&MessageBody=$util.urlEncode($input.body)",
                '{"id": "$input.path(\'$.SendMessageResponse.SendMessageResult.MessageId\')"}',
                requestParameters=form,
            )
        },
        "/events": {"post": integration("events:action/PutEvents", EVENTS % place.name)},
        "/items": {
            "post": integration(
                "dynamodb:action/PutItem",
                f'{{{table}, "Item": {{"id": {{"S": "$input.path(\'$.id\')"}}}}}}',
            ),
            "get": integration("dynamodb:action/Scan", f"{{{table}}}", ITEMS),
        },
        "/orders": {
            "post": integration("states:action/StartSyncExecution", f"{{{order}}}", "$input.path('$.output')")
        },
        "/files/{key}": {
            "put": integration(
                f"s3:path/{place.name}/{{key}}", httpMethod="PUT", requestParameters=object_of
            ),
            "get": integration(
                f"s3:path/{place.name}/{{key}}",
                httpMethod="GET",
                requestParameters=object_of,
                responses={"default": {"statusCode": "200", "responseParameters": typed}},
            ),
        },
        "/function": {
            "post": integration(
                f"lambda:path/2015-03-31/functions/{place.function}/invocations",
                "#if($input.path('$.b') > 0)null is not more than 0#end"
                '{"wrapped": $input.json(\'$.a\'), "method": "$context.httpMethod"}',
            )
        },
    }


def test_a_rest_api_sends_a_message(rest: ApiClient, place: Place) -> None:
    answer = rest.post("queue", json={"text": "tea & cake, 5 €"})

    assert answer.status == 200
    assert answer.json()["id"]
    assert place.message() == {"text": "tea & cake, 5 €"}


def test_a_rest_api_sends_events(rest: ApiClient, place: Place) -> None:
    answer = rest.post("events", json={"items": ['{"name": "it\'s"}']})

    assert answer.json()["FailedEntryCount"] == 0
    assert place.message()["detail"] == {"name": "it's"}


def test_a_rest_api_reads_and_writes_a_table(rest: ApiClient) -> None:
    assert rest.post("items", json={"id": "moon"}).status == 200
    assert rest.get("items").json() == {"ids": ["moon"]}


def test_a_rest_api_waits_for_a_workflow(rest: ApiClient) -> None:
    assert rest.post("orders", json={"id": 7}).json() == {"got": {"id": 7}}


def test_a_rest_api_reads_and_writes_objects(rest: ApiClient, place: Place) -> None:
    assert rest.put("files/a.txt", body="moon", headers={"Content-Type": "text/plain"}).status == 200
    answer = rest.get("files/a.txt")
    place.client("s3").delete_object(Bucket=place.name, Key="a.txt")

    assert (answer.body, answer.headers["content-type"].partition(";")[0]) == (b"moon", "text/plain")


def test_a_function_gets_what_the_mapping_template_makes(rest: ApiClient) -> None:
    assert rest.post("function", json={"a": [1, 2], "b": None}).json() == {
        "wrapped": [1, 2],
        "method": "POST",
    }


@pytest.fixture(scope="module")
def mocks(place: Place) -> Iterator[ApiClient]:
    """Provide a REST API that answers by its templates, without a service."""
    apis = place.client("apigateway")
    api = apis.create_rest_api(name=f"{place.name}-mocks")["id"]
    described = {"openapi": "3.0.1", "info": {"title": place.name, "version": "1"}, "paths": _mocks()}
    apis.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(described).encode())
    apis.create_deployment(restApiId=api, stageName="v1", variables={"level": "low"})
    yield place.api(api, "v1")
    apis.delete_rest_api(restApiId=api)


def _mocks() -> dict[str, Any]:
    """Return what most stacks mock: the answers to browsers, and an answer that depends on the request."""

    def mock(template: str, responses: dict[str, Any]) -> dict[str, Any]:
        headers = {name: {"schema": {"type": "string"}} for name in ("Access-Control-Allow-Methods", "Level")}
        return {
            "responses": {
                status: {"description": "", "headers": headers} for status in ("200", "204", "404")
            },
            "x-amazon-apigateway-integration": {
                "type": "mock",
                "requestTemplates": {"application/json": template},
                "passthroughBehavior": "when_no_match",
                "responses": responses,
            },
        }

    methods = {"method.response.header.Access-Control-Allow-Methods": "'GET,OPTIONS'"}
    preflight = {"default": {"statusCode": "204", "responseParameters": methods}}
    status = "#if($input.params('kind') == \"tea\")200#{else}404#end"
    said = {"application/json": '{"kind": "$input.params(\'kind\')", "level": "$stageVariables.level"}'}
    wrong = {"application/json": '{"no": "$context.resourcePath"}'}
    kinds = {
        "200": {"statusCode": "200", "responseTemplates": said},
        r"4\d\d": {"statusCode": "404", "responseTemplates": wrong},
    }
    return {
        "/pots/{kind}": {
            "options": mock('{"statusCode": 200}', preflight),
            "get": mock(f'{{"statusCode": {status}}}', kinds),
        },
    }


def test_a_mock_answers_a_browser_that_asks_first(mocks: ApiClient) -> None:
    answer = mocks.request("OPTIONS", "pots/tea", headers={"Origin": "https://shop.example"})

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-methods"] == "GET,OPTIONS"


def test_a_mock_answers_by_its_templates(mocks: ApiClient) -> None:
    known, unknown = mocks.get("pots/tea"), mocks.get("pots/milk")

    assert (known.status, known.json()) == (200, {"kind": "tea", "level": "low"})
    assert (unknown.status, unknown.json()) == (404, {"no": "/pots/{kind}"})


def test_a_state_machine_calls_s3_in_its_own_region(place: Place) -> None:
    if place.endpoint.backend != "ministack":
        pytest.skip("the region of such a call is the harness's own on MiniStack alone")
    region, name = "eu-west-3", f"{place.name}-far"
    there = replace(place.endpoint, region=region)
    s3, machines = clients.client(there, "s3"), clients.client(there, "stepfunctions")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_object(Bucket=name, Key="moon.txt", Body=b"moon")
    listing = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "Parameters": {"Bucket": name},
        "ResultSelector": {"keys.$": "$.Contents[*].Key"},
        "End": True,
    }
    definition = json.dumps({"StartAt": "List", "States": {"List": listing}})
    machine = machines.create_state_machine(
        name=name, definition=definition, roleArn=place.role, type="EXPRESS"
    )["stateMachineArn"]

    ended = machines.start_sync_execution(stateMachineArn=machine)

    machines.delete_state_machine(stateMachineArn=machine)
    s3.delete_object(Bucket=name, Key="moon.txt")
    s3.delete_bucket(Bucket=name)
    assert json.loads(ended["output"]) == {"keys": ["moon.txt"]}


@pytest.fixture
def http(place: Place, harness_settings: Settings) -> Iterator[ApiClient]:
    if backends.load(place.endpoint.backend).lacks(harness_settings, HTTP_INTEGRATIONS):
        pytest.skip(f"{place.endpoint.backend} is said to lack integrations of HTTP APIs with services")
    apis = place.client("apigatewayv2")
    api = apis.create_api(Name=place.name, ProtocolType="HTTP")["ApiId"]
    told = {"Source": place.name, "DetailType": "$request.header.kind", "Detail": "$request.body.detail"}
    for route, subtype, parameters in (
        ("POST /queue", "SQS-SendMessage", {"QueueUrl": place.queue, "MessageBody": "$request.body"}),
        ("POST /events", "EventBridge-PutEvents", told),
        (
            "POST /orders/{id}",
            "StepFunctions-StartSyncExecution",
            {"StateMachineArn": place.machine, "Input": '{"order": "${request.path.id}"}'},
        ),
    ):
        made = apis.create_integration(
            ApiId=api,
            IntegrationType="AWS_PROXY",
            IntegrationSubtype=subtype,
            CredentialsArn=place.role,
            PayloadFormatVersion="1.0",
            RequestParameters=parameters,
        )
        assert made["IntegrationSubtype"] == subtype
        again = apis.update_integration(ApiId=api, IntegrationId=made["IntegrationId"], Description="again")
        assert (again["ResponseMetadata"]["HTTPStatusCode"], again["IntegrationSubtype"]) == (200, subtype)
        apis.create_route(ApiId=api, RouteKey=route, Target=f"integrations/{made['IntegrationId']}")
    apis.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    yield place.api(api)
    apis.delete_api(ApiId=api)


def test_an_http_api_calls_services(http: ApiClient, place: Place) -> None:
    assert http.post("queue", json={"text": "tea"}).status == 200
    assert place.message() == {"text": "tea"}

    assert http.post("events", json={"detail": {"name": "Ada"}}, headers={"kind": "greeting"}).status == 200
    event = place.message()
    assert (event["detail"], event["detail-type"]) == ({"name": "Ada"}, "greeting")

    assert json.loads(http.post("orders/7").json()["output"]) == {"got": "7"}


def test_an_authorizer_has_only_the_fields_of_its_type(place: Place) -> None:
    if place.endpoint.backend != "ministack":
        pytest.skip("these fields are the harness's own on MiniStack alone")
    apis = place.client("apigatewayv2")
    api = apis.create_api(Name=place.name, ProtocolType="HTTP")["ApiId"]
    usual = {"ApiId": api, "IdentitySource": ["$request.header.Authorization"]}
    tokens = {"Audience": ["me"], "Issuer": "https://issuer.example"}
    jwt = apis.create_authorizer(Name="jwt", AuthorizerType="JWT", JwtConfiguration=tokens, **usual)
    path = f"lambda:path/2015-03-31/functions/{place.function}/invocations"
    function = apis.create_authorizer(
        Name="function",
        AuthorizerType="REQUEST",
        AuthorizerUri=f"arn:aws:apigateway:{place.endpoint.region}:{path}",
        AuthorizerPayloadFormatVersion="2.0",
        **usual,
    )
    again = apis.get_authorizer(ApiId=api, AuthorizerId=jwt["AuthorizerId"])
    apis.delete_api(ApiId=api)

    assert "AuthorizerPayloadFormatVersion" not in again
    assert again["JwtConfiguration"] == tokens
    assert "JwtConfiguration" not in function
    assert function["AuthorizerPayloadFormatVersion"] == "2.0"


@pytest.fixture(params=["1.0", "2.0"])
def echoing(place: Place, harness_settings: Settings, request: pytest.FixtureRequest) -> Iterator[ApiClient]:
    """Provide an HTTP API whose function returns its event in the format of the parameter."""
    if backends.load(place.endpoint.backend).lacks(harness_settings, "apigatewayv2"):
        pytest.skip(f"no HTTP APIs on {place.endpoint.backend}")
    apis = place.client("apigatewayv2")
    api = apis.create_api(Name=place.name, ProtocolType="HTTP")["ApiId"]
    made = apis.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=place.function,
        PayloadFormatVersion=request.param,
    )
    apis.create_route(ApiId=api, RouteKey="GET /say/{word}", Target=f"integrations/{made['IntegrationId']}")
    apis.create_stage(ApiId=api, StageName="test", AutoDeploy=True, StageVariables={"level": "low"})
    yield place.api(api, "test")
    apis.delete_api(ApiId=api)


def test_a_function_gets_the_event_in_the_declared_format(
    echoing: ApiClient, request: pytest.FixtureRequest
) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html."""
    answer = echoing.get("say/moon", query={"a": ["1", "2"]}, headers={"Cookie": "x=1; y=2"})

    event = answer.json()
    assert event["version"] == request.node.callspec.params["echoing"]
    assert event["pathParameters"] == {"word": "moon"}
    assert event["stageVariables"] == {"level": "low"}
    if event["version"] == "1.0":
        assert (event["httpMethod"], event["path"], event["resource"]) == (
            "GET",
            "/test/say/moon",
            "/say/{word}",
        )
        assert event["queryStringParameters"] == {"a": "2"}
        assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
        assert event["requestContext"]["identity"]["sourceIp"]
    else:
        assert (event["routeKey"], event["rawPath"]) == ("GET /say/{word}", "/test/say/moon")
        assert event["queryStringParameters"] == {"a": "1,2"}
        assert event["cookies"] == ["x=1", "y=2"]
