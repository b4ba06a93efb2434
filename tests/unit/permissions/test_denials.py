from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from harness.permissions.denials import DenialsRecorder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DENIED = "User: arn:aws:iam::000000000000:user/ada is not authorized to perform: s3:GetObject"
BEFORE = "2026-11-30T19:00:00.123  WARN --- [r-1] l.s.enforcer : IAM AUDIT DENY: an earlier run's\n"
LOG = f"""2026-11-30T19:00:01.123  WARN --- [r-1] l.s.enforcer : IAM AUDIT DENY: {DENIED}
2026-11-30T19:00:02.123  INFO --- [r-1] l.r.c : AWS s3.GetObject => 200
2026-11-30T19:00:03.123  WARN --- [r-2] l.s.enforcer : IAM AUDIT DENY: {DENIED}
2026-11-30T19:00:04.123  WARN --- [r-2] l.s.enforcer : IAM AUDIT DENY: User: arn:aws:iam::0:user/probe-1
"""


def recorded(tmp_path: Path) -> DenialsRecorder:
    """Return a recorder that has read the log."""
    recorder, log = DenialsRecorder(), tmp_path / "localemu.log"
    log.write_text(BEFORE + LOG, "utf-8")
    recorder.record(log, len(BEFORE))
    return recorder


def test_each_call_that_would_have_been_denied_in_this_run_is_listed_with_its_count(tmp_path: Path) -> None:
    assert recorded(tmp_path).lines() == [f"2x {DENIED}"]


def test_workers_that_read_the_same_log_count_nothing_twice(tmp_path: Path) -> None:
    controller = DenialsRecorder()
    output: dict[str, str] = {}
    for _ in range(2):
        worker = recorded(tmp_path)
        worker.pytest_sessionfinish(SimpleNamespace(config=SimpleNamespace(workeroutput=output)))  # type: ignore[arg-type]
        controller.pytest_testnodedown(SimpleNamespace(workeroutput=output))

    assert controller.lines() == [f"2x {DENIED}"]


def test_a_run_without_such_calls_does_not_mention_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): pass")

    done = pytester.runpytest_subprocess()

    assert done.ret == 0
    done.stdout.no_fnmatch_line("*that policies deny*")
