from __future__ import annotations

from harness.report.failures import failures
from harness.report.issue import MOST_LINES, markdown
from harness.report.results import Outcome, Run, TestResult, Trace
from harness.stack.hops import Hop

BEGUN = 1_795_442_712.0
RUN = Run(
    title="a run",
    begun=BEGUN,
    seconds=60,
    facts={"backend": "host", "terraform": "1.11.4", "command": "pytest"},
    options=("--backend=host",),
)


def result(name: str, outcome: Outcome = "failed", **more: str) -> TestResult:
    return TestResult(id=f"tests/test_it.py::{name}", outcome=outcome, begun=BEGUN, seconds=1, **more)  # type: ignore[arg-type]


def test_failures_are_grouped_by_cause_those_of_most_tests_first() -> None:
    tests = [
        result("test_a", cause="one"),
        result("test_b", cause="two", place="src/a.py:3"),
        result("test_c", "error", cause="two"),
        result("test_d", message="def test_d():\nE   assert 1 == 2"),
        result("test_e", "skipped", message="no reason"),
    ]

    first, *others = failures(RUN, tests)

    assert (first.cause, first.place, [number for number, _ in first.tests]) == ("two", "src/a.py:3", [2, 3])
    assert first.again == "pytest --backend=host tests/test_it.py::test_b tests/test_it.py::test_c"
    assert [each.cause for each in others] == ["one", "assert 1 == 2"]


def test_a_failure_as_markdown_has_cause_place_hops_log_and_versions() -> None:
    hops = (Hop(name="function returned", state="failed", seen="ValueError: x"),)
    test = TestResult(
        id="test_it.py::test_a[x y]",
        outcome="failed",
        begun=BEGUN,
        seconds=1,
        cause="function returned: ValueError: x",
        place="src/app.py:13",
        message="def test_a():\n>   wait()\nE   NotReachedError: no object",
        hops=(Trace(event="e-1", hops=hops),),
        sections={"lambda-f.log": "\n".join(f"line {number}" for number in range(100))},
    )

    text = markdown(test, RUN)

    assert text.startswith(
        "### `test_it.py::test_a[x y]` failed\n\n**Cause:** `function returned: ValueError: x`\n\n"
        "**Place:** `src/app.py:13`\n\n**Again:** `pytest --backend=host 'test_it.py::test_a[x y]'`\n"
    )
    assert "✗ function returned  ValueError: x" in text
    assert ">   wait()\nE   NotReachedError: no object" in text
    assert f"line {100 - MOST_LINES}\n" in text
    assert f"line {99 - MOST_LINES}\n" not in text
    assert text.endswith("**Versions**\n\n- backend: host\n- terraform: 1.11.4\n")


def test_backticks_do_not_end_the_block_they_are_in() -> None:
    test = result("test_a", cause="a `b` c", message="E   ````")

    text = markdown(test, RUN)

    assert "**Cause:** `` a `b` c ``" in text
    assert "`````text\nE   ````\n`````" in text
