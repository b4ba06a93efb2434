from __future__ import annotations

import asyncio
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from harness import Endpoint
from harness.aws import clients
from harness.stack.faults.addon import S3_OPERATIONS, Call, FaultsAddon, Ledger, Rule, call_of, error_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest

ENDPOINT = Endpoint(backend="host", url="http://127.0.0.1:4566", region="eu-north-1")
OBJECT = {"Bucket": "b", "Key": "folder/a key é.txt"}
UPLOAD = {**OBJECT, "UploadId": "u"}
COPIED = {**OBJECT, "CopySource": "b/other"}
PUT = Call(service="s3", operation="PutObject", key="hello_1.txt", protocol="s3")
GET = Call(service="s3", operation="GetObject", key="hello_1.txt", protocol="s3")
RULE = {"service": "s3", "operations": ["PutObject"], "key": "*", "action": "drop"}
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=test/20260101/eu-north-1/s3/aws4_request, SignedHeaders=host, Signature=0"
)


class Raw:
    """A body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> list[bytes]:
        return [self._body]


def answered(
    service: str, operation: str, arguments: dict[str, Any], answer: Callable[[Call], tuple[Any, ...]]
) -> Call:
    """Make a call with boto3 that gets status, body and headers from `answer`, and return its name."""
    named: list[Call] = []

    def send(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        given: dict[str, Any] = dict(request.headers.items())
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in given.items()
        }
        path = str(request.url).removeprefix(ENDPOINT.url)
        sent: Any = request.body
        body = sent.encode() if isinstance(sent, str) else sent if isinstance(sent, bytes) else b""
        named.append(call_of(str(request.method), path, headers, body))
        status, content, told = answer(named[0])
        return AWSResponse(str(request.url), status, told, Raw(content))

    client = clients.client(ENDPOINT, service)
    client.meta.events.register("before-send", send)
    getattr(client, operation)(**arguments)
    return named[0]


def called(service: str, operation: str, arguments: dict[str, Any]) -> Call:
    """Return the name of a call of boto3, whatever its answer."""
    named: list[Call] = []

    def refuse(call: Call) -> tuple[Any, ...]:
        named.append(call)
        return 400, *error_of(rule(code="Refused"), call)

    with pytest.raises(ClientError):
        answered(service, operation, arguments, refuse)
    return named[0]


@pytest.mark.parametrize(
    ("operation", "name", "arguments"),
    [
        ("list_buckets", "ListBuckets", {}),
        ("create_bucket", "CreateBucket", {"Bucket": "bucket"}),
        ("head_bucket", "HeadBucket", {"Bucket": "bucket"}),
        ("delete_bucket", "DeleteBucket", {"Bucket": "bucket"}),
        ("list_objects", "ListObjects", {"Bucket": "bucket", "Prefix": "uploads"}),
        ("list_objects_v2", "ListObjectsV2", {"Bucket": "bucket", "Prefix": "p", "StartAfter": "p1"}),
        ("list_object_versions", "ListObjectVersions", {"Bucket": "bucket"}),
        ("list_multipart_uploads", "ListMultipartUploads", {"Bucket": "bucket"}),
        ("delete_objects", "DeleteObjects", {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "k"}]}}),
        ("get_object", "GetObject", {**OBJECT, "VersionId": "1"}),
        ("get_object", "GetObject", {**OBJECT, "PartNumber": 1}),
        ("get_object_acl", "GetObjectAcl", OBJECT),
        ("get_object_attributes", "GetObjectAttributes", {**OBJECT, "ObjectAttributes": ["ETag"]}),
        ("get_object_tagging", "GetObjectTagging", OBJECT),
        ("list_parts", "ListParts", UPLOAD),
        ("head_object", "HeadObject", OBJECT),
        ("put_object", "PutObject", {**OBJECT, "Body": b"x", "IfNoneMatch": "*"}),
        ("put_object_acl", "PutObjectAcl", {**OBJECT, "ACL": "private"}),
        ("put_object_tagging", "PutObjectTagging", {**OBJECT, "Tagging": {"TagSet": []}}),
        ("copy_object", "CopyObject", COPIED),
        ("upload_part", "UploadPart", {**UPLOAD, "PartNumber": 1, "Body": b"x"}),
        ("upload_part_copy", "UploadPartCopy", {**UPLOAD, **COPIED, "PartNumber": 1}),
        ("create_multipart_upload", "CreateMultipartUpload", OBJECT),
        ("complete_multipart_upload", "CompleteMultipartUpload", {**UPLOAD, "MultipartUpload": {}}),
        ("abort_multipart_upload", "AbortMultipartUpload", UPLOAD),
        ("restore_object", "RestoreObject", {**OBJECT, "RestoreRequest": {"Days": 1}}),
        ("delete_object", "DeleteObject", OBJECT),
        ("delete_object_tagging", "DeleteObjectTagging", OBJECT),
        ("get_bucket_policy", "", {"Bucket": "bucket"}),
        ("put_bucket_versioning", "", {"Bucket": "bucket", "VersioningConfiguration": {}}),
    ],
)
def test_a_call_of_s3_is_known_by_its_name(operation: str, name: str, arguments: dict[str, Any]) -> None:
    call = called("s3", operation, arguments)

    assert (call.service, call.operation, call.protocol) == ("s3", name, "s3")
    assert call.key == arguments.get("Key", "")
    assert name in {*S3_OPERATIONS, ""}


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "named", "protocol"),
    [
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"a": {"S": "b"}}}, "GetItem", "json"),
        ("kms", "generate_data_key", {"KeyId": "k"}, "GenerateDataKey", "json"),
        ("sqs", "send_message", {"QueueUrl": "http://q/1/q", "MessageBody": "x"}, "SendMessage", "json"),
        ("sts", "get_caller_identity", {}, "GetCallerIdentity", "query"),
        ("sns", "publish", {"TopicArn": "arn:t", "Message": "x"}, "Publish", "query"),
        ("lambda", "invoke", {"FunctionName": "f", "Qualifier": "live"}, "Invoke", "json"),
        ("lambda", "get_function", {"FunctionName": "f"}, "", "json"),
    ],
)
def test_a_call_of_another_service_is_known_by_what_its_protocol_tells(
    service: str, operation: str, arguments: dict[str, Any], named: str, protocol: str
) -> None:
    call = called(service, operation, arguments)

    assert (call.service, call.operation, call.protocol) == (service, named, protocol)


@pytest.mark.parametrize(
    "name", ["f", "arn:aws:lambda:eu-north-1:000000000000:function:f", "000000000000:function:f", "f:live"]
)
def test_an_invoked_function_is_known_by_its_name(name: str) -> None:
    assert called("lambda", "invoke", {"FunctionName": name}).key == "f"


def test_a_presigned_request_is_known_by_its_query() -> None:
    call = call_of("GET", "/b/k?X-Amz-Credential=test%2F20260101%2Feu-north-1%2Fs3%2Faws4_request", {})

    assert (call.service, call.operation, call.key) == ("s3", "GetObject", "k")


def test_a_request_that_nobody_signed_belongs_to_no_service() -> None:
    assert call_of("GET", "/_aws/execute-api/a/dev/x", {}).service == ""


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("s3", "put_object", {**OBJECT, "Body": b"x"}),
        ("lambda", "invoke", {"FunctionName": "f"}),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"a": {"S": "b"}}}),
        ("sts", "get_caller_identity", {}),
    ],
)
def test_an_error_arrives_as_the_service_would_tell_it(
    service: str, operation: str, arguments: dict[str, Any]
) -> None:
    rule = Rule(
        service=service, operations=[], key="*", action="fail", code="Odd<Code", status=418, message="a & b"
    )

    with pytest.raises(ClientError) as failure:
        answered(service, operation, arguments, lambda call: (418, *error_of(rule, call)))

    told = failure.value.response
    assert (told["Error"]["Code"], told["Error"]["Message"]) == ("Odd<Code", "a & b")
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 418


def rule(**fields: Any) -> Rule:  # noqa: ANN401 - as from JSON
    return Rule(**{**RULE, **fields})


def test_a_rule_takes_calls_of_its_operation_and_key_only() -> None:
    assert rule().takes(PUT)
    assert not rule().takes(GET)
    assert rule(operations=[]).takes(GET)
    assert rule(key="hello_*.txt").takes(PUT)
    assert not rule(key="bye_*").takes(PUT)
    assert not rule(service="lambda").takes(PUT)


def test_a_rule_is_used_up() -> None:
    twice = rule(times=2)

    assert [twice.takes(PUT) for _ in range(4)] == [True, True, False, False]


def test_what_a_rule_does_not_match_uses_nothing_up() -> None:
    once = rule(times=1)

    assert [once.takes(GET), once.takes(PUT)] == [False, True]


def test_chance_is_the_same_for_the_same_seed() -> None:
    one, same, other = (rule(probability=0.5, seed=seed) for seed in (1, 1, 2))
    draws = [[made.takes(PUT) for _ in range(64)] for made in (one, same, other)]

    assert draws[0] == draws[1] != draws[2]
    assert 16 < sum(draws[0]) < 48


def test_probability_0_takes_none_and_1_all() -> None:
    assert not any(rule(probability=0.0).takes(PUT) for _ in range(100))
    assert all(rule(probability=1.0).takes(PUT) for _ in range(100))


def test_the_youngest_rule_wins_until_it_is_used_up() -> None:
    ledger = Ledger()
    older, younger = ledger.add(**RULE), ledger.add(**RULE, times=1)

    assert [found.id for _ in range(2) if (found := ledger.judge(PUT))] == [younger, older]


def test_a_removed_rule_takes_nothing_and_the_others_stay() -> None:
    ledger = Ledger()
    kept, removed = ledger.add(**RULE), ledger.add(**RULE)

    ledger.remove(removed)

    assert [one.id for one in ledger.rules] == [kept]


class Flow:
    """The parts of mitmproxy's flow that the add-on uses."""

    def __init__(self, method: str = "PUT", path: str = "/b/k", body: bytes = b"", **headers: str) -> None:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.request = SimpleNamespace(
            method=method,
            path=path,
            headers={"authorization": SIGNED, **given},
            stream=False,
            get_content=lambda **_: body,
        )
        self.response: Any = None
        self.metadata: dict[str, Any] = {}
        self.killed = False

    def kill(self) -> None:
        self.killed = True


