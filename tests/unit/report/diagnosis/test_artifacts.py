from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import Deployment, Endpoint, HarnessError
from harness.report.diagnosis import artifacts
from harness.stack.hops import Hop, Trace
from harness.terraform import commands
from harness.values import FiredEvent, Outputs, Resource

if TYPE_CHECKING:
    from pathlib import Path

    from harness.terraform.commands import Terraform

TRACE = Trace(
    sent=FiredEvent(
        id="e-1", timestamp=datetime.now(UTC), bus="default", source="shop", detail_type="placed", detail={}
    ),
    hops=(Hop(name="matched a rule", state="failed", seen="no rule matches it"),),
)
FUNCTIONS = [
    Resource(
        address=f"aws_lambda_function.{name}", type="aws_lambda_function", values={"function_name": name}
    )
    for name in ("writer", "reader")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack(Deployment):
    logged: dict[str, list[str]]  # by function

    def client(self, service: str, _region: str = "") -> Any:  # noqa: ANN401 - stands in for a boto3 client
        assert service == "logs"
        return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=self.pages))

    def pages(self, *, logGroupName: str, startTime: int) -> list[dict[str, Any]]:  # noqa: N803 - boto3's naming
        lines = self.logged[logGroupName.removeprefix("/aws/lambda/")]
        stamps = (startTime - 1, startTime, startTime + 1)  # the first is of the test before
        found: list[dict[str, Any]] = [
            {"logStreamName": "s", "timestamp": stamp, "message": f"{line}\n"}
            for stamp, line in zip(stamps, ["of before", *lines], strict=False)
        ]
        return [{"events": [event for event in found if event["timestamp"] >= startTime]}]

    def resources(self, kind: str = "") -> list[Resource]:
        return [found for found in FUNCTIONS if found.type == kind]


def stack(log: Path | None = None, **logged: list[str]) -> Stack:
    endpoint = Endpoint(backend="host", url="http://127.0.0.1:1", region="eu-north-1", log=log)
    return Stack(endpoint=endpoint, terraform=cast("Terraform", None), outputs=Outputs({}), logged=logged)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "localstack.log"
    file.write_text("before\n", "utf-8")
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "artifacts" / "test"


def kept(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in folder.iterdir()}


