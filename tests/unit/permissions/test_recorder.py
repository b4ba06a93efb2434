from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from harness.permissions import Outcome, Permissions, Use
from harness.permissions.recorder import PermissionsRecorder
from tests.unit.permissions.stacks import BUCKET, allow, judge, made, stack

if TYPE_CHECKING:
    import pytest

PUT, GET = made("s3:PutObject", f"{BUCKET}/1"), made("s3:GetObject", f"{BUCKET}/2")
RESOURCES = stack(allow(["s3:PutObject", "s3:GetObject", "s3:*"], f"{BUCKET}/*"))


def test_what_is_stored_as_json_comes_back() -> None:
    permissions = Permissions((judge(RESOURCES, PUT, made("sqs:SendMessage")),))

    assert Permissions.from_json(permissions.to_json()) == permissions
    told = json.loads(permissions.to_json())
    assert (told["format"], told["version"]) == ("harness-permissions", 1)


def test_of_two_workers_judgements_the_one_with_a_use_holds() -> None:
    both = Permissions((judge(RESOURCES, PUT),)).merged(Permissions((judge(RESOURCES, GET),)))

    (put, get, every) = both.roles[0].statements[0].grants
    assert (put.use, get.use, every.use) == (Use.USED,) * 3
    assert {action for action, _ in every.uses} == {"s3:PutObject", "s3:GetObject"}
    assert {each.outcome for each in both.roles[0].missing} == {Outcome.NOT_ALLOWED}  # the log's


def test_what_a_worker_gathered_comes_to_the_controller_and_a_crashed_one_tells_nothing() -> None:
    worker, controller = (PermissionsRecorder(Path()) for _ in range(2))
    worker.permissions = Permissions((judge(RESOURCES, PUT),))
    output: dict[str, str] = {}
    worker.pytest_sessionfinish(SimpleNamespace(config=SimpleNamespace(workeroutput=output)))  # type: ignore[arg-type]

    controller.pytest_testnodedown(SimpleNamespace(workeroutput=output))
    controller.pytest_testnodedown(SimpleNamespace())

    assert controller.permissions == worker.permissions


def test_a_run_without_a_stack_has_an_empty_table(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")

    done = pytester.runpytest_subprocess("--permissions", "--permissions-report=sub/p.json")

    done.stdout.fnmatch_lines(["*= permissions =*", "Role*Allowed*Used*"])
    assert json.loads((pytester.path / "sub" / "p.json").read_text("utf-8"))["roles"] == []


def test_a_run_that_is_to_be_strict_fails_by_what_is_unused(pytester: pytest.Pytester) -> None:
    recorder, lenient = PermissionsRecorder(Path(), is_strict=True), PermissionsRecorder(Path())
    session: Any = SimpleNamespace(config=SimpleNamespace(), exitstatus=0)
    for each in (lenient, recorder):
        each.permissions = Permissions((judge(RESOURCES, PUT),))

    lenient.pytest_sessionfinish(session)
    assert session.exitstatus == 0
    recorder.pytest_sessionfinish(session)

    assert session.exitstatus == 1
    pytester.makepyfile("def test_it(): pass")
    done = pytester.runpytest_subprocess("--least-privilege")
    done.stdout.fnmatch_lines(["*= permissions =*"])
