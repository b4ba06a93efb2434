from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.events.models import EventPattern

from harness.aws.eventbridge.patterns import (
    can_be_sent,
    complete,
    matches,
    matching,
    near_misses,
    to_fired_event,
)
from harness.errors import PatternError

type Json = dict[str, Any]

ON = True


def leaf(*conditions: object) -> Json:
    return {"detail": {"a": list(conditions)}}


def event(*values: object) -> Json:
    """Return an event with a value at `detail.a`, or without."""
    return {"source": "s", "detail": {"a": values[0]} if values else {}}


# (pattern, event, whether it matches), by the rules that EventBridge documents
AGREED: list[tuple[Json, Json, bool]] = [
    (leaf("x"), event("x"), True),
    (leaf("x"), event("X"), False),
    (leaf("x"), event(), False),
    (leaf("x", "y"), event("y"), True),
    (leaf("x"), event(["w", "x"]), True),
    (leaf("x"), event([]), False),
    (leaf(1), event(1), True),
    (leaf(1), event("1"), False),
    (leaf(ON), event(ON), True),
    (leaf(None), event(None), True),
    (leaf(None), event(), False),
    (leaf(""), event(""), True),
    (leaf({"prefix": "ab"}), event("abc"), True),
    (leaf({"prefix": "ab"}), event("cab"), False),
    (leaf({"prefix": "ab"}), event("AB"), False),
    (leaf({"prefix": {"equals-ignore-case": "ab"}}), event("ABc"), True),
    (leaf({"suffix": ".png"}), event("a.png"), True),
    (leaf({"suffix": ".png"}), event("a.pn"), False),
    (leaf({"suffix": {"equals-ignore-case": ".png"}}), event("a.PNG"), True),
    (leaf({"equals-ignore-case": "Ab"}), event("aB"), True),
    (leaf({"equals-ignore-case": "Ab"}), event("abc"), False),
    (leaf({"anything-but": "x"}), event("y"), True),
    (leaf({"anything-but": "x"}), event("x"), False),
    (leaf({"anything-but": "x"}), event(), False),
    (leaf({"anything-but": ["x", "y"]}), event("y"), False),
    (leaf({"anything-but": [1, 2]}), event(3), True),
    (leaf({"anything-but": "x"}), event(["x", "y"]), True),
    (leaf({"anything-but": {"prefix": "x"}}), event("xy"), False),
    (leaf({"anything-but": {"prefix": "x"}}), event("yx"), True),
    (leaf({"anything-but": {"suffix": "x"}}), event("yx"), False),
    (leaf({"anything-but": {"equals-ignore-case": ["x", "y"]}}), event("Y"), False),
    (leaf({"numeric": [">", 0, "<=", 5]}), event(5), True),
    (leaf({"numeric": [">", 0, "<=", 5]}), event(0), False),
    (leaf({"numeric": ["=", 5]}), event(5.0), True),
    (leaf({"numeric": ["<", 5]}), event("4"), False),
    (leaf({"exists": True}), event(None), True),
    (leaf({"exists": True}), event(), False),
    (leaf({"exists": False}), event(), True),
    (leaf({"exists": False}), event("x"), False),
    (leaf({"exists": False}, "x"), event("x"), True),
    (leaf({"cidr": "10.0.0.0/24"}), event("10.0.0.255"), True),
    (leaf({"cidr": "10.0.0.0/24"}), event("10.0.1.0"), False),
    (leaf({"cidr": "10.0.0.0/24"}), event("no address"), False),
    (leaf({"cidr": "2001:db8::/32"}), event("2001:db8::1"), True),
    (leaf({"wildcard": "a*c"}), event("abbc"), True),
    (leaf({"wildcard": "a*c"}), event("abcd"), False),
    ({"$or": [{"source": ["t"]}, {"detail": {"a": ["x"]}}]}, event("x"), True),
    ({"$or": [{"source": ["t"]}, {"detail": {"a": ["x"]}}]}, event("y"), False),
    ({"source": ["s"], "detail": {"$or": [{"a": ["x"]}, {"b": ["x"]}]}}, event("x"), True),
]

