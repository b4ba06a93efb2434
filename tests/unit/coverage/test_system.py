"""This project's system, with MiniStack's log of tests/e2e/test_system.py, against a hand-made truth table.

`examples/system` has the log, with the first and last of repeated calls, and the necessary parts of the
state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.aws import capabilities
from harness.coverage import Level
from harness.coverage.measured import coverage_of
from tests.docs.snippets import PROJECT
from tests.system import levels as tables
from tests.unit.coverage.test_examples import calls_without, segments, stack

if TYPE_CHECKING:
    from harness.aws.calls import Call

CREATED, UNKNOWN, USED, ASSERTED = Level
READ = "module.system.module.api_gateway.aws_api_gateway"
HEAD = (f'{READ}_method.read["HEAD"]', f'{READ}_integration.read["HEAD"]')
LOG = "module.system.module.create_function.aws_cloudwatch_log_group.this"
# What the whole suite uses beyond one event and one GET: tests send HEAD, read a log, find the newest object
# without a pointer, and overtake an object, which the writer then tags.
LEVELS = {
    **tables.after_an_event_and_a_read("ministack"),
    **dict.fromkeys(HEAD, ASSERTED),
    LOG: USED,
    f"{tables.READER} statement ListObjects": USED,
    f"{tables.WRITER} statement TagSuperseded": USED,
}
# All levels that change if a test is deleted. Others use what the tests that are not here use.
DELETED = {
    "test_head_answers_as_get_does_but_without_the_body": dict.fromkeys(HEAD, CREATED),
    "test_the_functions_log_json_that_the_logs_api_returns": {LOG: UNKNOWN},
}
TESTS = sorted({test for test, _ in segments("system") if test})


@pytest.fixture(autouse=True)
def _enforces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "missing", lambda *_: [])


def levels(calls: list[Call]) -> dict[str, Level]:
    """Return the levels of all items but the outputs."""
    found = coverage_of(stack("system", calls), PROJECT / "terraform" / "env" / "dev", PROJECT, since=0)
    assert all(each.file for each in found.items)
    return {each.address: each.level for each in found.items if not each.address.startswith("output.")}


def test_each_item_has_the_level_that_a_person_would_give_it() -> None:
    assert levels(calls_without("system", [])) == LEVELS


@pytest.mark.parametrize("test", TESTS)
def test_deleting_a_test_turns_what_it_alone_has_used(test: str) -> None:
    assert levels(calls_without("system", [test])) == LEVELS | DELETED.get(test, {})


def test_without_a_test_nothing_is_used() -> None:
    assert set(levels(calls_without("system", ["", *TESTS])).values()) == {CREATED, UNKNOWN}
