from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.base.telemetry.actions import Action
from harness.errors import HarnessError
from harness.redaction import Redaction
from harness.report import trace_file
from harness.report.results import Part, Run, TestResult, Trace
from harness.report.texts import LONGEST_TEXT
from harness.stack.hops import Hop

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = 1_795_442_712.0
FAILED = TestResult(
    id="tests/test_it.py::test_lost",
    outcome="failed",
    begun=BEGUN,
    seconds=1.5,
    message="E   no object",
    parts=(
        Part(
            name="call",
            outcome="failed",
            begun=BEGUN,
            seconds=1.5,
            actions=(Action(kind="fire", name="'Wanted'", begun=BEGUN, seconds=0.1),),
        ),
    ),
    hops=(Trace(event="e1", hops=(Hop(name="function returned", state="failed", seen="KeyError"),)),),
    sections={"emulator.log": "one\ntwo"},
)
RUN = Run(title="a project", begun=BEGUN, seconds=1.5, facts={"backend": "host"}, tests=(FAILED,))


def packed(path: Path, content: object, *, member: str = trace_file.MEMBER) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, content if isinstance(content, bytes) else json.dumps(content))
    return path


def content_of(path: Path) -> Any:  # noqa: ANN401 - JSON
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(trace_file.MEMBER))


def test_a_trace_comes_back_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "new" / "one.zip"

    trace_file.write(RUN, file)

    assert trace_file.read(file) == RUN
    page = trace_file.html(file)
    for told in ("tests/test_it.py::test_lost", "&#39;Wanted&#39;", "KeyError", "two", "no object", "host"):
        assert told in page, told


def test_no_secret_is_in_a_trace(tmp_path: Path) -> None:
    secret = "correct-horse"  # noqa: S105 - of nothing
    test = replace(
        FAILED, message=f"E  {secret}", sections={"emulator.log": f"{secret} Bearer abcdefgh12345"}
    )

    trace_file.write(replace(RUN, tests=(test,)), tmp_path / "one.zip", Redaction(frozenset({secret})))

    told = json.dumps(content_of(tmp_path / "one.zip"))
    assert (secret in told, "abcdefgh12345" in told, told.count("[redacted]")) == (False, False, 3)


def test_a_trace_that_would_be_large_is_cut_to_what_is_shown_again(tmp_path: Path) -> None:
    whole = {f"lambda-{n}.log": f"{n}\n" + "x" * 2 * LONGEST_TEXT + "the end" for n in range(200)}
    many = tuple(Action(kind="wait", name=str(n), begun=BEGUN, seconds=0) for n in range(30_000))
    part = replace(FAILED.parts[0], actions=many)

    trace_file.write(
        replace(RUN, tests=(replace(FAILED, sections=whole, parts=(part,)),)), tmp_path / "one.zip"
    )

    (test,) = trace_file.read(tmp_path / "one.zip").tests
    assert len(json.dumps(content_of(tmp_path / "one.zip"))) <= trace_file.MOST_BYTES
    assert len(test.sections) == 200
    assert all(text.endswith("xthe end") for text in test.sections.values())
    assert "characters before this are left out" in test.sections["lambda-7.log"]
    assert test.parts[0].actions[-1].name == "29999"


HEAD = {"format": trace_file.FORMAT, "version": trace_file.VERSION, "harness": "9.1"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({**HEAD, "version": 2}, "terraform-lambda-harness 9.1 has written it, in another format"),
        ({**HEAD, "format": "other"}, "got the format 'other'"),
        ({**HEAD, "run": {"title": "x"}}, "got one that is damaged"),
        ({**HEAD, "run": {**json.loads(RUN.to_json()), "begun": "noon"}}, "got one that is damaged"),
        ({**HEAD, "run": {**json.loads(RUN.to_json()), "begun": 1e300}}, "got one that is damaged"),
        ({"some": "JSON"}, "got one that is damaged"),
        ([1], "got one that is damaged"),
        (b"no JSON", "got one that is damaged"),
        (b"[" * 100_000, "got one that is damaged"),
        (b" " * (trace_file.MOST_BYTES + 1), "it has at most 8"),
    ],
)
def test_what_is_no_trace_is_told_in_one_line(tmp_path: Path, content: object, told: str) -> None:
    file = packed(tmp_path / "one.zip", content)

    with pytest.raises(HarnessError) as caught:
        trace_file.html(file)

    assert str(caught.value).startswith(f"{file}: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_kind_is_told_in_one_line(tmp_path: Path) -> None:
    text, other = tmp_path / "a.html", packed(tmp_path / "b.zip", {}, member="other.json")
    text.write_text("<p>", "utf-8")

    with pytest.raises(HarnessError, match=r"a\.html: expected a trace .* got a file that is no zip"):
        trace_file.read(text)
    with pytest.raises(HarnessError, match=r"b\.zip: expected a trace .* got a zip without trace\.json"):
        trace_file.read(other)


def test_a_download_that_was_cut_off_or_garbled_is_told_in_one_line(tmp_path: Path) -> None:
    trace_file.write(RUN, tmp_path / "one.zip")
    whole = (tmp_path / "one.zip").read_bytes()
    for name, content in (
        ("half", whole[: len(whole) // 2]),
        ("garbled", whole[:80] + b"\xff" * 40 + whole[120:]),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(HarnessError, match=f"{name}: expected a trace"):
            trace_file.read(tmp_path / name)
