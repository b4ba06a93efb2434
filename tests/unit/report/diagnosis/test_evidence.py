from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import Deployment, Endpoint
from harness.aws import outbox
from harness.aws.calls import Call, RequestLog
from harness.report.diagnosis import artifacts, evidence
from harness.report.diagnosis.evidence import TimeBudget
from harness.report.diagnosis.sources import Sources
from harness.report.texts import LONGEST_TEXT
from harness.stack.hops import Hop, Hops
from harness.values import Outputs, Resource, Sent
from tests.unit.stack.hops.test_lost import ManualClock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.report.diagnosis.evidence import Evidence
    from harness.terraform.commands import Terraform

TEST = "tests/test_it.py::test_lost"
MESSAGE = Sent(arn="arn:aws:sqs:eu-north-1:000000000000:jobs", id="m-1", payload="")
LONG_RUN = TimeBudget(share=1000)
GREET = Resource(address="f", type="aws_lambda_function", values={"function_name": "greet"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack(Deployment):
    logged: list[tuple[str, str]]  # stream and message
    reads: list[str]

    def client(self, _service: str, _region: str = "") -> Any:  # noqa: ANN401 - stands in for a boto3 client
        return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=self.pages))

    def pages(self, *, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803 - boto3's naming
        self.reads.append(logGroupName)
        return [
            {
                "events": [
                    {"logStreamName": stream, "timestamp": startTime + number, "message": f"{text}\n"}
                    for number, (stream, text) in enumerate(self.logged)
                ]
            }
        ]

    def trace(self, _sent: object) -> Hops:
        return Hops([Hop(name="in the queue", state="reached", seen="jobs")])

    def resources(self, kind: str = "") -> list[Resource]:
        return [GREET] if kind == GREET.type else []


def stack(*logged: tuple[str, str]) -> Stack:
    endpoint = Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1")
    terraform = cast("Terraform", None)
    return Stack(endpoint=endpoint, terraform=terraform, outputs=Outputs({}), logged=list(logged), reads=[])


def found(
    held: Stack,
    folder: Path,
    *,
    failed: bool = True,
    reports: bool = True,
    budget: TimeBudget = LONG_RUN,
    sends: Sequence[Sent] = (),
) -> Evidence:
    with artifacts.recording(folder) as recording:
        for one in sends:
            outbox.remember(one)
        search = evidence.EvidenceSearch(
            test=TEST,
            recording=recording,
            refused=0,
            sources=Sources(folder),
            keeps=True,
            reports=reports,
            budget=budget,
        )
        return search.evidence(held, [], failed=failed)


INTERLEAVED = (
    ("s1", "INIT_START"),
    ("s1", "START RequestId: r-1"),
    ("s2", "START RequestId: r-2"),
    ("s1", "hello"),
    ("s2", "[ERROR] KeyError: 'BUCKET'"),
    ("s1", "END RequestId: r-1"),
    ("s1", "REPORT RequestId: r-1\tDuration: 12.5 ms"),
)


def test_each_line_is_with_the_invocation_that_logged_it_and_the_log_is_read_once(tmp_path: Path) -> None:
    held = stack(*INTERLEAVED)

    seen = found(held, tmp_path)

    assert [(each.function, each.request_id, each.milliseconds, each.error) for each in seen.invocations] == [
        ("greet", "r-1", "12.5", ""),
        ("greet", "r-2", "", "KeyError: 'BUCKET'"),
    ]
    first, second = ([line.split(" ", 1)[1] for line in each.log.splitlines()] for each in seen.invocations)
    assert first == [INTERLEAVED[number][1] for number in (1, 3, 5, 6)]
    assert second == [INTERLEAVED[number][1] for number in (2, 4)]
    assert seen.logs["lambda-greet.log"].split(" ", 1)[1] == "INIT_START"
    assert (tmp_path / "lambda-greet.log").read_text("utf-8").count("\n") == len(INTERLEAVED)
    assert held.reads == ["/aws/lambda/greet"]


def test_a_failed_start_is_with_the_invocation_that_it_has_failed(tmp_path: Path) -> None:
    seen = found(
        stack(("s", "[ERROR] Runtime.ImportModuleError: no"), ("s", "START RequestId: r-1")), tmp_path
    )

    assert [each.error for each in seen.invocations] == ["Runtime.ImportModuleError: no"]
    assert "ImportModuleError" in seen.invocations[0].log
    assert "lambda-greet.log" not in seen.logs


def test_of_many_invocations_the_last_are_apart_and_the_others_stay_in_the_log(tmp_path: Path) -> None:
    lines = [("s", f"START RequestId: r-{number}\n" + "x" * LONGEST_TEXT) for number in range(5)]

    seen = found(stack(*lines), tmp_path)

    assert [each.request_id for each in seen.invocations][-1] == "r-4"
    assert sum(len(each.log) for each in seen.invocations) <= 2 * LONGEST_TEXT
    assert "r-0" in seen.logs["lambda-greet.log"]
    assert "r-4" not in seen.logs["lambda-greet.log"]


def test_calls_are_those_of_the_test_and_of_functions_since_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(by: str, *, late: float = 1, error: str = "") -> Call:
        moment = datetime.fromtimestamp(time.time() + late, UTC)
        return Call(time=moment, by=by, service="s3", operation="PutObject", ms=4, error=error)

    made = [
        call(f"test:{TEST}", late=-60),
        call(f"test:{TEST}"),
        call("test:another"),
        call("harness"),
        replace(call("function:greet", error="AccessDenied"), request_id="r-1", resources=("arn:a", "arn:b")),
    ]
    monkeypatch.setattr(RequestLog, "calls", lambda _: tuple(made))

    first, second = found(stack(), tmp_path).calls

    assert (first.by, first.name, first.answer, first.ok, first.seconds) == (
        f"test:{TEST}",
        "s3 PutObject",
        "200",
        True,
        0.004,
    )
    assert (second.by, second.answer, second.ok, second.resource, second.request_id) == (
        "function:greet",
        "AccessDenied",
        False,
        "arn:a",
        "r-1",
    )


@pytest.mark.parametrize("failed", [True, False])
def test_where_no_report_is_wanted_nothing_is_taken_apart(tmp_path: Path, failed: bool) -> None:  # noqa: FBT001
    seen = found(stack(*INTERLEAVED), tmp_path, failed=failed, reports=False)

    assert (seen.invocations, seen.calls) == ((), ())
    assert "hello" in seen.logs["lambda-greet.log"]


def test_a_backend_without_a_request_log_has_no_calls(tmp_path: Path) -> None:
    assert found(stack(*INTERLEAVED), tmp_path).calls == ()


def test_the_hops_of_a_failed_test_are_worth_a_wait_and_those_of_others_the_time_that_is_left(
    tmp_path: Path,
) -> None:
    none_left = TimeBudget(share=0)

    waited = found(stack(), tmp_path, budget=none_left, sends=[MESSAGE])
    glanced = found(stack(), tmp_path, failed=False, sends=[MESSAGE])
    skipped = found(stack(), tmp_path, failed=False, budget=none_left, sends=[MESSAGE])

    assert [
        [hop.state for trace in seen.traces for hop in trace.hops] for seen in (waited, glanced, skipped)
    ] == [
        ["reached"],
        ["reached"],
        ["unknown"],
    ]


def test_of_the_allowance_there_is_a_share_of_the_time_of_the_run_less_what_was_spent() -> None:
    clock = ManualClock()
    budget = TimeBudget(share=0.1, clock=clock)
    clock.sleep(30)

    with budget.spending() as seconds:
        clock.sleep(2)
        clock.sleep(8)

    assert seconds == pytest.approx(3)
    assert budget.left == 0
    clock.sleep(80)
    assert budget.left == pytest.approx(2)
