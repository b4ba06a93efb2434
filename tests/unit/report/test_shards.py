from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.base.telemetry.timeline import Span
from harness.errors import HarnessError
from harness.report import trace_file
from harness.report.derived import shards
from harness.report.results import Run, TestResult

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = 1_795_442_712.0


def shard(name: str, begun: float = BEGUN, *, worker: str = "", backend: str = "host") -> Run:
    return Run(
        title="orders",
        begun=begun,
        seconds=10,
        facts={"backend": backend, "region": "eu-north-1", f"only of {name}": "yes"},
        options=("--backend=auto", f"--only={name}"),
        spans=(Span(kind="phase", name=f"apply {name}", begun=begun, seconds=5),),
        tests=(
            TestResult(
                id=f"test_{name}.py::test_it", outcome="passed", begun=begun + 5, seconds=1, worker=worker
            ),
        ),
    )


def test_several_runs_are_one_from_the_first_begin_to_the_last_end() -> None:
    run = shards.merge([shard("a", BEGUN + 4, worker="gw1"), shard("b", backend="ministack")])

    assert (run.begun, run.seconds) == (BEGUN, 14)
    assert [(test.id, test.worker) for test in run.tests] == [
        ("test_a.py::test_it", "1 gw1"),
        ("test_b.py::test_it", "2"),
    ]
    assert [span.name for span in run.spans] == ["apply a", "apply b"]
    assert run.options == ("--backend=auto",)


def test_what_is_known_is_told_once_or_as_often_as_it_differs() -> None:
    run = shards.merge([shard("a"), shard("b", backend="ministack")])

    assert run.facts == {
        "backend": "host\nministack",
        "region": "eu-north-1",
        "only of a": "yes",
        "only of b": "yes",
    }


def test_a_folder_stands_for_each_record_in_it_and_none_is_read_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        trace_file.write(shard(name), tmp_path / name / "report.zip")
        trace_file.write(shard("trace"), tmp_path / name / "traces" / "test_it.zip")

    run = shards.read([tmp_path, tmp_path / "b", tmp_path / "a" / "report.zip"])

    assert [test.id for test in run.tests] == ["test_a.py::test_it", "test_b.py::test_it"]


def test_a_folder_without_a_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        HarnessError, match=r"expected report\*\.zip in it, got none; `pytest --harness-report"
    ):
        shards.read([tmp_path])


def test_a_record_may_be_larger_than_a_trace(tmp_path: Path) -> None:
    large = "x" * trace_file.MOST_BYTES
    test = replace(shard("a").tests[0], message=large)
    file = tmp_path / "report.zip"

    trace_file.write(replace(shard("a"), tests=(test,)), file, most=trace_file.MOST_OF_A_RUN)

    assert shards.read([file]).tests[0].message == large
    with pytest.raises(HarnessError, match="it has at most 8"):
        trace_file.read(file)


def test_no_runs_are_no_run() -> None:
    with pytest.raises(ValueError, match="expected runs, got none"):
        shards.merge([])
