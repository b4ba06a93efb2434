from __future__ import annotations

import json
import math
import threading
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
import urllib3

from harness.aws import rest
from harness.aws.rest import ApiClient, Request
from harness.base.telemetry.timeline import Span
from harness.report.latency import MOST_MARKS, figures, percentile, status_class
from harness.report.page import render, write
from harness.report.results import AwsCall, Invocation, Outcome, Run, TestResult, Trace, join_phases
from harness.report.texts import LONGEST_TEXT, MOST_LINES, excerpt
from harness.stack.hops import Hop

if TYPE_CHECKING:
    from pathlib import Path

BEGUN = 1_795_442_712.0
EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&"
VOID = {"meta", "link", "input", "br", "img"}
HOPS = (
    Hop(name="matched a rule", state="reached", seen="on_demand"),
    Hop(name="object written", state="failed", seen="\x1b[31mno key\x1b[0m"),
    Hop(name="API answers it", state="unknown", seen=""),
)


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    above: Element | None = field(default=None, repr=False)
    within: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(each if isinstance(each, str) else each.text for each in self.within)

    def all(self, tag: str, **wanted: str) -> list[Element]:
        """Return every `tag` within that has these attributes. For a class, one of its words is enough."""
        inner = [each for each in self.within if isinstance(each, Element)]
        found = [each for child in inner for each in (child, *child.all("*"))]
        return [each for each in found if tag in {"*", each.tag} and each.has(wanted)]

    def has(self, wanted: dict[str, str]) -> bool:
        held = {name: self.attributes.get(name.rstrip("_").replace("_", "-"), "") for name in wanted}
        return all(
            value in (held[name].split() if name == "class_" else [held[name]])
            for name, value in wanted.items()
        )