# What EventBridge documents as well, and an emulator's matcher has differently.
ALONE: list[tuple[Json, Json, bool]] = [
    (leaf(1), event(ON), False),
    (leaf({"wildcard": "a*c"}), event("ac"), True),
    (leaf({"wildcard": r"a\*c"}), event("a*c"), True),
    (leaf({"wildcard": r"a\*c"}), event("abc"), False),
    (leaf({"anything-but": {"wildcard": "*/lib/*"}}), event("a/lib/b"), False),
    (leaf({"anything-but": {"wildcard": "*/lib/*"}}), event("a/bin/b"), True),
    (leaf({"exists": True}), event({"b": 1}), False),
    ({"detail": {"a": {"b": [{"exists": False}]}}}, event(), True),
    ({"detail": {"a": {"b": [1]}}}, event([{"b": 2}, {"b": 1}]), True),
    ({"detail": {"a": {"b": [1], "c": [2]}}}, event([{"b": 1, "c": 1}, {"b": 2, "c": 2}]), False),
    ({"detail": {"a": {"b": [{"exists": False}]}}}, event([{"b": 1}, {"c": 1}]), False),
]


@pytest.mark.parametrize(("pattern", "given_event", "expected"), [*AGREED, *ALONE], ids=json.dumps)
def test_an_event_matches_as_eventbridge_documents_it(
    pattern: Json, given_event: Json, *, expected: bool
) -> None:
    assert matches(pattern, given_event) is expected


@pytest.mark.parametrize(("pattern", "given_event", "expected"), AGREED, ids=json.dumps)
def test_motos_matcher_agrees(pattern: Json, given_event: Json, *, expected: bool) -> None:
    told: Any = given_event

    assert EventPattern(json.dumps(pattern), pattern).matches_event(told) is expected


TEXTS = st.text("abX9.-", max_size=4)
NUMBERS = st.integers(-1000, 1000) | st.floats(-1000, 1000, allow_nan=False)
BOUNDS = st.tuples(NUMBERS, NUMBERS).filter(lambda two: two[1] - two[0] > 0.01)


def one_of_each() -> st.SearchStrategy[object]:
    """Generate one condition of every kind that requires a value."""
    listed = st.lists(TEXTS, min_size=1, max_size=3) | st.lists(NUMBERS, min_size=1, max_size=3)
    return st.one_of(
        st.none(),
        st.booleans(),
        TEXTS,
        NUMBERS,
        st.tuples(st.sampled_from(["prefix", "suffix"]), TEXTS).map(lambda two: {two[0]: two[1]}),
        TEXTS.map(lambda text: {"prefix": {"equals-ignore-case": text}}),
        TEXTS.map(lambda text: {"equals-ignore-case": text}),
        st.lists(TEXTS.filter(bool), min_size=1, max_size=3).map(lambda parts: {"wildcard": "*".join(parts)}),
        (TEXTS | NUMBERS | listed).map(lambda value: {"anything-but": value}),
        st.lists(TEXTS, min_size=1, max_size=3).map(lambda texts: {"anything-but": {"suffix": texts}}),
        BOUNDS.map(lambda two: {"numeric": [">", two[0], "<", two[1]]}),
        st.tuples(st.sampled_from(["<", "<=", "=", ">=", ">"]), NUMBERS).map(lambda two: {"numeric": [*two]}),
        st.ip_addresses().map(lambda address: {"cidr": f"{address}/{address.max_prefixlen - 5}"}),
        st.just({"exists": True}),
    )


