"""One scenario, and a backend's answer to each of its steps."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from harness.aws.rest import ApiClient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.values import ApiResponse
    from tests.system import Scenario

# Of the server, not of AWS.
_IGNORED = frozenset({"connection", "keep-alive", "server", "x-localstack"})
# Compared only by presence, because they differ in every run.
_VARIABLE = re.compile(
    r"date|age|etag|last-modified|content-length|.*request-?id|x-amz-(id-2|apigw-id|version-id)|.*trace-id|x-object-.*"
)


@dataclass(frozen=True, slots=True)
class Observed:
    """The answers and times of one backend, by step."""

    answers: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long the context took."""
        begun = perf_counter()
        yield
        self.seconds[what] = perf_counter() - begun

    def note(self, what: str, status: object, headers: Mapping[str, str]) -> None:
        """Note an HTTP answer: its status, and each of its headers."""
        self.answers[what] = str(status)
        for name, value in headers.items():
            if (lower := name.lower()) in _IGNORED:
                continue
            self.answers[f"{what}: {lower}"] = "(present)" if _VARIABLE.fullmatch(lower) else value

    def note_api(self, what: str, answer: ApiResponse) -> None:
        """Note an answer of the API."""
        self.note(what, answer.status, answer.headers)


def observe(scenario: Scenario, seen: Observed) -> None:
    """Play the scenario, and note all answers in `seen`."""
    scenario.reset()
    seen.note_api("API, empty bucket", scenario.latest())
    with seen.timed("event to object, cold"):
        scenario.fire_and_wait()
    with seen.timed("event to object, warm"):
        stored = scenario.fire_and_wait()
    _observe_object(scenario, seen, stored.key)
    _observe_api(scenario, seen)
    _observe_refusals(scenario, seen, stored.key)
    seen.answers["second plan"] = ", ".join(f"{change.action} {change.address}" for change in scenario.plan())
    seen.answers["log lines"] = " ".join(_kinds(scenario.logs(scenario.system.create_function_name)))


def _observe_object(scenario: Scenario, seen: Observed, key: str) -> None:
    answer = scenario.client("s3").head_object(Bucket=scenario.system.bucket_name, Key=key)
    own = {scenario.system.kms_key_arn: "(the stack's key)"}
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    told = {name: own.get(value, value) for name, value in headers.items()}
    seen.note("S3 HEAD of the object", answer["ResponseMetadata"]["HTTPStatusCode"], told)


def _observe_api(scenario: Scenario, seen: Observed) -> None:
    answer = scenario.latest()
    seen.note_api("API", answer)
    with seen.timed("API, warm"):
        scenario.latest()
    unchanged = scenario.latest(headers={"If-None-Match": answer.headers.get("etag", "")})
    seen.note_api("API, unchanged", unchanged)
    seen.note_api("API, JSON", scenario.latest(headers={"Accept": "application/json"}))
    seen.note_api("API, HEAD", scenario.latest_api.request("HEAD"))
    seen.note_api("API, POST", scenario.latest_api.request("POST"))
    base = scenario.latest_api.base.rpartition("/")[0]
    seen.note_api("API, unknown path", ApiClient(base=base).get("/nowhere"))


def _observe_refusals(scenario: Scenario, seen: Observed, key: str) -> None:
    place = {"Bucket": scenario.system.bucket_name, "Key": key}
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": scenario.system.kms_key_arn}
    s3 = scenario.client("s3")
    for what, call, arguments in (
        ("S3 PUT of an object that is there", s3.put_object, {"IfNoneMatch": "*", **encrypted}),
        ("S3 PUT on a stale ETag", s3.put_object, {"IfMatch": '"stale"', **encrypted}),
        ("S3 GET of an object that is not there", s3.get_object, {"Key": "nowhere"}),
    ):
        seen.answers[what] = _outcome(call, **{**place, **arguments})


def _outcome(call: Any, **arguments: str) -> str:  # noqa: ANN401 - a boto3 operation
    try:
        return str(call(**arguments)["ResponseMetadata"]["HTTPStatusCode"])
    except ClientError as problem:
        status = problem.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{status} {problem.response['Error']['Code']}"


def _kinds(lines: list[str]) -> list[str]:
    """Return the kinds of a function's log lines, each once, in the order they first came."""
    kinds = ("JSON" if line.startswith("{") else line.split(" ", 1)[0] for line in lines)
    return list(dict.fromkeys(kind for kind in kinds if kind))
