"""Probes of how an emulator handles the features that stacks rely on.

Each returns `enforced` or `carried out` if the emulator does as AWS does, `declared` if it only stores the
configuration, and `missing` if it refuses the feature.
"""

from __future__ import annotations

import functools
import io
import json
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from harness import NotReachedError
from harness.aws import capabilities, clients
from harness.aws.rest import ApiClient
from harness.base.polling import eventually
from tests.iam.roles import EVERYTHING, document_of, user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness import Endpoint

    type Probe = Callable[[Endpoint, ExitStack], str]

ENFORCED, CARRIED_OUT, DECLARED, MISSING = "enforced", "carried out", "declared", "missing"
_SOON = 8.0  # seconds
_A_WHILE = 30.0
_NEXT_MINUTE = 80.0  # seconds
_SOURCE = "def handler(event, context):\n    print(event)\n"
_FAILS = "def handler(event, context):\n    raise ValueError(event)\n"
_ROTATES = """
import boto3

def handler(event, context):
    secrets, secret, fresh = boto3.client("secretsmanager"), event["SecretId"], event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        secrets.put_secret_value(
            SecretId=secret, ClientRequestToken=fresh, SecretString="fresh", VersionStages=["AWSPENDING"]
        )
    if event["Step"] == "finishSecret":
        stages = secrets.describe_secret(SecretId=secret)["VersionIdsToStages"]
        (old,) = [version for version, held in stages.items() if "AWSCURRENT" in held]
        secrets.update_secret_version_stage(
            SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=fresh, RemoveFromVersionId=old
        )
"""


def level(endpoint: Endpoint, feature: str) -> str:
    """Return an emulator's level of a feature."""
    with ExitStack() as cleanup:
        try:
            return PROBES[feature](endpoint, cleanup)
        except clients.FAILURES:
            return MISSING


def _capability(name: str, able: str, endpoint: Endpoint, _cleanup: ExitStack) -> str:
    return DECLARED if capabilities.missing(endpoint, [name]) else able


def _name() -> str:
    return f"probe-{uuid4().hex[:12]}"


def _is_refused(call: Callable[..., Any], **arguments: object) -> bool:
    try:
        call(**arguments)
    except clients.FAILURES:
        return True
    return False