LEAVES = st.lists(one_of_each(), min_size=1, max_size=3)
ABSENT = st.just([{"exists": False}])
NAMES = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    LEAVES | ABSENT, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=6
)
OBJECTS = st.dictionaries(NAMES, TREES, min_size=1, max_size=3)
TOP = st.sampled_from(["source", "detail-type", "account", "region", "resources", "time"])
PLAIN = st.builds(
    lambda top, detail: {**top, "detail": detail}, st.dictionaries(TOP, LEAVES, max_size=3), OBJECTS
)
BRANCHED = st.builds(
    lambda pattern, branches: {**pattern, "$or": [{"detail": branch} for branch in branches]},
    st.dictionaries(TOP, LEAVES, max_size=2),
    st.lists(OBJECTS, min_size=2, max_size=3),
)


def leaves(pattern: Json) -> int:
    return sum(leaves(each) if isinstance(each, dict) else 1 for each in pattern.values())


def flat(value: object, path: str = "") -> dict[str, object]:
    """Return the value at each path. An object without fields has none."""
    if isinstance(value, dict):
        inner = [flat(each, f"{path}.{name}".lstrip(".")) for name, each in value.items()]
        return {key: each for one in inner for key, each in one.items()}
    return {path: value}


@given(PLAIN | BRANCHED)
def test_the_synthesised_event_matches_and_is_complete(pattern: Json) -> None:
    made = matching(pattern)

    assert matches(pattern, made)
    assert json.loads(json.dumps(made)) == made
    assert {"version", "id", "source", "account", "time", "region", "resources", "detail"} <= made.keys()


@given(PLAIN | BRANCHED)
def test_a_near_miss_does_not_match_and_differs_in_one_field_from_an_event_that_does(pattern: Json) -> None:
    for miss in near_misses(pattern):
        assert matches(pattern, miss.matching)
        assert not matches(pattern, miss.event)
        before, after = flat(miss.matching), flat(miss.event)
        both = [{key: json.dumps(value) for key, value in one.items()} for one in (before, after)]
        differing = {key for key, _ in set(both[0].items()) ^ set(both[1].items())}  # false is not 0
        assert differing == {miss.path}
        assert miss.change.startswith(f"{miss.path} is ")


@given(PLAIN)
def test_every_leaf_has_its_near_miss(pattern: Json) -> None:
    assert len(near_misses(pattern)) == leaves(pattern)


def test_what_is_given_is_completed_with_what_the_pattern_asks_for_besides() -> None:
    pattern = {"source": ["shop"], "detail": {"total": [{"numeric": [">", 0]}], "by": {"kind": ["person"]}}}

    event = complete(pattern, {"detail": {"id": "o-1", "total": 5, "by": {"name": "Ada"}}})

    assert event["detail"] == {"id": "o-1", "total": 5, "by": {"name": "Ada", "kind": "person"}}
    assert event["source"] == "shop"


def test_what_is_given_stays_as_it_is_if_it_matches_or_contradicts() -> None:
    absent = {"detail": {"error": [{"exists": False}]}}
    contradiction = complete({"detail": {"total": [1]}}, {"detail": {"total": 2}})

    assert complete(absent, {"detail": {"id": 1}})["detail"] == {"id": 1}
    assert contradiction["detail"] == {"total": 2}
    assert not matches({"detail": {"total": [1]}}, contradiction)


def test_what_the_pattern_leaves_open_has_a_default() -> None:
    assert matching({"source": ["shop"], "detail": {"size": [{"numeric": [">=", 3]}]}}) == {
        "version": "0",
        "id": "00000000-0000-4000-8000-000000000000",
        "detail-type": "Synthesised Event",
        "source": "shop",
        "account": "111122223333",
        "time": "2026-01-01T00:00:00Z",
        "region": "eu-north-1",
        "resources": [],
        "detail": {"size": 3},
    }


def test_a_near_miss_says_what_differs_and_whether_it_can_be_sent() -> None:
    pattern = {
        "source": ["shop"],
        "account": ["999999999999"],
        "detail": {"state": [{"anything-but": "new"}]},
    }

    found = {miss.path: (miss.change, miss.can_be_sent) for miss in near_misses(pattern)}

    assert found == {
        "source": ('source is "shop-other" instead of "shop"', True),
        "account": ('account is "999999999999-other" instead of "999999999999"', False),
        "detail.state": ('detail.state is "new" instead of "new-other"', True),
    }


