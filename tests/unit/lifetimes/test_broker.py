from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import TYPE_CHECKING

import pytest

from harness import HarnessError, SettingsError, eventually
from harness.base import journal
from harness.lifetimes import broker
from harness.lifetimes.broker import HoldRequest, account_of
from tests.unit.fake_stack import FakeStack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness import Settings


def named(settings: Settings, **environ: str) -> str:
    given = replace(settings, environ={**settings.environ, **environ})
    return HoldRequest(settings=given, stack=True).name


def test_workers_of_one_run_wish_for_the_same_whatever_pytest_tells_each(settings: Settings) -> None:
    assert named(settings, PYTEST_XDIST_WORKER="gw0") == named(settings, PYTEST_XDIST_WORKER="gw1")


def test_another_environment_is_another_wish(settings: Settings) -> None:
    assert named(settings, TF_VAR_size="1") != named(settings, TF_VAR_size="2")


def test_other_settings_are_another_wish(settings: Settings) -> None:
    assert named(settings) != named(replace(settings, region="us-east-1"))


def test_a_name_tells_nothing_of_the_environment(settings: Settings) -> None:
    secretive = replace(settings, environ={"AWS_SECRET_ACCESS_KEY": "wJalr"})

    assert "wJalr" not in repr(HoldRequest(settings=secretive, stack=True))


def test_the_name_of_a_request_does_not_depend_on_the_path_of_its_worker(settings: Settings) -> None:
    assert (
        HoldRequest(settings=settings, stack=True, path=("/a",)).name
        == HoldRequest(settings=settings, stack=True).name
    )


def test_a_stack_needs_the_backend_that_all_accounts_have_in_common(settings: Settings) -> None:
    requests = [
        HoldRequest(settings=settings, stack=True, account=account) for account in ("", "1" * 12, "2" * 12)
    ]

    assert len({request.name for request in requests}) == 3
    assert {request.backend.name for request in requests} == {
        HoldRequest(settings=settings, stack=False).name
    }


def test_each_worker_has_an_account_of_12_digits(settings: Settings) -> None:
    accounts = [account_of(worker, settings) for worker in ("gw0", "gw1", "gw12")]

    assert accounts == ["100000000000", "100000000001", "100000000012"]


def test_on_real_aws_no_worker_has_an_account_of_its_own(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="--stack-per-worker: expected the backend to be an emulator"):
        account_of("gw0", replace(settings, backend="aws"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    made = FakeStack.made(tmp_path / "fake-project")
    made.made_importable(monkeypatch)
    yield made
    made.kill()


def test_all_who_ask_at_once_have_the_same_stack(project: FakeStack) -> None:
    request = HoldRequest(settings=project.settings(), stack=True)

    with broker.opened() as opened, ThreadPoolExecutor() as pool:
        held = list(pool.map(opened.acquire, [request] * 4))
        assert len({one.root for one in held}) == 1
        assert held[0].endpoint == opened.acquire(request.backend).endpoint

    assert project.done() == ["started", "init", "apply", "destroy", "stopped"]
    assert not opened.folder.exists()


def test_another_process_can_ask(project: FakeStack) -> None:
    with broker.opened() as opened:
        known = broker.Broker.from_plain(opened.to_plain())
        held = known.acquire(HoldRequest(settings=project.settings(), stack=True, account="1" * 12))

        assert known == opened
        assert held.endpoint.access_key == "1" * 12
        assert held.outputs["answer"] == "42"


def test_a_failure_is_told_to_all_who_ask_and_happens_once(project: FakeStack) -> None:
    request = HoldRequest(settings=project.settings(HARNESS_BACKEND="fake:broken"), stack=True)

    with broker.opened() as opened:
        for _ in range(3):
            with pytest.raises(HarnessError) as told:
                opened.acquire(request)
            assert str(told.value) == "backend 'broken': it is out of order\nseen on a Monday"

    assert project.done() == ["broken"]


def test_what_can_not_be_stopped_is_told_and_the_rest_is_stopped(project: FakeStack) -> None:
    project.failing("destroy", "bucket not empty")
    request = HoldRequest(settings=project.settings(), stack=True)

    with pytest.raises(HarnessError) as told, broker.opened() as opened:
        deque(map(opened.acquire, (replace(request, account=account) for account in ("1" * 12, "2" * 12))))

    assert str(told.value).count("error: bucket not empty") == 2
    assert project.done()[-1] == "stopped"


def test_a_stack_that_is_being_applied_at_the_end_is_destroyed_too(project: FakeStack) -> None:
    project.script("[ $1 != apply ] || exec sleep 600")
    request = HoldRequest(settings=project.settings(), stack=True)

    with ThreadPoolExecutor() as pool:
        with broker.opened() as opened:
            answer = pool.submit(opened.acquire, request)
            eventually(lambda: project.notes("apply"), what="the apply")
        with pytest.raises(HarnessError):
            answer.result(timeout=20)

    assert project.done() == ["started", "init", "apply", "destroy", "stopped"]


def test_nothing_is_started_when_the_run_is_over(project: FakeStack) -> None:
    keepers = broker.Keepers(project.folder / "shared")
    keepers.close()

    with pytest.raises(HarnessError, match="the run is over"):
        keepers.keeper_of(HoldRequest(settings=project.settings(), stack=False))

    assert project.done() == []


def test_who_asks_a_controller_that_is_gone_is_told_so(settings: Settings) -> None:
    with broker.opened() as opened:
        pass
    with suppress(OSError):  # the one that the closed listener still waited for
        socket.create_connection(opened.address, timeout=5).close()

    with pytest.raises(HarnessError, match="the controller of this run does not answer"):
        opened.acquire(HoldRequest(settings=settings, stack=False))


def test_who_does_not_know_the_key_or_goes_away_does_not_disturb_the_others(project: FakeStack) -> None:
    request = HoldRequest(settings=project.settings(), stack=False)

    with broker.opened() as opened:
        socket.create_connection(opened.address, timeout=5).close()
        with pytest.raises(AuthenticationError):
            Client(opened.address, authkey=b"another")
        with Client(opened.address, authkey=opened.key):
            pass  # gone before it has opened

        assert opened.acquire(request).endpoint.backend == "fake"


def test_a_run_removes_the_notes_of_killed_controllers_but_not_while_their_keepers_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = f"{socket.gethostname()}/{os.getpid()}/1"  # a process of that number, but of another time
    owners = {
        "harness-shared-left": killed,
        "harness-shared-kept": killed,
        "harness-shared-own": journal.owner(),
    }
    for name, owner in owners.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "owner").write_text(owner, "utf-8")
    keeper = [sys.executable, "-S", "-c", "input()", str(tmp_path / "harness-shared-kept")]

    with subprocess.Popen(keeper, stdin=subprocess.PIPE), broker.opened():
        assert not (tmp_path / "harness-shared-left").exists()
        assert (tmp_path / "harness-shared-kept").exists()
        assert (tmp_path / "harness-shared-own").exists()
