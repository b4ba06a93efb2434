from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from s3_lambda_api.errors import BusyError, ConflictError
from s3_lambda_api.keys import INDEX_PREFIX, POINTER_KEY
from s3_lambda_api.latest import latest
from s3_lambda_api.pointer import MAX_BYTES
from s3_lambda_api.record import record
from s3_lambda_api.store import Store, WritableStore, s3_client
from tests.unit.s3_lambda_api.conftest import BUCKET, KMS_KEY_ARN, RULES, Bucket, fail_with, name_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.awsrequest import AWSPreparedRequest

NAME = name_at(0)


def test_every_write_names_the_kms_key(bucket: Bucket) -> None:
    bucket.put(NAME)
    bucket.store.swap_pointer(b"{}", None)
    for key in (NAME.key, NAME.index_key, POINTER_KEY):
        head = bucket.client.head_object(Bucket=BUCKET, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KMS_KEY_ARN)


def test_an_object_is_created_once(bucket: Bucket) -> None:
    assert bucket.store.create(NAME) == bucket.store.etag(NAME)
    assert bucket.store.create(NAME) is None


def test_an_object_reads_back(bucket: Bucket) -> None:
    etag = bucket.store.create(NAME)
    stored = bucket.store.get(NAME)
    assert stored is not None
    assert (stored.name, stored.body, stored.etag) == (NAME, NAME.body, etag)


def test_what_is_not_there_is_none(bucket: Bucket) -> None:
    assert bucket.store.get(NAME) is None
    assert bucket.store.etag(NAME) is None
    assert bucket.store.read_pointer() == (None, None)


def test_the_pointer_is_swapped_only_if_it_is_still_the_same(bucket: Bucket) -> None:
    assert bucket.store.swap_pointer(b"1", None)
    assert not bucket.store.swap_pointer(b"2", None)
    raw, etag = bucket.store.read_pointer()
    assert raw == b"1"
    assert bucket.store.swap_pointer(b"2", etag)
    assert not bucket.store.swap_pointer(b"3", etag)
    bucket.delete(POINTER_KEY)
    assert not bucket.store.swap_pointer(b"4", etag)


def test_a_conflict_loses_the_swap(bucket: Bucket) -> None:
    fail_with(bucket.client, 409, "ConditionalRequestConflict")
    assert not bucket.store.swap_pointer(b"1", None)


def test_a_conflict_of_creations_is_named(bucket: Bucket) -> None:
    fail_with(bucket.client, 409, "ConditionalRequestConflict")
    with pytest.raises(ConflictError) as caught:
        bucket.store.create(NAME)
    assert caught.value.key == NAME.key


def test_an_endless_pointer_is_cut(bucket: Bucket) -> None:
    bucket.put_raw(POINTER_KEY, b"x" * (2 * MAX_BYTES))
    raw = bucket.store.read_pointer().raw
    assert raw is not None
    assert len(raw) == MAX_BYTES


def test_the_first_page_has_the_newest_entries_and_then_the_oldest_objects(bucket: Bucket) -> None:
    bucket.fill(map(name_at, [1, 3, 2]))
    page = bucket.store.first_page()
    newest_first = [name_at(second).index_key for second in (3, 2, 1)]
    assert [entry.key for entry in page.entries] == newest_first + [name_at(s).key for s in (1, 2, 3)]
    assert page.complete


def test_a_page_starts_with_the_name_itself(bucket: Bucket) -> None:
    bucket.fill(map(name_at, [1, 2, 3]))
    page = bucket.store.page_from(name_at(2))
    assert [entry.key for entry in page.entries] == [name_at(2).key, name_at(3).key]
    assert [entry.size for entry in page.entries] == [len(NAME.body)] * 2
    assert len(bucket.store.page_from(None).entries) == 3


def test_more_than_a_page_is_not_complete(bucket: Bucket) -> None:
    bucket.fill(map(name_at, range(1001)), indexed=False)
    assert not bucket.store.page_from(None).complete
    assert len(bucket.store.keys_under("hello_world_")) == 1001


READS: list[Callable[[Store], object]] = [
    Store.read_pointer,
    Store.first_page,
    lambda store: store.get(NAME),
    lambda store: store.page_from(None),
    lambda store: store.branches(INDEX_PREFIX, "-"),
    lambda store: store.keys_under(INDEX_PREFIX),
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (503, "ServiceUnavailable"),
        (500, "InternalError"),
        (400, "RequestLimitExceeded"),
        (400, "ThrottlingException"),
        (400, "KMS.ThrottlingException"),
    ],
)
def test_throttling_is_named(bucket: Bucket, read: Callable[[Store], object], status: int, code: str) -> None:
    fail_with(bucket.client, status, code)
    with pytest.raises(BusyError) as caught:
        read(bucket.store)
    assert caught.value.code == code


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    "error", [EndpointConnectionError(endpoint_url="x"), ReadTimeoutError(endpoint_url="x")]
)
def test_no_connection_is_named(bucket: Bucket, read: Callable[[Store], object], error: Exception) -> None:
    def fail(**_: object) -> None:
        raise error

    bucket.client.meta.events.register_first("before-send.s3", fail)
    with pytest.raises(BusyError) as caught:
        read(bucket.store)
    assert caught.value.code == type(error).__name__


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket")])
def test_a_broken_deployment_is_no_missing_object(
    bucket: Bucket, read: Callable[[Store], object], status: int, code: str
) -> None:
    fail_with(bucket.client, status, code)
    with pytest.raises(ClientError, match=code):
        read(bucket.store)


@pytest.mark.parametrize("operation", ["create", "index", "swap"])
@pytest.mark.parametrize(("code", "error"), [("AccessDenied", ClientError), ("SlowDown", BusyError)])
def test_failing_writes_are_told(bucket: Bucket, operation: str, code: str, error: type[Exception]) -> None:
    fail_with(bucket.client, 503 if error is BusyError else 403, code)
    steps: dict[str, Callable[[], object]] = {
        "create": lambda: bucket.store.create(NAME),
        "index": lambda: bucket.store.index(NAME),
        "swap": lambda: bucket.store.swap_pointer(b"", None),
    }
    with pytest.raises(error):
        steps[operation]()


def test_a_request_is_sent_again_only_as_often_as_said(aws: None) -> None:  # noqa: ARG001 - wanted for its effect
    client = s3_client(attempts=2)
    sent: list[str] = []
    fail_with(client, 503, "SlowDown")
    hooks: Any = client.meta.events

    def note(request: AWSPreparedRequest, **_: object) -> None:
        sent.append(request.url)

    hooks.register_first("before-send.s3", note)
    with pytest.raises(BusyError):
        Store(client, BUCKET).read_pointer()
    assert len(sent) == 2


@pytest.mark.parametrize("owner", ["111122223333", None])
@pytest.mark.usefixtures("bucket")
def test_every_call_names_the_account_that_the_bucket_must_belong_to(owner: str | None) -> None:
    client = s3_client(attempts=1, owner=owner)
    owners: list[str | None] = []
    hooks: Any = client.meta.events

    def note(params: dict[str, Any], **_: object) -> None:
        owners.append(params["headers"].get("x-amz-expected-bucket-owner"))

    hooks.register("before-call.s3", note)
    store = WritableStore(client, BUCKET, KMS_KEY_ARN)
    record(store, NAME, RULES)
    record(store, name_at(1), RULES)
    store.keys_under("hello_world_")
    latest(store, RULES)

    assert len(owners) > 10
    assert set(owners) == {owner}
