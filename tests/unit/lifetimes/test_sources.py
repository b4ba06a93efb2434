from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import SettingsError
from harness.lifetimes import broker
from harness.lifetimes.kept import KeptStack
from harness.lifetimes.sources import Fresh, Kept, Shared, Source
from tests.unit.fake_stack import FakeStack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Settings


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    made = FakeStack.made(tmp_path / "fake-project")
    made.made_importable(monkeypatch)
    yield made
    made.kill()


@pytest.fixture
def opened() -> Iterator[broker.Broker]:
    with broker.opened() as served:
        yield served


def used(source: Source, settings: Settings) -> str:
    """Bring up a stack from `source`, and return its account."""
    with source.endpoint(settings) as endpoint, source.deployment(settings, endpoint) as deployment:
        assert deployment.endpoint == endpoint
        assert deployment.outputs["answer"] == "42"
        return deployment.endpoint.access_key


def exclude_each_other(one: Source, other: Source, settings: Settings) -> bool:
    """Return whether the second source has to wait for the first one."""
    entered = threading.Event()

    def enter() -> None:
        with other.exclusive(settings):
            entered.set()

    thread = threading.Thread(target=enter)
    with one.exclusive(settings):
        thread.start()
        waits = not entered.wait(0.3)
    thread.join(10)
    assert entered.is_set()
    return waits


def test_what_is_its_own_ends_with_the_context(project: FakeStack) -> None:
    assert used(Fresh(), project.settings()) == "test"

    assert project.done() == ["started", "init", "apply", "destroy", "stopped"]
    assert not exclude_each_other(Fresh(), Fresh(), project.settings())


def test_what_lasts_is_there_for_the_next_one(project: FakeStack) -> None:
    for _ in range(2):
        assert used(Kept(is_exclusive=True), project.settings()) == "test"

    assert project.done() == ["started", "init", "apply"]
    assert exclude_each_other(Kept(is_exclusive=True), Kept(is_exclusive=True), project.settings())
    KeptStack.of(project.settings()).stop()


def test_what_is_shared_is_there_for_every_worker(project: FakeStack, opened: broker.Broker) -> None:
    for _ in range(2):
        assert used(Shared(broker=opened), project.settings()) == "test"

    assert project.done() == ["started", "init", "apply"]
    assert exclude_each_other(Shared(broker=opened), Shared(broker=opened), project.settings())


def test_a_worker_with_a_stack_of_its_own_has_an_account_of_its_own(
    project: FakeStack, opened: broker.Broker
) -> None:
    one, other = (Shared(broker=opened, worker=name) for name in ("gw0", "gw1"))

    assert used(one, project.settings()) == "100000000000"
    assert used(other, project.settings()) == "100000000001"
    assert project.counted() == {"started": 1, "init": 2, "apply": 2}
    assert not exclude_each_other(one, other, project.settings())


def test_on_real_aws_a_worker_can_not_have_that(settings: Settings, opened: broker.Broker) -> None:
    source = Shared(broker=opened, worker="gw0")

    with pytest.raises(SettingsError, match="expected the backend to be an emulator"):
        used(source, replace(settings, backend="aws"))
