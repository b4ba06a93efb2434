from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import deployed
from harness.errors import BackendError
from harness.session import baseline_of

if TYPE_CHECKING:
    from tests.unit.fake_stack import FakeStack


@pytest.mark.parametrize("runs_before", [0, 1], ids=["applied", "restored"])
def test_a_test_begins_with_the_state_after_the_apply_at_the_address_of_now(
    project: FakeStack, runs_before: int
) -> None:
    settings = project.settings(HARNESS_BACKEND="fake:stateful")
    for _ in range(runs_before):
        with deployed(settings):
            pass

    with deployed(settings) as stack:
        baseline = baseline_of(settings, stack)
        before = len(project.notes("restored"))
        baseline.restore()
        baseline.restore()

    address = stack.endpoint.url.removeprefix("http://")
    told = project.notes("restored")[before:]
    assert told == [["restored", "state", "at", address]] * 2


def test_a_stack_in_another_region_than_that_of_the_settings_has_one_too(project: FakeStack) -> None:
    settings = project.settings(HARNESS_BACKEND="fake:stateful")

    with deployed(settings) as stack:
        elsewhere = replace(stack, endpoint=replace(stack.endpoint, region="us-east-1"))
        assert baseline_of(settings, elsewhere).content == baseline_of(settings, stack).content


def test_without_a_snapshot_of_the_stack_it_is_refused(project: FakeStack) -> None:
    settings = project.settings(HARNESS_BACKEND="fake:temporary")

    with deployed(settings) as stack, pytest.raises(BackendError, match="expected a snapshot of this stack"):
        baseline_of(settings, stack)


def test_the_snapshot_of_another_version_of_the_stack_is_none(project: FakeStack) -> None:
    settings = project.settings(HARNESS_BACKEND="fake:stateful")

    with deployed(settings) as stack:
        other = replace(settings, variables={"a": "another value"})
        with pytest.raises(BackendError, match="leave out --harness-reset=snapshot"):
            baseline_of(other, stack)