def append(log: Path, text: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(text)


def test_it_keeps_the_logs_of_the_test_and_no_others(log: Path, folder: Path) -> None:
    deployment = stack(log, writer=["recorded"], reader=[])

    with artifacts.recorded(folder, deployment=deployment) as recording:
        append(log, "meanwhile\n")
        commands.PRINTED.send("$ terraform plan")
        recording.keep(traces=[TRACE])
    append(log, "afterwards\n")
    commands.PRINTED.send("$ terraform destroy")
    recording.keep()

    files = kept(folder)
    assert sorted(files) == ["emulator.log", "hops.txt", "lambda-writer.log", "terraform.log"]
    assert files["emulator.log"] == "meanwhile\n"
    assert files["terraform.log"] == "$ terraform plan\n"
    assert files["lambda-writer.log"].split(" ", 1)[1] == "recorded\n"
    assert files["hops.txt"] == "event e-1 (shop, 'placed'):\n  ✗ matched a rule  no rule matches it\n"


def test_it_keeps_what_there_is_when_the_test_fails(log: Path, folder: Path) -> None:
    def test() -> None:
        with artifacts.recorded(folder, deployment=stack(log), functions=()):
            append(log, "meanwhile\n")
            pytest.fail("as it should")

    with pytest.raises(pytest.fail.Exception):
        test()

    assert kept(folder) == {"emulator.log": "meanwhile\n"}


def test_where_nothing_happened_there_is_no_folder(log: Path, folder: Path) -> None:
    with artifacts.recording(folder, endpoint=stack(log).endpoint) as recording:
        assert recording.keep(deployment=stack(log, writer=[]), functions=["writer"]) == ()

    assert not folder.exists()


def test_a_second_look_adds_what_came_since(log: Path, folder: Path) -> None:
    with artifacts.recording(folder, endpoint=stack(log).endpoint) as recording:
        append(log, "one\n")
        recording.keep(deployment=stack(log, writer=["recorded"]), functions=["writer"], traces=[TRACE])
        append(log, "two\n")
        files = recording.keep(endpoint=stack(log).endpoint)

    assert [file.name for file in files] == ["emulator.log", "hops.txt", "lambda-writer.log"]
    assert kept(folder)["emulator.log"] == "one\ntwo\n"


def test_an_emulator_that_starts_in_the_test_is_kept_from_its_first_line(log: Path, folder: Path) -> None:
    with artifacts.recording(folder) as recording:
        recording.keep(endpoint=stack(log).endpoint)

    assert kept(folder) == {"emulator.log": "before\n"}


def test_a_log_that_was_begun_anew_is_kept_whole(log: Path, folder: Path) -> None:
    with artifacts.recording(folder, endpoint=stack(log).endpoint) as recording:
        log.write_text("new\n", "utf-8")
        recording.keep(endpoint=stack(log).endpoint)

    assert kept(folder) == {"emulator.log": "new\n"}


@pytest.mark.parametrize("size", [9, 10, 11])
def test_a_long_log_is_kept_by_its_end_and_says_so(
    log: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(artifacts, "MOST_BYTES", 10)
    text = "abcdefghijk"[:size]

    with artifacts.recording(folder, endpoint=stack(log).endpoint) as recording:
        append(log, text)
        commands.PRINTED.send(text[:-1])  # a line end makes it as long
        recording.keep(endpoint=stack(log).endpoint)

    head = "[1 bytes before this are left out]\n" if size > 10 else ""
    assert kept(folder) == {
        "emulator.log": f"{head}{text[-10:]}",
        "terraform.log": f"{head}{f'{text[:-1]}\n'[-10:]}",
    }


def test_what_cannot_be_kept_is_told_and_keeps_the_rest_from_nothing(log: Path, folder: Path) -> None:
    with artifacts.recording(folder, endpoint=stack(log).endpoint) as recording:
        append(log, "meanwhile\n")
        recording.keep(deployment=stack(log, writer=["recorded"]), functions=["gone", "writer"])

    files = kept(folder)
    assert files["problems.txt"] == "lambda-gone.log: KeyError: 'gone'\n"
    assert "recorded" in files["lambda-writer.log"]
    assert files["emulator.log"] == "meanwhile\n"


def test_a_folder_that_cannot_be_made_fails_no_test(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with artifacts.recording(tmp_path / "file" / "test") as recording:
        assert recording.keep(traces=[TRACE]) == ()


def test_terraforms_events_are_kept_as_a_person_reads_them(folder: Path) -> None:
    event = {"@timestamp": "10:00", "@message": "aws_s3_bucket.this: Creating...", "type": "apply_start"}
    error = {"@timestamp": "10:01", "@message": "Error: no", "diagnostic": {"detail": "because\nof that"}}

    with artifacts.recording(folder) as recording:
        for line in ("plain", "[]", "{}", json.dumps(event), json.dumps(error)):
            commands.PRINTED.send(line)
        recording.keep()

    assert kept(folder)["terraform.log"].splitlines() == [
        "plain",
        "[]",
        "{}",
        "10:00 aws_s3_bucket.this: Creating...",
        "10:01 Error: no",
        "  because",
        "  of that",
    ]


def test_the_functions_of_a_stack_are_found_by_their_names() -> None:
    assert artifacts.function_names(stack()) == ("reader", "writer")


def test_a_stack_that_cannot_tell_its_functions_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise HarnessError("no state")

    monkeypatch.setattr(Stack, "resources", fail)

    assert artifacts.function_names(stack()) == ()


def test_the_function_log_begins_with_the_test(folder: Path) -> None:
    begun = time.time()

    with artifacts.recording(folder) as recording:
        recording.keep(deployment=stack(writer=["one", "two"]), functions=["writer"])

    assert begun <= recording.begun <= time.time()
    stamp = datetime.fromtimestamp(int(recording.begun * 1000) / 1000, UTC).strftime("%H:%M:%S")
    first, _ = kept(folder)["lambda-writer.log"].splitlines()
    assert first.startswith(stamp)
    assert first.endswith(" one")


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.py::t[x/y]", "a.py::t[x-y]"), ("a.py::t[A]", "a.py::t[a]"), ("a::" + "x" * 300, "b::" + "x" * 300)],
)
def test_folder_names_are_safe_stable_and_unique(one: str, other: str) -> None:
    names = [artifacts.folder_name(one), artifacts.folder_name(other)]

    assert names == [artifacts.folder_name(one), artifacts.folder_name(other)]
    assert len({name.lower() for name in names}) == 2
    assert all(len(name) <= 120 and name.isascii() and name[0] not in ".-" for name in names)
    assert all(
        set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
        for name in names
    )


def test_a_folder_name_is_readable() -> None:
    name = artifacts.folder_name("tests/e2e/test_system.py::test_it[a b]")

    assert name.startswith("tests-e2e-test_system.py-test_it-a-b-")