class Tree(HTMLParser):
    """Reads HTML into elements, and checks that every tag is closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = self.at = Element("", {})
        self.feed(html)
        self.close()
        assert self.at is self.root, f"<{self.at.tag}> is never closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        new = Element(tag, {name: value or "" for name, value in attrs}, above=self.at)
        self.at.within.append(new)
        if tag not in VOID:
            self.at = new

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.within.append(Element(tag, {name: value or "" for name, value in attrs}, above=self.at))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.at.tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.above is not None
        self.at = self.at.above

    def handle_data(self, data: str) -> None:
        self.at.within.append(data)


def read(run: Run) -> Element:
    return Tree(render(run)).root


def result(name: str = "test_one", outcome: Outcome = "passed", **more: object) -> TestResult:
    made = TestResult(id=f"tests/test_it.py::{name}", outcome=outcome, begun=BEGUN + 10, seconds=1.5)
    return replace(made, **more)  # type: ignore[arg-type]


def run_of(*tests: TestResult, **more: object) -> Run:
    made = Run(title="a run", begun=BEGUN, seconds=60, tests=tests)
    return replace(made, **more)  # type: ignore[arg-type]


def request(seconds: float, status: int = 200, begun: float = BEGUN) -> Request:
    return Request(
        begun=begun, method="GET", url="http://127.0.0.1:1/dev/x?y=1", status=status, seconds=seconds
    )


def resource(address: str, seconds: float, begun: float = BEGUN, *, ok: bool = True) -> Span:
    return Span(kind="resource", name=f"{address} created", begun=begun, seconds=seconds, ok=ok)


FULL = run_of(
    result(
        "test_lost",
        "failed",
        worker="gw1",
        message="def test_lost():\nE   NotReachedError: no object",
        hops=(Trace(event="e1", hops=HOPS),),
        sections={"emulator": "one\ntwo"},
        requests=(request(0.02), request(0.5, 503), request(30, 0)),
        invocations=(Invocation(function="greet", request_id="r-1", begun=BEGUN + 11, error="KeyError"),),
        calls=(AwsCall(begun=BEGUN, seconds=0.1, by="terraform", name="s3 CreateBucket", answer="200"),),
        spans=(resource("aws_s3_bucket.late", 2, BEGUN + 10),),
    ),
    result("test_fine", worker="gw0"),
    facts={"Backend": "host: no Docker engine answers"},
    spans=(
        Span(kind="phase", name="terraform apply", begun=BEGUN + 1, seconds=9, ok=False),
        *(resource(f"module.a.aws_kms_key.k[{n}]", n / 10, BEGUN + 1) for n in range(1, 13)),
    ),
)


RUNS = (
    Invocation(
        function="greet", request_id="r-1", begun=BEGUN + 11, milliseconds="12", log="START r-1\nhello"
    ),
    Invocation(function="greet", request_id="r-2", begun=BEGUN + 12, error=f"KeyError: {EVIL}", log="boom"),
)


def calls_of(test: str) -> tuple[AwsCall, ...]:
    made = {"begun": BEGUN + 11, "seconds": 0.004, "answer": "200"}
    return (
        AwsCall(by=f"test:{test}", name="sqs SendMessage", **made),  # type: ignore[arg-type]
        AwsCall(by="function:greet", name="s3 GetObject", request_id="r-2", **made),  # type: ignore[arg-type]
        AwsCall(by="function:greet", name="s3 GetObject", **made),  # type: ignore[arg-type]
        AwsCall(
            by="function:greet",
            name="s3 PutObject",
            begun=BEGUN + 12,
            seconds=0.1,
            resource="arn:aws:s3:::greetings/a.txt",
            answer="AccessDenied",
            ok=False,
            request_id="r-1",
        ),
    )


def test_a_log_is_below_the_invocation_that_it_belongs_to_and_a_hop_leads_there() -> None:
    hops = (Hop(name="function returned", state="failed", seen="request r-2: KeyError"), *HOPS)
    failed = result("test_lost", "failed", hops=(Trace(event="e", hops=hops),), invocations=RUNS)

    page = read(run_of(failed, result(invocations=RUNS[:1])))

    first, second = (page.all("details", id=f"test-1-run-{n}")[0] for n in (1, 2))
    assert first.all("pre")[0].text.split("\n") == ["", "START r-1", "hello", ""]
    assert first.all("summary")[0].text.split() == ["greet", "r-1", "+1", "s,", "12", "ms"]
    assert "✕ KeyError" in second.all("summary")[0].text
    assert ("open" in first.attributes, "open" in second.attributes) == (False, True)
    links = [each.attributes["href"] for each in page.all("ol", class_="hops")[0].all("a")]
    assert links == ["#test-1-run-2"]
    assert len(page.all("details", id="test-2-run-1")) == 1


def test_calls_are_told_by_who_made_them() -> None:
    failed = result("test_lost", "failed", invocations=RUNS)
    good = result("test_good")

    page = read(run_of(*(replace(each, calls=calls_of(each.id)) for each in (failed, good))))

    lost, fine = (page.all("details", id=f"test-{n}")[0] for n in (1, 2))
    assert [each.text.split() for each in lost.all("summary") if "call" in each.text] == [
        ["this", "test", "1", "call"],
        ["function", "greet", "3", "calls", "1", "failed"],
    ]
    rows = [[cell.text.strip() for cell in row.all("td")] for row in lost.all("tbody")[1].all("tr")]
    assert rows[2][:4] == ["+2 s", "AccessDenied", "100 ms", "s3 PutObject"]
    assert rows[2][4].split() == ["arn:aws:s3:::greetings/a.txt", "its", "log"]
    assert [each.attributes["href"] for each in lost.all("tbody")[1].all("a")] == [
        "#test-1-run-2",
        "#test-1-run-1",
    ]
    summed = [[cell.text for cell in row.all("td")] for row in fine.all("tbody")[1].all("tr")]
    assert summed == [["s3 GetObject", "200", "2"], ["s3 PutObject", "AccessDenied", "1"]]


def test_a_run_comes_back_from_json_as_it_was() -> None:
    assert Run.from_json(FULL.to_json()) == FULL
    assert TestResult.from_json(FULL.tests[0].to_json()) == FULL.tests[0]
    assert json.loads(FULL.to_json())["tests"][0]["hops"][0]["hops"][1]["state"] == "failed"


def test_the_phases_of_a_test_are_joined_to_one_with_the_worst_outcome() -> None:
    setup = result(begun=BEGUN, seconds=4.0, sections={"set-up": "s"}, spans=(resource("a.b", 1),))
    call = result(begun=BEGUN + 4, seconds=1.0, requests=(request(1),), message="call")
    teardown = result(
        outcome="error", begun=BEGUN + 6, seconds=2.0, message="teardown", sections={"end": "e"}
    )

    test = join_phases([setup, call, teardown])

    assert (test.outcome, test.begun, test.seconds) == ("error", BEGUN, 8.0)
    assert (test.message, test.sections) == ("call\n\nteardown", {"set-up": "s", "end": "e"})
    assert (test.requests, test.spans) == (call.requests, setup.spans)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (("passed", "passed", "passed"), "passed"),
        (("passed", "failed", "error"), "failed"),
        (("skipped", "passed"), "skipped"),
        (("passed", "xfailed", "passed"), "xfailed"),
    ],
)
def test_the_worst_outcome_of_the_phases_counts(outcomes: tuple[Outcome, ...], expected: str) -> None:
    assert join_phases(result(outcome=outcome) for outcome in outcomes).outcome == expected


def test_a_test_of_no_phases_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected the phases of a test, got none"):
        join_phases([])


def test_the_page_has_its_landmarks_and_counts() -> None:
    page = read(FULL)

    assert all(len(page.all(tag)) == 1 for tag in ("header", "nav", "main", "footer", "h1"))
    assert page.all("html")[0].attributes["lang"] == "en"
    assert [" ".join(each.text.split()) for each in page.all("ul", class_="counts")[0].all("li")] == [
        "✕1 failed",
        "✓1 passed",
    ]
    facts = page.all("dl", class_="facts")[0]
    assert (facts.all("dt")[0].text, facts.all("dd")[0].text) == ("Backend", "host: no Docker engine answers")


def test_what_is_labelled_and_linked_is_there() -> None:
    page = read(FULL)
    ids = [each.attributes["id"] for each in page.all("*") if "id" in each.attributes]
    wanted = [
        each.attributes[name]
        for each in page.all("*")
        for name in ("aria-labelledby",)
        if name in each.attributes
    ]
    linked = [each.attributes["href"].removeprefix("#") for each in page.all("a")]

    assert len(ids) == len(set(ids))
    assert {*wanted, *linked} <= set(ids)


def test_nothing_is_fetched_from_anywhere() -> None:
    page = read(FULL)
    policy = page.all("meta", http_equiv="Content-Security-Policy")[0].attributes["content"]
    references = {
        each.attributes[name]
        for each in page.all("*")
        for name in ("src", "href", "action", "data", "poster", "srcset", "style", "xlink:href")
        if name in each.attributes
    }

    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert all(each.startswith("#") or each == "data:," for each in references)
    assert not any(word in page.all("style")[0].text for word in ("url(", "@import", "http"))
    assert not any(word in page.all("script")[0].text for word in ("http", "import(", "fetch(", "eval("))


def test_compiled_templates_are_kept_for_the_next_report(tmp_path: Path) -> None:
    first = render(FULL, templates=tmp_path)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}

    assert render(FULL, templates=tmp_path) == first == render(FULL)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == kept != {}


def test_markup_in_any_text_is_inert() -> None:
    trace = Trace(event=EVIL, hops=(Hop(name=EVIL, state="failed", seen=EVIL),))
    evil = Request(begun=BEGUN, method=EVIL, url=f"http://h/{EVIL}", status=200, seconds=1)
    test = TestResult(
        id=f"{EVIL}::{EVIL}",
        outcome="failed",
        begun=BEGUN,
        seconds=1,
        worker=EVIL,
        message=f"E {EVIL}",
        hops=(trace,),
        sections={EVIL: EVIL},
        requests=(evil,),
        spans=(resource(EVIL, 1), Span(kind="phase", name=EVIL, begun=BEGUN, seconds=1)),
    )

    page = read(Run(title=EVIL, begun=BEGUN, seconds=1, facts={EVIL: EVIL}, tests=(test,)))

    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert not [name for each in page.all("*") for name in each.attributes if name.startswith("on")]
    logs = [log for log in page.all("details", class_="log") if log.all("summary")[0].text.startswith(EVIL)]
    assert logs[0].all("pre")[0].text.strip() == EVIL
    assert page.all("h1")[0].text == EVIL


def test_a_run_without_anything_is_a_page_all_the_same() -> None:
    page = read(Run(title="nothing", begun=BEGUN, seconds=0))

    texts = [each.text for each in page.all("p", class_="empty")]
    assert texts == [
        "No tests ran.",
        "Nothing was told.",
        "Terraform changed nothing.",
        "No test called an API.",
        "Nothing is known of it.",
    ]
    assert page.all("title")[0].text == "? no tests ran - nothing"


def test_a_run_in_which_nothing_failed_says_so() -> None:
    page = read(run_of(result(), result("test_two", "xfailed")))

    assert page.all("title")[0].text == "✓ nothing failed - a run"
    assert not [each for each in page.all("details") if "open" in each.attributes]


def test_failures_come_first_and_the_first_is_open() -> None:
    tests = [result("a"), result("b", "skipped"), result("c", "error"), result("d", "failed")]

    rows = read(run_of(*tests)).all("details", class_="test")

    assert [row.all("b")[0].text for row in rows] == ["d", "c", "b", "a"]
    assert ["open" in row.attributes for row in rows] == [True, False, False, False]


def test_a_test_shows_its_reason_hops_requests_and_logs() -> None:
    row = read(FULL).all("details", id="test-1")[0]
    hops = row.all("ol", class_="hops")[0].all("li")

    assert row.all("span", class_="reason")[0].text == "NotReachedError: no object"
    assert [hop.attributes["class"] for hop in hops] == ["reached", "failed", "unknown"]
    assert [hop.all("span", class_="sign")[0].text for hop in hops] == ["✓", "✕", "?"]
    assert [hop.all("span", class_="state")[0].text for hop in hops] == ["reached", "failed", "unknown"]
    assert hops[1].all("span", class_="seen")[0].text == "last seen: no key"
    assert [cell.text for cell in row.all("td", class_="name")][:3] == ["GET /dev/x?y=1"] * 3
    assert row.all("pre")[-1].text == "\none\ntwo\n"


def test_bars_lie_in_percent_of_the_run_and_never_on_each_other() -> None:
    page = read(FULL)
    bars = page.all("a", class_="bar")
    (phase,) = (bar for bar in bars if bar.attributes["class"] == "bar phase failed")
    drawn = phase.all("svg")[0].attributes

    assert len(bars) == len(FULL.spans) + len(FULL.tests) + 1
    assert float(drawn["x"].rstrip("%")) == pytest.approx(100 * 1 / 60, abs=1e-3)
    assert float(drawn["width"].rstrip("%")) == pytest.approx(100 * 9 / 60, abs=1e-3)
    ends: dict[tuple[int, str], float] = {}
    for group in page.all("svg", class_="lane"):
        for bar in group.all("a"):
            at = bar.all("svg")[0].attributes
            left, row = float(at["x"].rstrip("%")), (id(group), at["y"])
            assert left >= ends.get(row, 0) - 1e-3
            ends[row] = left + float(at["width"].rstrip("%"))
    assert max(ends.values()) <= 100


def test_what_happened_outside_of_the_run_widens_the_timeline() -> None:
    early = Span(kind="phase", name="start", begun=BEGUN - 20, seconds=20)

    page = read(run_of(result(begun=BEGUN + 70, seconds=10.0), spans=(early,)))

    assert [bar.all("svg")[0].attributes["x"] for bar in page.all("a", class_="bar")] == [
        "0.0000%",
        "90.0000%",
    ]


def test_resources_are_listed_slowest_first_and_the_slowest_stand_out() -> None:
    page = read(FULL)
    rows = page.all("section", id="resources")[0].all("tr")
    names = [row.all("td", class_="name")[0].text for row in rows if row.all("td")]

    assert names[:2] == ["aws_s3_bucket.late", "module.a.aws_kms_key.k[12]"]
    assert len(names) == 13
    assert len(page.all("a", class_="slow")) == 5
    assert [row.attributes["id"] for row in rows if row.attributes.get("class") == "slow"] == [
        f"resource-{rank}" for rank in range(1, 6)
    ]


def test_a_span_that_is_told_twice_is_shown_once() -> None:
    span = resource("a.b", 1)

    page = read(run_of(result(spans=(span,)), spans=(span,)))

    assert len(page.all("a", class_="resource")) == 1


def test_every_request_is_on_the_chart_by_its_class() -> None:
    plot = read(FULL).all("svg", class_="plot")[0]

    assert {each.attributes["class"] for each in plot.all("svg", class_="mark")} == {
        "mark s2xx",
        "mark s5xx",
        "mark sno-answer",
    }


def test_a_chart_of_very_many_requests_keeps_the_slowest() -> None:
    many = tuple(request(0.01 + n / 1e6, begun=BEGUN + n / 100) for n in range(3 * MOST_MARKS))
    slow = request(9.5, begun=BEGUN + 1)

    page = read(run_of(result(requests=(*many, slow))))
    titles = [
        each.all("title")[0].text for each in page.all("svg", class_="plot")[0].all("svg", class_="mark")
    ]

    assert MOST_MARKS / 2 < len(titles) <= MOST_MARKS
    assert titles.count("GET /dev/x?y=1\n200, 9.5 s") == 1
    assert f"{len(titles)} of {len(many) + 1} requests drawn" in page.all("section", id="latency")[0].text


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 0.03, 1.0, 35.0, 1e5])
def test_a_single_request_of_any_length_is_within_the_chart(seconds: float) -> None:
    plot = read(run_of(result(requests=(request(seconds),)))).all("svg", class_="plot")[0]
    (mark,) = plot.all("svg", class_="mark")

    assert mark.attributes["x"] == "0.000%"
    assert 0 <= float(mark.attributes["y"].rstrip("%")) <= 90
    assert [each for each in plot.all("text") if each.attributes.get("text-anchor") == "end"]


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([3.0], 0.5, 3.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 11)], 0.95, 10.0),
        ([1.0, 5.0], 0.0, 1.0),
        ([1.0, 5.0], 1.0, 5.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], share: float, expected: float) -> None:
    assert percentile(values, share) == expected
    assert sum(value <= expected for value in values) >= math.ceil(share * len(values))


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected at least one value, got none"):
        percentile([], 0.5)


def test_figures_are_of_all_requests_and_of_each_class() -> None:
    held = figures([request(0.1), request(0.3), request(0.2), request(2, 503), request(35, 0)])

    assert [(each.name, each.count, each.p50, each.longest) for each in held] == [
        ("all", 5, 0.3, 35),
        ("2xx", 3, 0.2, 0.3),
        ("5xx", 1, 2, 2),
        ("no answer", 1, 35, 35),
    ]
    assert figures([]) == []


@pytest.mark.parametrize(("count", "p95"), [(19, None), (20, 19.0)])
def test_there_is_a_p95_of_twenty_requests_or_more(count: int, p95: float | None) -> None:
    (overall, *_) = figures([request(float(n)) for n in range(1, count + 1)])

    assert overall.p95 == p95


@pytest.mark.parametrize(("status", "name"), [(200, "2xx"), (304, "3xx"), (599, "5xx"), (0, "no answer")])
def test_a_status_has_its_class(status: int, name: str) -> None:
    assert status_class(status) == name


def test_of_a_long_log_the_end_is_shown_with_a_note() -> None:
    shown = excerpt("\n".join(f"line {n}" for n in range(5000)))

    assert len(shown.lines) == MOST_LINES
    assert shown.lines[-1] == "line 4999"
    assert shown.note == "the end only: 1,000 of 5,000 lines"


def test_the_page_notes_what_of_a_log_it_leaves_out() -> None:
    log = "\n".join(f"line {n}" for n in range(2000))

    shown = read(run_of(result(sections={"emulator": log}))).all("details", class_="log")[0]

    assert shown.all("summary")[0].text.split() == ["emulator", "2,000", "lines"]
    assert shown.all("p", class_="note")[0].text == "Shown is the end only: 1,000 of 2,000 lines."
    assert shown.all("pre")[0].text.split("\n")[1] == "line 1000"


def test_of_wide_lines_no_more_is_shown_than_there_is_room_for() -> None:
    many = excerpt("\n".join("x" * 1000 for _ in range(200)))
    one = excerpt("a" + "x" * LONGEST_TEXT + "z")

    assert sum(len(line) + 1 for line in many.lines) <= LONGEST_TEXT
    assert many.note == f"the end only: {len(many.lines)} of 200 lines"
    assert (len(one.lines[0]), one.lines[0][-1], one.note) == (
        LONGEST_TEXT,
        "z",
        "the end only: 1 of 1 lines",
    )


def test_a_short_text_is_shown_whole_without_colours_and_control_characters() -> None:
    shown = excerpt("\x1b[31mred\x1b[0m\r\nbell\x07 \ud800\n")

    assert (shown.lines, shown.note) == (["red", "bell� �"], "")
    assert excerpt("").lines == [""]


def test_the_file_is_written_even_where_a_name_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"

    write(run_of(result("test_\udcff\x00"), title="ü"), path)

    page = Tree(path.read_text("utf-8")).root
    assert page.all("h1")[0].text == "ü"
    assert page.all("details", id="test-1")[0].all("b")[0].text == "test_��"


class Unwilling(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/503":
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_listener_hears_of_every_request_even_of_one_without_an_answer() -> None:
    heard: list[Request] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Unwilling) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = ApiClient(base=f"http://127.0.0.1:{server.server_port}")
        with rest.REQUESTS.heard_by(heard.append):
            answer = client.get("/503")
            with pytest.raises(urllib3.exceptions.HTTPError):
                client.get("/silent")
        client.get("/503")
        server.shutdown()

    assert [(each.method, each.url, each.status) for each in heard] == [
        ("GET", f"{client.base}/503", 503),
        ("GET", f"{client.base}/silent", 0),
    ]
    assert heard[0].seconds == answer.elapsed > 0
    assert heard[0].begun <= heard[1].begun
