"""Answer, delay or drop AWS calls according to rules, and let all others pass unchanged.

mitmproxy loads this file in its own environment, so it imports only the standard library, and mitmproxy when
it answers a call itself. Rules arrive over HTTP, on paths below `/_faults` that never reach the emulator.
"""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from mitmproxy.http import HTTPFlow

CONTROL = "/_faults"
REQUEST_ID = "FAULTINJECTED000"
_RULE, _CALL, _ANSWERED = "faults.rule", "faults.call", "faults.answered"
_SIGNED_SERVICE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/aws4_request")
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FORM = "application/x-www-form-urlencoded"
_LAMBDA_INVOKE = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")

# The subresources that distinguish operations on the same path of S3:
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
_SUBRESOURCES = frozenset({
    "accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering",
    "inventory", "legal-hold", "lifecycle", "list-type", "location", "logging", "metrics", "notification",
    "object-lock", "ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock",
    "replication", "requestPayment", "restore", "retention", "select", "tagging", "torrent", "uploadId",
    "uploads", "versioning", "versions", "website",
})  # fmt: skip
# (method, kind of path, subresource) -> operation
_S3 = {
    ("GET", "", ""): "ListBuckets",
    ("PUT", "bucket", ""): "CreateBucket",
    ("HEAD", "bucket", ""): "HeadBucket",
    ("DELETE", "bucket", ""): "DeleteBucket",
    ("GET", "bucket", ""): "ListObjects",
    ("GET", "bucket", "list-type"): "ListObjectsV2",
    ("GET", "bucket", "versions"): "ListObjectVersions",
    ("GET", "bucket", "uploads"): "ListMultipartUploads",
    ("POST", "bucket", "delete"): "DeleteObjects",
    ("GET", "object", ""): "GetObject",
    ("GET", "object", "partNumber"): "GetObject",
    ("GET", "object", "acl"): "GetObjectAcl",
    ("GET", "object", "attributes"): "GetObjectAttributes",
    ("GET", "object", "tagging"): "GetObjectTagging",
    ("GET", "object", "uploadId"): "ListParts",
    ("HEAD", "object", ""): "HeadObject",
    ("PUT", "object", ""): "PutObject",
    ("PUT", "object", "acl"): "PutObjectAcl",
    ("PUT", "object", "tagging"): "PutObjectTagging",
    ("PUT", "object", "partNumber"): "UploadPart",
    ("POST", "object", "uploads"): "CreateMultipartUpload",
    ("POST", "object", "uploadId"): "CompleteMultipartUpload",
    ("POST", "object", "restore"): "RestoreObject",
    ("POST", "object", "select"): "SelectObjectContent",
    ("DELETE", "object", ""): "DeleteObject",
    ("DELETE", "object", "tagging"): "DeleteObjectTagging",
    ("DELETE", "object", "uploadId"): "AbortMultipartUpload",
}
_COPIES = {"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}
S3_OPERATIONS = frozenset(_S3.values()) | frozenset(_COPIES.values())
LAMBDA_OPERATIONS = frozenset({"Invoke"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request, as AWS would name it.

    Attributes:
        service: The service in its signature, such as `s3` or `lambda`. Empty if it is not signed.
        operation: The operation, such as `PutObject`. Empty if the request does not show it.
        key: The key of an S3 object, the name of an invoked function, or else the path.
        protocol: The format of errors: `s3`, `json` or `query`.
    """

    service: str
    operation: str
    key: str
    protocol: str


@dataclass(slots=True, kw_only=True)
class Rule:
    """The calls to affect, and how, as posted to `/_faults/rules`."""

    service: str
    operations: list[str]
    key: str
    action: str  # fail, delay, drop or lose
    code: str = ""
    status: int = 0
    message: str = ""
    seconds: float = 0.0
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    id: int = 0
    dice: random.Random = field(default_factory=random.Random, repr=False)

    def __post_init__(self) -> None:
        self.dice.seed(self.seed)

    def takes(self, call: Call) -> bool:
        """Return whether the rule affects `call`, and count it if so."""
        if self.times == 0 or not self._matches(call) or self.dice.random() >= self.probability:
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def _matches(self, call: Call) -> bool:
        return (
            self.service == call.service
            and (not self.operations or call.operation in self.operations)
            and fnmatchcase(call.key, self.key)
        )


class Ledger:
    """The rules that hold, and the calls that they have disturbed."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.seen: list[dict[str, Any]] = []
        self._last_id = 0

    def add(self, **fields: Any) -> int:  # noqa: ANN401 - straight from JSON
        """Add a rule and return its id."""
        rule = Rule(**fields)
        self._last_id += 1
        rule.id = self._last_id
        self.rules.append(rule)
        return rule.id

    def remove(self, rule_id: int) -> None:
        """Let a rule hold no longer."""
        self.rules = [rule for rule in self.rules if rule.id != rule_id]

    def clear(self) -> None:
        """Forget all rules and their calls."""
        self.rules, self.seen = [], []

    def judge(self, call: Call) -> Rule | None:
        """Return the youngest rule that affects `call`, or None."""
        return next((rule for rule in reversed(self.rules) if rule.takes(call)), None)

    def note(self, rule: Rule, call: Call, status: int = 0) -> None:
        """Record a call that `rule` has affected, with the status of the answer, or 0 for none yet."""
        described = {"service": call.service, "operation": call.operation, "key": call.key}
        self.seen.append({**described, "rule": rule.id, "action": rule.action, "status": status})


class FaultsAddon:
    """The hooks: https://docs.mitmproxy.org/stable/api/events.html."""

    def __init__(self) -> None:
        self.ledger = Ledger()

    def requestheaders(self, flow: "HTTPFlow") -> None:
        """Judge a call by its headers if they suffice, and stream it if it may pass."""
        if _is_control(flow) or (_names_itself_in_body(flow) and self.ledger.rules):
            return
        self._judge(flow)
        flow.request.stream = _RULE not in flow.metadata

    async def request(self, flow: "HTTPFlow") -> None:
        """Apply the call's rule before the emulator sees the call."""
        if _is_control(flow):
            _answer(flow, *self._answer_control(flow))
            return
        if _CALL not in flow.metadata:
            self._judge(flow)
        if rule := flow.metadata.get(_RULE):
            await self._disturb(flow, rule)

    def responseheaders(self, flow: "HTTPFlow") -> None:
        """Stream every answer that may arrive."""
        if flow.response and not flow.metadata.get(_ANSWERED):
            flow.response.stream = not _loses_answer(flow)

    def response(self, flow: "HTTPFlow") -> None:
        """Close the connection if the answer is to be lost. The emulator has already done its work."""
        if flow.response and _loses_answer(flow):
            self.ledger.note(flow.metadata[_RULE], flow.metadata[_CALL], flow.response.status_code)
            flow.kill()

    def _judge(self, flow: "HTTPFlow") -> None:
        request = flow.request
        call = call_of(
            request.method, request.path, request.headers, request.get_content(strict=False) or b""
        )
        flow.metadata[_CALL] = call
        if rule := self.ledger.judge(call):
            flow.metadata[_RULE] = rule

    async def _disturb(self, flow: "HTTPFlow", rule: Rule) -> None:
        call = flow.metadata[_CALL]
        if rule.action != "lose":
            self.ledger.note(rule, call, rule.status)
        match rule.action:
            case "fail":
                _answer(flow, rule.status, *error_of(rule, call))
            case "delay":
                import asyncio  # noqa: PLC0415 - it is there in mitmproxy; the harness itself can do without

                await asyncio.sleep(rule.seconds)
            case "drop":
                flow.kill()

    def _answer_control(self, flow: "HTTPFlow") -> tuple[int, bytes, dict[str, str]]:
        try:
            return self._control(flow)
        except (TypeError, ValueError) as problem:
            return 400, str(problem).encode(), {}

    def _control(self, flow: "HTTPFlow") -> tuple[int, bytes, dict[str, str]]:
        """Carry out a request below `/_faults`."""
        method, path = flow.request.method, flow.request.path.removeprefix(CONTROL)
        answer: object = None
        match method, path.strip("/").split("/"):
            case "GET", ["seen"]:
                answer = self.ledger.seen
            case "POST", ["rules"]:
                answer = self.ledger.add(**json.loads(flow.request.get_content() or b""))
            case "DELETE", ["rules", rule_id]:
                self.ledger.remove(int(rule_id))
            case "DELETE", [""]:
                self.ledger.clear()
            case _ if path != "/health":
                return 404, b"", {}
        return 200, json.dumps(answer).encode(), {"content-type": "application/json"}


def call_of(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> Call:
    """Name the call that a request makes.

    Args:
        method: Of HTTP.
        path: With the query, as it came.
        headers: By name, in any case.
        body: The known part of the body. It is read only for the form of a query protocol.
    """
    url = urlsplit("//host" + path)
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    service = _service(headers, query)
    if service == "s3":
        operation, key = _s3_operation(method, unquote(url.path), query, headers)
        return Call(service=service, operation=operation, key=key, protocol="s3")
    if target := headers.get("x-amz-target", ""):
        return Call(service=service, operation=target.rpartition(".")[2], key=url.path, protocol="json")
    if service == "lambda":
        operation, key = _lambda_operation(method, unquote(url.path))
        return Call(service=service, operation=operation, key=key, protocol="json")
    form = dict(parse_qsl(body.decode("utf-8", "replace"))) if _is_form(headers) else {}
    action = form.get("Action") or query.get("Action", "")
    return Call(service=service, operation=action, key=url.path, protocol="query" if action else "json")


def error_of(rule: Rule, call: Call) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of the error that `rule` asks for, in the protocol of `call`."""
    code, message = escape(rule.code), escape(rule.message)
    error = f"<Code>{code}</Code><Message>{message}</Message>"
    if call.protocol == "s3":
        body = f"{_XML}<Error>{error}<RequestId>{REQUEST_ID}</RequestId></Error>"
        return body.encode(), {"content-type": "application/xml", "x-amz-request-id": REQUEST_ID}
    if call.protocol == "query":
        body = (
            f"{_XML}<ErrorResponse><Error>{error}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        )
        return body.encode(), {"content-type": "text/xml", "x-amzn-requestid": REQUEST_ID}
    body = json.dumps({"__type": rule.code, "message": rule.message})
    return body.encode(), {
        "content-type": "application/x-amz-json-1.0",
        "x-amzn-errortype": rule.code,
        "x-amzn-requestid": REQUEST_ID,
    }


def _service(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Return the service that a request is signed for, in its header or, when presigned, in its query."""
    presigned = f"Credential={query.get('X-Amz-Credential', '')}"
    found = _SIGNED_SERVICE.search(headers.get("authorization", "") or presigned)
    return found[1] if found else ""


def _s3_operation(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[str, str]:
    """Return the operation and the object's key of a request with the bucket in its path."""
    bucket, _, key = path.removeprefix("/").partition("/")
    level = "object" if key else "bucket" if bucket else ""
    named = sorted(_SUBRESOURCES & query.keys()) or [""]
    operation = next(filter(None, (_S3.get((method, level, name)) for name in named)), "")
    if "x-amz-copy-source" in headers:
        operation = _COPIES.get(operation, operation)
    return operation, key


def _lambda_operation(method: str, path: str) -> tuple[str, str]:
    """Return the operation, and the function's name without the rest of its ARN and without a qualifier."""
    invoked = _LAMBDA_INVOKE.fullmatch(path)
    if method != "POST" or not invoked:
        return "", path
    return "Invoke", invoked[1].rpartition(":function:")[2].partition(":")[0]


def _is_form(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").startswith(_FORM)


def _is_control(flow: "HTTPFlow") -> bool:
    path: str = flow.request.path
    return path.startswith(f"{CONTROL}/")


def _names_itself_in_body(flow: "HTTPFlow") -> bool:
    return _is_form(flow.request.headers) and "x-amz-target" not in flow.request.headers


def _loses_answer(flow: "HTTPFlow") -> bool:
    rule: Rule | None = flow.metadata.get(_RULE)
    return rule is not None and rule.action == "lose"


def _answer(flow: "HTTPFlow", status: int, body: bytes, headers: dict[str, str]) -> None:
    """Answer in the emulator's place."""
    from mitmproxy.http import Response  # noqa: PLC0415 - nothing else needs mitmproxy to be there

    flow.metadata[_ANSWERED] = True
    flow.response = Response.make(status, b"" if flow.request.method == "HEAD" else body, headers)


addons = [FaultsAddon()]
