import json
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3_lambda_api.keys import ObjectName
from s3_lambda_api.pointer import MAX_BYTES, Claim, Pointer, is_claim
from tests.unit.s3_lambda_api.conftest import name_at

names = st.builds(
    ObjectName, st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**32 - 1).map("{:08x}".format)
)


@given(st.lists(names, min_size=1, max_size=40))
def test_a_pointer_reads_back(some: list[ObjectName]) -> None:
    pointer = Pointer.of(some)
    assert Pointer.decode(pointer.encode()) == pointer


@given(st.lists(names, min_size=1, max_size=40))
def test_a_pointer_holds_the_newest_first_and_few(some: list[ObjectName]) -> None:
    pointer = Pointer.of(some)
    assert pointer.newest == max(some)
    assert pointer.names == tuple(sorted(set(some), reverse=True)[:16])
    assert len(pointer.encode()) < MAX_BYTES


@given(st.binary())
def test_any_bytes_are_a_pointer_or_nothing(raw: bytes) -> None:
    assert Pointer.decode(raw) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | names.map(lambda name: name.key),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(
    st.fixed_dictionaries({"key": json_values}, optional={"recent": json_values, "timestamp": json_values})
)
def test_any_json_is_a_pointer_or_nothing(fields: dict[str, object]) -> None:
    pointer = Pointer.decode(json.dumps(fields).encode())
    assert pointer is None or pointer.newest.key == fields["key"]


def test_the_contract_of_key_and_timestamp() -> None:
    fields = json.loads(Pointer.of([name_at(0)]).encode())
    assert fields["key"] == "hello_world_2026-11-23T09-30-00.000000Z_00000000.txt"
    assert fields["timestamp"] == "2026-11-23T09:30:00.000000Z"


def test_the_key_alone_is_enough() -> None:
    assert Pointer.decode(json.dumps({"key": name_at(0).key}).encode()) == Pointer((name_at(0),))


def test_a_forerunner_that_is_newer_is_no_forerunner() -> None:
    raw = json.dumps({"key": name_at(0).key, "recent": [name_at(9).key, name_at(-9).key]}).encode()
    assert Pointer.decode(raw) == Pointer((name_at(0), name_at(-9)))


def test_a_claim_is_no_pointer_but_knows_itself() -> None:
    assert is_claim(Claim("x").encode())
    assert Claim("x").encode() != Claim("y").encode()
    assert Pointer.decode(Claim("x").encode()) is None


@pytest.mark.parametrize("raw", [None, b"", b"{", Pointer.of([name_at(0)]).encode()])
def test_all_else_is_no_claim(raw: bytes | None) -> None:
    assert not is_claim(raw)


@pytest.mark.parametrize("raw", [b"", b"[", b"null", b"[]", b'{"key": 1}', b"[" * 100_000, b"\xff\xfe"])
def test_a_corrupt_pointer_is_nothing(raw: bytes) -> None:
    assert Pointer.decode(raw) is None