def test_a_branch_has_near_misses_that_its_siblings_do_not_match_either() -> None:
    pattern = {"$or": [{"source": ["shop"]}, {"detail": {"size": [{"exists": False}]}}]}

    assert {miss.path for miss in near_misses(pattern)} == {"source", "detail.size"}


def test_a_leaf_that_any_event_meets_has_no_near_miss() -> None:
    assert (
        near_misses({"source": ["s"], "detail": {"a": [{"exists": True}, {"exists": False}]}})[0].path
        == "source"
    )
    assert len(near_misses(leaf({"exists": True}, {"exists": False}))) == 0


@pytest.mark.parametrize(
    ("pattern", "path", "told"),
    [
        ({}, "", "expected an object with fields"),
        ({"source": "shop"}, "source", "expected an object or a list"),
        ({"source": []}, "source", "expected an object or a list with values"),
        ({"detail": {"a": {}}}, "detail.a", "expected an object with fields"),
        (
            leaf({"perfix": "x"}),
            "detail.a",
            "unknown operator 'perfix'; the operators are anything-but, cidr",
        ),
        (leaf({"prefix": "x", "suffix": "y"}), "detail.a", "expected one operator"),
        (leaf([1]), "detail.a", "expected a text, number"),
        (leaf({"prefix": 1}), "detail.a", "operator 'prefix': expected a text, got 1"),
        (leaf({"wildcard": "a**b"}), "detail.a", "operator 'wildcard'"),
        (leaf({"wildcard": "a\\b"}), "detail.a", "operator 'wildcard'"),
        (leaf({"numeric": [">", 5, "<", 3]}), "detail.a", "operator 'numeric'"),
        (leaf({"numeric": [">"]}), "detail.a", "operator 'numeric'"),
        (leaf({"numeric": ["!=", 3]}), "detail.a", "operator 'numeric'"),
        (leaf({"exists": "yes"}), "detail.a", "operator 'exists': expected true or false"),
        (leaf({"cidr": "10.0.0.0"}), "detail.a", "operator 'cidr'"),
        (leaf({"cidr": "10.0.0.0/99"}), "detail.a", "operator 'cidr'"),
        (leaf({"anything-but": ["a", 1]}), "detail.a", "expected texts only or numbers only"),
        (leaf({"anything-but": []}), "detail.a", "expected at least one value"),
        (
            leaf({"anything-but": {"numeric": ["=", 1]}}),
            "detail.a",
            "operator 'anything-but': expected one of",
        ),
        ({"detail": {"$or": [{"a": [1]}]}}, "detail", "operator '$or': expected two patterns"),
        ({"$or": [{"a": [1]}, {"b": [{"x": 1}]}]}, "$or[1].b", "unknown operator 'x'"),
        ({"detail": [1], "$or": [{"detail": [2]}, {"detail": [3]}]}, "", "no event can match it"),
    ],
)
def test_a_malformed_pattern_is_an_error_that_names_the_place(pattern: Json, path: str, told: str) -> None:
    with pytest.raises(PatternError) as caught:
        matching(pattern)

    assert caught.value.path == path
    assert told in str(caught.value)


def test_a_synthesised_event_becomes_one_to_fire() -> None:
    fired = to_fired_event(matching({"source": ["shop"], "detail": {"size": [3]}}), bus="orders")

    assert (fired.bus, fired.source, fired.detail_type) == ("orders", "shop", "Synthesised Event")
    assert fired.detail == {"size": 3}
    assert not fired.id


@pytest.mark.parametrize(
    "change", [{"source": "aws.s3"}, {"source": ""}, {"detail-type": None}, {"detail": "text"}]
)
def test_what_put_events_would_not_take_is_an_error(change: Json) -> None:
    refused = {**matching({"source": ["shop"]}), **change}

    assert not can_be_sent(refused)
    with pytest.raises(PatternError, match="PutEvents needs"):
        to_fired_event(refused)