class Response(SimpleNamespace):
    """A stand-in for mitmproxy's response."""

    @classmethod
    def make(cls, status: int, body: bytes, headers: dict[str, str]) -> Response:
        return cls(status_code=status, body=body, headers=headers, stream=False)


@pytest.fixture
def addon(monkeypatch: pytest.MonkeyPatch) -> FaultsAddon:
    monkeypatch.setitem(sys.modules, "mitmproxy", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mitmproxy.http", SimpleNamespace(Response=Response))
    return FaultsAddon()


def passed(addon: FaultsAddon, flow: Any, status: int = 200) -> Any:  # noqa: ANN401 - mitmproxy's flow
    """Pass a flow through the hooks as mitmproxy does. The emulator answers with `status`."""
    addon.requestheaders(flow)
    asyncio.run(addon.request(flow))
    if flow.killed:
        return flow
    flow.response = flow.response or Response.make(status, b"from the emulator", {})
    addon.responseheaders(flow)
    addon.response(flow)
    return flow


def controlled(addon: FaultsAddon, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    flow = passed(addon, Flow(method, path, json.dumps(body).encode()))
    assert flow.response.status_code == 200, flow.response.body
    return json.loads(flow.response.body)


def test_without_rules_bodies_are_streamed_both_ways(addon: FaultsAddon) -> None:
    flow = passed(addon, Flow())

    assert flow.request.stream
    assert flow.response.stream
    assert flow.response.body == b"from the emulator"
    assert controlled(addon, "GET", "/_faults/seen") == []


def test_a_call_that_no_rule_concerns_is_streamed_too(addon: FaultsAddon) -> None:
    controlled(addon, "POST", "/_faults/rules", {**RULE, "key": "other"})

    assert passed(addon, Flow()).request.stream


@pytest.mark.parametrize(
    ("fields", "status", "fate", "noted"),
    [
        ({"action": "fail", "code": "SlowDown", "status": 503}, 503, "answered", 503),
        ({"action": "delay", "seconds": 0.001}, 200, "answered", 0),
        ({"action": "drop"}, None, "killed", 0),
        ({"action": "lose"}, 200, "killed", 200),
    ],
)
def test_each_action_does_what_it_says_and_is_noted(
    addon: FaultsAddon, fields: dict[str, object], status: int | None, fate: str, noted: int
) -> None:
    number = controlled(addon, "POST", "/_faults/rules", {**RULE, **fields})

    flow = passed(addon, Flow())

    assert (flow.response and flow.response.status_code) == status
    assert flow.killed == (fate == "killed")
    assert not flow.request.stream
    (met,) = controlled(addon, "GET", "/_faults/seen")
    told = {"service": "s3", "operation": "PutObject", "key": "k", "action": fields["action"]}
    assert met == {**told, "rule": number, "status": noted}


def test_an_answer_that_is_to_be_lost_is_not_streamed(addon: FaultsAddon) -> None:
    controlled(addon, "POST", "/_faults/rules", {**RULE, "action": "lose"})

    assert not passed(addon, Flow()).response.stream


def test_a_delay_takes_its_time(addon: FaultsAddon, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    controlled(addon, "POST", "/_faults/rules", {**RULE, "action": "delay", "seconds": 2.5})
    passed(addon, Flow())

    assert slept == [2.5]


def test_an_error_for_head_has_no_body(addon: FaultsAddon) -> None:
    failing = {**RULE, "operations": [], "action": "fail", "code": "SlowDown", "status": 503}
    controlled(addon, "POST", "/_faults/rules", failing)

    assert passed(addon, Flow("HEAD")).response.body == b""
    assert b"<Code>SlowDown</Code>" in passed(addon, Flow("GET")).response.body


def test_a_call_that_names_itself_in_its_body_is_judged_by_it_once(addon: FaultsAddon) -> None:
    form = {
        "content_type": "application/x-www-form-urlencoded",
        "authorization": SIGNED.replace("/s3/", "/sns/"),
    }
    fields = {
        **RULE,
        "service": "sns",
        "operations": ["Publish"],
        "action": "fail",
        "status": 400,
        "times": 1,
    }
    controlled(addon, "POST", "/_faults/rules", fields)

    others = passed(addon, Flow("POST", "/", b"Action=Subscribe", **form))
    failed = passed(addon, Flow("POST", "/", b"Action=Publish&Message=x", **form))

    assert others.response.status_code == 200
    assert failed.response.status_code == 400


def test_rules_end_and_everything_is_forgotten(addon: FaultsAddon) -> None:
    number = controlled(addon, "POST", "/_faults/rules", RULE)
    assert passed(addon, Flow()).killed
    controlled(addon, "DELETE", f"/_faults/rules/{number}")
    assert not passed(addon, Flow()).killed

    controlled(addon, "POST", "/_faults/rules", RULE)
    controlled(addon, "DELETE", "/_faults/")

    assert not passed(addon, Flow()).killed
    assert controlled(addon, "GET", "/_faults/seen") == []


def test_it_says_that_it_is_healthy(addon: FaultsAddon) -> None:
    assert controlled(addon, "GET", "/_faults/health") is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_faults/nothing", b"", 404),
        ("POST", "/_faults/rules", b"{", 400),
        ("POST", "/_faults/rules", b'{"unknown": 1}', 400),
        ("DELETE", "/_faults/rules/x", b"", 400),
    ],
)
def test_a_request_that_it_does_not_understand_is_refused_and_goes_no_further(
    addon: FaultsAddon, method: str, path: str, body: bytes, status: int
) -> None:
    flow = passed(addon, Flow(method, path, body))

    assert flow.response.status_code == status
    assert not flow.request.stream
