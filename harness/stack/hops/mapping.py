"""Event source mappings: which functions take a record from a queue or a stream."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.aws.eventbridge import patterns
from harness.errors import PatternError
from harness.stack.hops import function
from harness.stack.hops.hop import Hop, cap, look, name_in, observe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.stack.hops.hop import State, Tracer
    from harness.values import Sent

MAPPED = "mapped to a function"
type Source = Mapping[str, Any]  # an item of ListEventSourceMappings


def mappings_of(tracer: Tracer, source: str) -> list[Source]:
    """Return the mappings of a queue or a stream."""
    client = tracer.client("lambda", source)
    pages = client.get_paginator("list_event_source_mappings").paginate(EventSourceArn=source)
    return [mapping for page in pages for mapping in page["EventSourceMappings"]]


def match_record(mappings: Sequence[Source], record: Mapping[str, Any]) -> tuple[Hop, list[Source]]:
    """Return a hop that says whether a mapping accepts a record, and the mappings that do."""
    reasons = [(mapping, why_not(mapping, record)) for mapping in mappings]
    live = [mapping for mapping, reason in reasons if not reason]
    others = [f"{_function(mapping)}: {reason}" for mapping, reason in reasons if reason]
    hop = partial(Hop, name=MAPPED)
    if not live:
        head = [] if len(others) == 1 else ["no mapping takes it"]
        return hop(state="failed", seen="\n".join([*head, *cap(others)])), []
    seen = "\n".join([", ".join(map(_function, live)), *cap([f"not to {other}" for other in others])])
    return hop(state="reached", seen=seen), live


def why_not(mapping: Source, record: Mapping[str, Any]) -> str:
    """Return the reason why a mapping does not accept a record, or an empty text."""
    state = str(mapping.get("State", "Enabled"))
    if state in {"Disabled", "Disabling", "Creating", "Deleting"}:
        return f"the mapping is {state.lower()}"
    filters = [str(one["Pattern"]) for one in mapping.get("FilterCriteria", {}).get("Filters", [])]
    if filters and not any(_matches(one, record) for one in filters):
        return f"the mapping's filter does not match: {' or '.join(filters)}"
    return ""


def follow_functions(
    tracer: Tracer, sent: Sent, live: Sequence[Source], records: Mapping[str, Any]
) -> tuple[Hop, ...]:
    """Return the hops of the functions that receive the record from a mapping, in a batch."""
    batch = json.dumps({"Records": [records]})
    arns = dict.fromkeys(str(mapping["FunctionArn"]) for mapping in live)
    calls = [replace(sent, arn=arn, payload=batch, is_answered=True) for arn in arns]
    return tuple(hop for call in calls for hop in function.follow(tracer, call))


def follow_table(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of an item that was written to a table: its stream, and the functions on it."""
    described = tracer.client("dynamodb", sent.arn).describe_table(TableName=sent.arn.rpartition("/")[2])[
        "Table"
    ]
    stream = described.get("LatestStreamArn", "")
    if not (stream and described.get("StreamSpecification", {}).get("StreamEnabled")):
        return (Hop(name=MAPPED, state="unknown", seen=f"{name_in(sent.arn)} has no stream"),)  # it need not
    return _follow_stream(tracer, sent, stream, _record(described, sent))


def _record(table: Mapping[str, Any], sent: Sent) -> dict[str, Any]:
    """Return the record of a table's stream for a new item.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
    """
    view = str(table["StreamSpecification"].get("StreamViewType", ""))
    item, before = function.parse_json(sent.payload), sent.attributes.get("OldImage")
    names = [each["AttributeName"] for each in table.get("KeySchema", [])]
    record = {
        "Keys": {name: item[name] for name in names if isinstance(item, dict) and name in item},
        "NewImage": item if view.startswith("NEW") else None,
        "OldImage": before if "OLD" in view else None,
        "StreamViewType": view,
    }
    return {
        "eventName": "MODIFY" if before else "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {name: value for name, value in record.items() if value is not None},
    }


def follow_stream(tracer: Tracer, sent: Sent) -> tuple[Hop, ...]:
    """Return the hops of a record of Kinesis: the functions on its stream."""
    record = {"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": sent.id}}
    return _follow_stream(tracer, sent, sent.arn, record | {"data": function.parse_json(sent.payload)})


def _follow_stream(tracer: Tracer, sent: Sent, stream: str, record: Mapping[str, Any]) -> tuple[Hop, ...]:
    mappings = mappings_of(tracer, stream)
    if not mappings:
        return (Hop(name=MAPPED, state="failed", seen=f"no mapping takes from {name_in(stream)}"),)
    mapped, live = observe(MAPPED, lambda: match_record(mappings, record))
    mapped = replace(mapped, payload=sent.payload)
    if not live:
        return (mapped, *function.without_invocation(mapped, "not looked for: no mapping takes it"))
    hops = follow_functions(tracer, sent, live, record)
    failed = any(hop.name == function.RETURNED and hop.state in {"failed", "unreached"} for hop in hops)
    return (mapped, *hops, *(look("in the destination", lambda: _set_aside(live)) for _ in range(failed)))


def _set_aside(live: Sequence[Source]) -> Hop:
    """Return the hop of the destination for records that a function has failed at too often."""
    arns = [m.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "") for m in live]
    found = [name_in(arn) for arn in arns if arn]
    tries = [m.get("MaximumRetryAttempts", -1) for m in live]
    again = "until it is too old" if -1 in tries else f"{max(tries)} times"
    state: State = "unknown" if found else "unreached"
    where = f"then a note about it goes to {', '.join(found)}" if found else "there is no destination for it"
    return Hop(name="in the destination", state=state, seen=f"Lambda tries the batch again {again}; {where}")


def _function(mapping: Source) -> str:
    return name_in(str(mapping["FunctionArn"])).removeprefix("function:")


def _matches(pattern: str, record: Mapping[str, Any]) -> bool:
    try:
        return patterns.matches(json.loads(pattern), record)
    except PatternError:  # emulators take filters that Lambda would refuse
        return False
