from __future__ import annotations

import pytest

from harness.base.telemetry.actions import Action
from harness.report.derived import changes
from harness.report.derived.changes import Change
from harness.report.results import AwsCall, Part, TestResult

BEGUN = 1_795_442_712.0
FUNCTION = "function:greet"
PREFIXES = {
    "dynamodb": "arn:aws:dynamodb:eu-north-1:000000000000:table/greetings",
    "secretsmanager": "arn:aws:secretsmanager:eu-north-1:000000000000:secret:greetings",
    "ssm": "arn:aws:ssm:eu-north-1:000000000000:parameter/greetings",
    "stepfunctions": "arn:aws:states:eu-north-1:000000000000:stateMachine:greetings",
    "kinesis": "arn:aws:kinesis:eu-north-1:000000000000:stream/greetings",
    "s3": "arn:aws:s3:::greetings/ada/one.txt",
}


def call(name: str, at: float, resource: str = "", *, ok: bool = True, by: str = FUNCTION) -> AwsCall:
    service = name.split(maxsplit=1)[0]
    named = resource or PREFIXES.get(service, f"arn:aws:{service}:eu-north-1:000000000000:greetings")
    return AwsCall(begun=BEGUN + at, seconds=0.01, by=by, name=name, resource=named, ok=ok)


def action(at: float, kind: str = "fire") -> Action:
    return Action(kind=kind, name=f"at {at}", begun=BEGUN + at, seconds=0.1)  # type: ignore[arg-type]


def changed(
    *calls: AwsCall, actions: tuple[Action, ...] = (action(1), action(3, "wait"))
) -> list[list[Change]]:
    part = Part(name="call", outcome="passed", begun=BEGUN, seconds=5, actions=actions)
    test = TestResult(
        id="test_it.py::test_one", outcome="passed", begun=BEGUN, seconds=5, parts=(part,), calls=calls
    )
    ((_, shown),) = changes.shown(test)
    return [found for _, found in shown]


def test_a_change_belongs_to_the_action_that_began_last_before_it() -> None:
    put = "+ object ada/one.txt in the bucket greetings"

    early, late = changed(
        call("s3 PutObject", 0.5),
        call("s3 PutObject", 2.9),
        call("sqs SendMessage", 3),
        call("s3 GetObject", 4),
    )

    assert early == [Change(what=put, by=FUNCTION)]
    assert late == [Change(what="+ message in the queue greetings", by=FUNCTION)]


def test_the_same_change_is_told_once_for_each_who_made_it() -> None:
    sent = [call("sqs SendMessage", 1 + n / 10) for n in range(3)]

    first, _ = changed(*sent, call("sqs SendMessage", 2, by="test:test_one"))

    what = "+ message in the queue greetings"
    assert first == [Change(what=what, by=FUNCTION, times=3), Change(what=what, by="test:test_one")]


def test_what_failed_or_names_nothing_changed_nothing() -> None:
    assert changed(call("s3 PutObject", 1.5, ok=False), call("sqs SendMessage", 1.5, "unknown")) == [[], []]


def test_actions_that_began_at_once_share_what_changed() -> None:
    both = changed(call("sqs SendMessage", 1.5), actions=(action(1), action(1, "wait")))

    assert both[0] == both[1] != []


@pytest.mark.parametrize("name", changes._EFFECTS)
def test_each_change_names_what_it_is_about(name: str) -> None:
    ((change,), _) = changed(call(name, 1.5))

    assert "greetings" in change.what.split()
    assert name != "s3 PutObject" or "ada/one.txt" in change.what
