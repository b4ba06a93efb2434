from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import Endpoint, NotReachedError
from harness.values import ApiResponse, FiredEvent, Outputs
from tests.system import Scenario, System

if TYPE_CHECKING:
    from harness.aws.rest import ApiClient
    from harness.stack.hops import Hop
    from harness.terraform.commands import Terraform

KMS_KEY = "arn:aws:kms:eu-north-1:000000000000:key/1"
SYSTEM = replace(
    System(**{name: name for name in System.__dataclass_fields__}),
    kms_key_arn=KMS_KEY,
    object_prefix="hello_",
    pointer_key="latest.json",
)
EVENT = FiredEvent(
    id="a0dbc317-9d78-4f59-b552-da93880fd85a",
    timestamp=datetime.now(UTC),
    bus="default",
    source="x",
    detail_type="y",
    detail={},
)
KEY = "hello_2026-11-25T10_a0dbc317.txt"
NEWER = "hello_2026-11-26T10_00000000.txt"
OLDER = "hello_2026-11-24T10_00000000.txt"
BODY = b"Hello World."
ANSWER = ApiResponse(status=200, headers={"age": "7", "x-object-key": KEY}, body=BODY, elapsed=0.1)


class NoSuchKeyError(Exception):
    """S3 has no such object."""


@dataclass(slots=True)
class Bucket:
    objects: dict[str, bytes] = field(default_factory=dict)
    encryption: str = "aws:kms"
    kms_key: str = KMS_KEY
    refuses: bool = False
    exceptions: Any = field(default_factory=lambda: SimpleNamespace(NoSuchKey=NoSuchKeyError))

    def get_paginator(self, _call: str) -> Any:  # noqa: ANN401 - stands in for one of boto3's
        def pages(Bucket: str, Prefix: str) -> list[Any]:  # noqa: N803 - boto3's naming
            assert Bucket == SYSTEM.bucket_name
            if self.refuses:
                raise PermissionError("AccessDenied")
            return [{"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}]

        return SimpleNamespace(paginate=pages)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's naming
        assert Bucket == SYSTEM.bucket_name
        if Key not in self.objects:
            raise NoSuchKeyError(Key)
        told = {"ServerSideEncryption": self.encryption, "SSEKMSKeyId": self.kms_key}
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": '"1"', **told}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed(Scenario):
    objects: Bucket

    def client(self, service: str, _region: str = "") -> Any:  # noqa: ANN401 - stands in for a boto3 client
        assert service == "s3"  # EventBridge and the logs have tests of their own
        return self.objects


def pointer(key: str) -> bytes:
    return f'{{"key": "{key}"}}'.encode()


def deployed(bucket: Bucket, answer: ApiResponse = ANSWER) -> Deployed:
    return Deployed(
        endpoint=Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1"),
        terraform=cast("Terraform", None),
        outputs=Outputs({}),
        system=SYSTEM,
        latest_api=cast("ApiClient", SimpleNamespace(get=lambda **_: answer)),
        objects=bucket,
    )


def traced(bucket: Bucket, answer: ApiResponse = ANSWER) -> dict[str, Hop]:
    found = deployed(bucket, answer).trace(EVENT)
    names = [hop.name for hop in found]
    return {hop.name: hop for hop in found[names.index("object written") :]}


def states(found: dict[str, Hop]) -> list[str]:
    return [hop.state for hop in found.values()]


@pytest.mark.parametrize("newest", [KEY, NEWER])
def test_an_object_that_is_served_or_passed_by_a_newer_one_came_all_the_way(newest: str) -> None:
    bucket = Bucket({KEY: BODY, "latest.json": pointer(newest)})
    answer = replace(
        ANSWER, headers={"age": "7", "x-object-key": newest}, body=BODY if newest == KEY else b"newer"
    )

    found = traced(bucket, answer)

    assert {name: (hop.state, hop.seen) for name, hop in found.items()} == {
        "object written": ("reached", KEY),
        "key used": ("reached", f"aws:kms with {KMS_KEY}"),
        "pointer moved": ("reached", f"latest.json has {newest!r}"),
        "API answer": ("reached", f"200, {answer.body!r}, age 7"),
    }


def test_without_an_object_nothing_after_it_is_reached_but_what_is_there_is_shown() -> None:
    answer = replace(ANSWER, status=404, body=b"No object", headers={})

    found = traced(Bucket({OLDER: BODY, "latest.json": pointer(OLDER)}), answer)

    assert states(found) == ["failed", *["unreached"] * 3]
    assert found["object written"].seen == (
        f"no key ends with _a0dbc317.txt; the bucket has 1 objects, the newest {OLDER}"
    )
    assert found["pointer moved"].seen == f"latest.json has {OLDER!r}"
    assert found["API answer"].seen == "404, b'No object', age not told"


@pytest.mark.parametrize(
    ("encryption", "kms_key", "seen"),
    [
        ("AES256", "", "AES256 with no key, not aws:kms with"),
        ("", "", "no encryption with no key, not"),
        ("aws:kms", "arn:other", "aws:kms with arn:other, not"),
    ],
)
def test_another_key_is_told_beside_the_right_one(encryption: str, kms_key: str, seen: str) -> None:
    bucket = Bucket({KEY: BODY, "latest.json": pointer(KEY)}, encryption=encryption, kms_key=kms_key)

    found = traced(bucket)

    assert states(found) == ["reached", "failed", "reached", "reached"]
    assert found["key used"].seen.startswith(seen)
    assert found["key used"].seen.endswith(KMS_KEY)


@pytest.mark.parametrize("body", [pointer(OLDER), b"{", b"[]", b'{"claimed_by": 1}'])
def test_a_pointer_that_is_behind_or_corrupt_has_not_moved(body: bytes) -> None:
    found = traced(Bucket({KEY: BODY, "latest.json": body}))

    assert states(found) == ["reached", "reached", "failed", "reached"]
    assert (OLDER if body == pointer(OLDER) else repr(body)) in found["pointer moved"].seen


def test_a_pointer_that_is_not_there_has_not_moved() -> None:
    hop = traced(Bucket({KEY: BODY}))["pointer moved"]

    assert (hop.state, hop.seen) == ("failed", "there is no latest.json")


@pytest.mark.parametrize(
    "answer",
    [
        replace(ANSWER, status=503),
        replace(ANSWER, body=b"older", headers={"x-object-key": OLDER}),
        replace(ANSWER, status=500, headers={"x-object-key": NEWER}),
    ],
)
def test_an_api_that_does_not_serve_it_is_where_it_ends(answer: ApiResponse) -> None:
    found = traced(Bucket({KEY: BODY, "latest.json": pointer(KEY)}), answer)

    assert states(found) == ["reached", "reached", "reached", "failed"]
    assert str(answer.status) in found["API answer"].seen


def test_a_bucket_that_nobody_may_look_into_leaves_it_open() -> None:
    found = traced(Bucket({KEY: BODY, "latest.json": pointer(KEY)}, refuses=True))

    assert states(found) == ["unknown"] * 4
    assert found["object written"].seen == "PermissionError: AccessDenied"


def test_an_object_that_does_not_come_fails_with_how_far_its_event_came() -> None:
    with pytest.raises(NotReachedError, match="the object of event a0dbc317") as failure:
        deployed(Bucket({OLDER: BODY})).object_of(EVENT, timeout=0)

    (note,) = failure.value.__notes__
    assert note.startswith(f"event {EVENT.id} (x, 'y'):")
    assert "✗ object written" in note