def _comes(what: Callable[[], object], timeout: float = _SOON) -> bool:
    try:
        eventually(what, until=bool, what="the effect", timeout=timeout)
    except NotReachedError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that anybody may send to."""

    client: Any
    url: str
    arn: str

    @classmethod
    def made(cls, endpoint: Endpoint, cleanup: ExitStack, **attributes: str) -> Queue:
        """Create a queue, which is deleted when the context ends."""
        sqs = clients.client(endpoint, "sqs")
        allowed = {**EVERYTHING, "Principal": "*"}
        url = sqs.create_queue(
            QueueName=_name(), Attributes={"Policy": document_of([allowed]), **attributes}
        )["QueueUrl"]
        cleanup.callback(sqs.delete_queue, QueueUrl=url)
        named = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return cls(sqs, url, named["Attributes"]["QueueArn"])

    def received(self) -> list[str]:
        """Receive the visible messages, and leave them visible."""
        answer = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in answer.get("Messages", ())]


def _bucket(endpoint: Endpoint, cleanup: ExitStack, **more: object) -> str:
    s3, bucket = clients.client(endpoint, "s3"), _name()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": endpoint.region}, **more)
    bypass = {"BypassGovernanceRetention": True} if "ObjectLockEnabledForBucket" in more else {}
    cleanup.callback(_without_its_objects, s3, bucket, bypass)
    return bucket


def _without_its_objects(s3: Any, bucket: str, bypass: Mapping[str, bool]) -> None:  # noqa: ANN401 - boto3's
    versions = s3.list_object_versions(Bucket=bucket)
    for held in (*versions.get("Versions", ()), *versions.get("DeleteMarkers", ())):
        s3.delete_object(Bucket=bucket, Key=held["Key"], VersionId=held["VersionId"], **bypass)
    s3.delete_bucket(Bucket=bucket)


def _role(endpoint: Endpoint, cleanup: ExitStack, service: str) -> str:
    iam, name = clients.client(endpoint, "iam"), _name()
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": f"{service}.amazonaws.com"},
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document_of([trust]))["Role"]["Arn"]
    cleanup.callback(iam.delete_role, RoleName=name)
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document_of([EVERYTHING]))
    cleanup.callback(iam.delete_role_policy, RoleName=name, PolicyName="all")
    return str(arn)


def _function(endpoint: Endpoint, cleanup: ExitStack, source: str = _SOURCE) -> str:
    """Make a function, and return its ARN."""
    functions, zipped = clients.client(endpoint, "lambda"), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("app.py", source)
    made = functions.create_function(
        FunctionName=_name(),
        Runtime="python3.13",
        Handler="app.handler",
        Role=_role(endpoint, cleanup, "lambda"),
        Code={"ZipFile": zipped.getvalue()},
    )
    cleanup.callback(functions.delete_function, FunctionName=made["FunctionName"])
    functions.get_waiter("function_active_v2").wait(FunctionName=made["FunctionName"])
    return str(made["FunctionArn"])


def _rule(endpoint: Endpoint, cleanup: ExitStack, target: str) -> tuple[str, Callable[[str], None]]:
    """Create a rule for a unique event, and return its ARN and a function that sends such an event."""
    events, name = clients.client(endpoint, "events"), _name()
    arn = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    cleanup.callback(events.delete_rule, Name=name)
    events.put_targets(Rule=name, Targets=[{"Id": "one", "Arn": target}])
    cleanup.callback(events.remove_targets, Rule=name, Ids=["one"])

    def fire(kind: str) -> None:
        events.put_events(Entries=[{"Source": name, "DetailType": kind, "Detail": "{}"}])

    return arn, fire


def _policies_of_functions(endpoint: Endpoint, cleanup: ExitStack) -> str:
    function = _function(endpoint, cleanup)
    rule, fire = _rule(endpoint, cleanup, function)
    logs, group = clients.client(endpoint, "logs"), f"/aws/lambda/{function.rpartition(':')[2]}"

    def has_come(kind: str) -> bool:
        try:
            found = logs.filter_log_events(logGroupName=group)
        except logs.exceptions.ResourceNotFoundException:
            return False
        return any(kind in event["message"] for event in found["events"])

    fire("refused")
    if _comes(lambda: has_come("refused")):
        return DECLARED
    allowed = {"Principal": "events.amazonaws.com", "Action": "lambda:InvokeFunction", "SourceArn": rule}
    clients.client(endpoint, "lambda").add_permission(FunctionName=function, StatementId="one", **allowed)
    fire("let through")
    if not _comes(lambda: has_come("let through"), 4 * _SOON):
        return MISSING
    return DECLARED if has_come("refused") else ENFORCED


def _concurrency(endpoint: Endpoint, cleanup: ExitStack) -> str:
    function, functions = _function(endpoint, cleanup), clients.client(endpoint, "lambda")
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    return ENFORCED if _is_refused(functions.invoke, FunctionName=function) else DECLARED


def _rules(endpoint: Endpoint, cleanup: ExitStack) -> str:
    queue = Queue.made(endpoint, cleanup)
    _, fire = _rule(endpoint, cleanup, queue.arn)
    fire("probe")
    return CARRIED_OUT if _comes(queue.received) else DECLARED


def _scheduler(endpoint: Endpoint, cleanup: ExitStack) -> str:
    queue, schedules, name = Queue.made(endpoint, cleanup), clients.client(endpoint, "scheduler"), _name()
    role = _role(endpoint, cleanup, "scheduler")
    moment = datetime.now(UTC) + timedelta(seconds=10)
    schedules.create_schedule(
        Name=name,
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue.arn, "RoleArn": role, "Input": "{}"},
    )
    cleanup.callback(schedules.delete_schedule, Name=name)
    return CARRIED_OUT if _comes(queue.received, _NEXT_MINUTE) else DECLARED


def _notifications(endpoint: Endpoint, cleanup: ExitStack) -> str:
    queue, bucket, s3 = (
        Queue.made(endpoint, cleanup),
        _bucket(endpoint, cleanup),
        clients.client(endpoint, "s3"),
    )
    to_queue = {"QueueArn": queue.arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [to_queue]}
    )
    s3.put_object(Bucket=bucket, Key="probe", Body=b"")
    sent = _comes(lambda: any("ObjectCreated" in body for body in queue.received()))
    return CARRIED_OUT if sent else DECLARED


def _lifecycle(endpoint: Endpoint, cleanup: ExitStack) -> str:
    bucket, s3 = _bucket(endpoint, cleanup), clients.client(endpoint, "s3")
    s3.put_object(Bucket=bucket, Key="probe", Body=b"")
    rule = {
        "ID": "probe",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "Expiration": {"Date": datetime(2020, 1, 1, tzinfo=UTC)},
    }
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    gone = _comes(lambda: s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0, _NEXT_MINUTE)
    return CARRIED_OUT if gone else DECLARED


def _object_lock(endpoint: Endpoint, cleanup: ExitStack) -> str:
    bucket = _bucket(endpoint, cleanup, ObjectLockEnabledForBucket=True)
    s3 = clients.client(endpoint, "s3")
    kept = {
        "ObjectLockMode": "GOVERNANCE",
        "ObjectLockRetainUntilDate": datetime.now(UTC) + timedelta(days=1),
    }
    version = s3.put_object(Bucket=bucket, Key="probe", Body=b"", **kept)["VersionId"]
    refused = _is_refused(s3.delete_object, Bucket=bucket, Key="probe", VersionId=version)
    return ENFORCED if refused else DECLARED


def _conditional_writes(endpoint: Endpoint, cleanup: ExitStack) -> str:
    bucket, s3 = _bucket(endpoint, cleanup), clients.client(endpoint, "s3")
    s3.put_object(Bucket=bucket, Key="probe", Body=b"")
    refused = _is_refused(s3.put_object, Bucket=bucket, Key="probe", Body=b"", IfNoneMatch="*")
    return ENFORCED if refused else DECLARED


def _kms_behind_s3(endpoint: Endpoint, cleanup: ExitStack) -> str:
    bucket, key = _bucket(endpoint, cleanup), _key(endpoint)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    clients.client(endpoint, "s3").put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules}
    )
    someone = cleanup.enter_context(user(endpoint, [{**EVERYTHING, "Action": "s3:*"}]))
    put = clients.client(someone, "s3").put_object
    return ENFORCED if _is_refused(put, Bucket=bucket, Key="probe", Body=b"") else DECLARED


def _key(endpoint: Endpoint) -> str:
    return str(clients.client(endpoint, "kms").create_key()["KeyMetadata"]["Arn"])


def _disabled_keys(endpoint: Endpoint, _cleanup: ExitStack) -> str:
    kms, key = clients.client(endpoint, "kms"), _key(endpoint)
    kms.disable_key(KeyId=key)
    return ENFORCED if _is_refused(kms.encrypt, KeyId=key, Plaintext=b"probe") else DECLARED


def _dead_letters(endpoint: Endpoint, cleanup: ExitStack) -> str:
    dead = Queue.made(endpoint, cleanup)
    policy = json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 1})
    queue = Queue.made(endpoint, cleanup, RedrivePolicy=policy)
    queue.client.send_message(QueueUrl=queue.url, MessageBody="probe")
    return (
        CARRIED_OUT if _comes(lambda: [*queue.received(), *dead.received()] and dead.received()) else DECLARED
    )


def _topic(endpoint: Endpoint, cleanup: ExitStack, queue: Queue, **attributes: str) -> str:
    sns = clients.client(endpoint, "sns")
    topic = sns.create_topic(Name=_name())["TopicArn"]
    cleanup.callback(sns.delete_topic, TopicArn=topic)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn, Attributes=attributes)
    return str(topic)


def _filters(endpoint: Endpoint, cleanup: ExitStack) -> str:
    queue = Queue.made(endpoint, cleanup)
    topic = _topic(endpoint, cleanup, queue, FilterPolicy=json.dumps({"kind": ["wanted"]}))
    for kind in ("other", "wanted"):
        attribute = {"DataType": "String", "StringValue": kind}
        clients.client(endpoint, "sns").publish(
            TopicArn=topic, Message=f"the {kind} one", MessageAttributes={"kind": attribute}
        )
    if not _comes(lambda: any("the wanted one" in body for body in queue.received())):
        return MISSING
    return DECLARED if any("the other one" in body for body in queue.received()) else CARRIED_OUT


def _alarms(endpoint: Endpoint, cleanup: ExitStack) -> str:
    queue, metrics, name = Queue.made(endpoint, cleanup), clients.client(endpoint, "cloudwatch"), _name()
    metrics.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="probe",
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[_topic(endpoint, cleanup, queue)],
    )
    cleanup.callback(metrics.delete_alarms, AlarmNames=[name])
    metrics.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="probe")
    return CARRIED_OUT if _comes(queue.received) else DECLARED


def _api_keys(endpoint: Endpoint, cleanup: ExitStack) -> str:
    """Ask an API that wants a key without one."""
    api = _api(endpoint, cleanup)
    _publish(endpoint, api, authorizationType="NONE", apiKeyRequired=True)
    return ENFORCED if _status(endpoint, api) == 403 else DECLARED


def _authorizers(endpoint: Endpoint, cleanup: ExitStack) -> str:
    """Ask an API whose authorizer wants a token without one."""
    api, arn = _api(endpoint, cleanup), _function(endpoint, cleanup)
    authorizer = clients.client(endpoint, "apigateway").create_authorizer(
        restApiId=api,
        name="probe",
        type="TOKEN",
        authorizerUri=f"arn:aws:apigateway:{endpoint.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
        identitySource="method.request.header.Authorization",
    )
    _publish(endpoint, api, authorizationType="CUSTOM", authorizerId=authorizer["id"])
    return ENFORCED if _status(endpoint, api) == 401 else DECLARED


def _api(endpoint: Endpoint, cleanup: ExitStack) -> str:
    apis = clients.client(endpoint, "apigateway")
    api = apis.create_rest_api(name=_name())["id"]
    cleanup.callback(apis.delete_rest_api, restApiId=api)
    return str(api)


def _publish(endpoint: Endpoint, api: str, **protection: object) -> None:
    """Publish a protected method of an API, which answers 200 to those that it lets through."""
    apis = clients.client(endpoint, "apigateway")
    (root,) = apis.get_resources(restApiId=api)["items"]
    method = {"restApiId": api, "resourceId": root["id"], "httpMethod": "GET"}
    apis.put_method(**method, **protection)
    answer = {"application/json": '{"statusCode": 200}'}
    apis.put_integration(**method, type="MOCK", requestTemplates=answer)
    apis.put_method_response(**method, statusCode="200")
    apis.put_integration_response(**method, statusCode="200", responseTemplates={"application/json": "{}"})
    apis.create_deployment(restApiId=api, stageName="probe")


def _status(endpoint: Endpoint, api: str) -> int:
    published = f"https://{api}.execute-api.{endpoint.region}.amazonaws.com/probe"
    return ApiClient.of(endpoint, published).get("/").status


def _rotation(endpoint: Endpoint, cleanup: ExitStack) -> str:
    """Rotate a secret now and another one later, and see whether the function has made a version now."""
    function = _function(endpoint, cleanup, _ROTATES)
    permitted = {"Action": "lambda:InvokeFunction", "Principal": "secretsmanager.amazonaws.com"}
    functions, secrets = clients.client(endpoint, "lambda"), clients.client(endpoint, "secretsmanager")
    functions.add_permission(FunctionName=function, StatementId="rotates", **permitted)
    now, later = (secrets.create_secret(Name=_name(), SecretString="old")["ARN"] for _ in range(2))
    rotation: dict[str, Any] = {
        "RotationLambdaARN": function,
        "RotationRules": {"AutomaticallyAfterDays": 30},
    }
    for secret in (now, later):
        cleanup.callback(secrets.delete_secret, SecretId=secret, ForceDeleteWithoutRecovery=True)
        secrets.rotate_secret(SecretId=secret, RotateImmediately=secret == now, **rotation)
    is_fresh = _comes(lambda: secrets.get_secret_value(SecretId=now)["SecretString"] == "fresh")
    assert secrets.get_secret_value(SecretId=later)["SecretString"] == "old"
    assert secrets.describe_secret(SecretId=later)["RotationEnabled"]
    return CARRIED_OUT if is_fresh else DECLARED


def _failed_batches(endpoint: Endpoint, cleanup: ExitStack) -> str:
    """Put an item into a table with a stream, and see what is told of it once a function has failed on it."""
    tables, table = clients.client(endpoint, "dynamodb"), _name()
    stream = tables.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"].get("LatestStreamArn")
    cleanup.callback(tables.delete_table, TableName=table)
    if stream is None:
        return MISSING
    functions, failures = clients.client(endpoint, "lambda"), Queue.made(endpoint, cleanup)
    mapping = functions.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=_function(endpoint, cleanup, _FAILS),
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": failures.arn}},
    )["UUID"]
    cleanup.callback(functions.delete_event_source_mapping, UUID=mapping)
    tables.put_item(TableName=table, Item={"id": {"S": "poison"}})
    is_told = _comes(lambda: any('"DDBStreamBatchInfo"' in body for body in failures.received()), _A_WHILE)
    return CARRIED_OUT if is_told else DECLARED


def _conditional_items(endpoint: Endpoint, cleanup: ExitStack) -> str:
    tables, name = clients.client(endpoint, "dynamodb"), _name()
    tables.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    cleanup.callback(tables.delete_table, TableName=name)
    tables.get_waiter("table_exists").wait(TableName=name)
    item = {"TableName": name, "Item": {"id": {"S": "probe"}}}
    tables.put_item(**item)
    refused = _is_refused(tables.put_item, **item, ConditionExpression="attribute_not_exists(id)")
    return ENFORCED if refused else DECLARED


def _machines(endpoint: Endpoint, cleanup: ExitStack) -> str:
    machines = clients.client(endpoint, "stepfunctions")
    machine = machines.create_state_machine(
        name=_name(),
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": 1, "End": True}}}),
        roleArn=_role(endpoint, cleanup, "states"),
    )["stateMachineArn"]
    cleanup.callback(machines.delete_state_machine, stateMachineArn=machine)
    run = machines.start_execution(stateMachineArn=machine)["executionArn"]
    done = _comes(lambda: machines.describe_execution(executionArn=run).get("output") == "1")
    return CARRIED_OUT if done else DECLARED


PROBES: Mapping[str, Probe] = {
    "IAM policies of users and roles": functools.partial(_capability, "iam_enforcement", ENFORCED),
    "bucket policies": functools.partial(_capability, "bucket_policy_enforcement", ENFORCED),
    "permission on the KMS key behind S3": _kms_behind_s3,
    "policies of functions": _policies_of_functions,
    "reserved concurrency of functions": _concurrency,
    "API keys of API Gateway": _api_keys,
    "authorizers of REST APIs": _authorizers,
    "rules of EventBridge": _rules,
    "EventBridge Scheduler": _scheduler,
    "notifications of S3": _notifications,
    "replication of S3": functools.partial(_capability, "s3_replication", CARRIED_OUT),
    "lifecycle of S3": _lifecycle,
    "object lock of S3": _object_lock,
    "conditional writes of S3": _conditional_writes,
    "conditional writes of DynamoDB": _conditional_items,
    "dead-letter queues of SQS": _dead_letters,
    "filter policies of SNS": _filters,
    "actions of CloudWatch alarms": _alarms,
    "disabled KMS keys": _disabled_keys,
    "rotation of secrets": _rotation,
    "failed batches of streams": _failed_batches,
    "state machines": _machines,
}
