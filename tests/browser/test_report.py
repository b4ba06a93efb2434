"""The report in a real browser: what a reader sees and can do, offline."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from harness.aws.rest import Request
from harness.base.telemetry.actions import Action
from harness.base.telemetry.timeline import Span
from harness.redaction import Redaction
from harness.report.page import LISTED, write
from harness.report.results import AwsCall, Part, Run, TestResult, Trace
from harness.stack.hops import Hop
from scripts import chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEGUN = 1_795_442_712.0
LENGTH = 104.0  # seconds
RESOURCES = 60
URL = "http://127.0.0.1:4566/_aws/execute-api/abc123/dev/retrieve_most_recent_object_dev"
KINDS = (
    ("module.kms.aws_kms_key.this", 4),
    ("module.lambda.aws_lambda_function.create", 5.4),
    ("module.lambda.aws_lambda_function.retrieve", 5.1),
    ("module.s3.aws_s3_bucket.this", 1),
    ("module.api_gateway.aws_api_gateway_deployment.this", 0.4),
    ("module.eventbridge.aws_cloudwatch_event_rule.schedule", 0.3),
)
SILENT = "tests/e2e/test_encryption.py::test_the_object_is_encrypted_with_the_stacks_own_key"
SECRET = "correct-horse"  # noqa: S105 - of nothing
CAUSE = "function succeeded: ClientError: the bucket demands aws:kms (src/writer/storage.py:41)"
HOPS = (
    Hop(name="accepted by EventBridge", state="reached", seen="event 4f1c2a9e-77aa", payload='{"a": 1}'),
    Hop(name="matched a rule", state="reached", seen="on_demand_dev: source and detail-type match"),
    Hop(
        name="function invoked", state="reached", seen="create_encrypted_timestamp_dev: 1 invocation, 1 error"
    ),
    Hop(
        name="function succeeded",
        state="failed",
        seen="[ERROR] ClientError: An error occurred (AccessDenied) when calling the PutObject operation: "
        "the bucket demands aws:kms and the request has AES256",
    ),
    Hop(name="object written", state="unknown", seen="0 keys under hello_world_"),
    Hop(name="encrypted with the key", state="unknown", seen=""),
    Hop(name="API answers it", state="unknown", seen="404 no object yet"),
)
ACTIONS = (
    Action(kind="fire", name="'Wanted' of e2e", begun=BEGUN + 73.1, seconds=0.02, place="tests/a.py:29"),
    Action(kind="call", name="GET /dev/latest: 404", begun=BEGUN + 80, seconds=0.031),
    Action(kind="wait", name="the object", begun=BEGUN + 73.2, seconds=17, ok=False),
)
CALLS = (
    AwsCall(
        begun=BEGUN + 73.15, seconds=0.01, by="emulator", name="sqs SendMessage", answer="200",
        resource="arn:aws:sqs:eu-north-1:000000000000:jobs",
    ),
    AwsCall(
        begun=BEGUN + 75, seconds=0.01, by="function:create", name="s3 PutObject", answer="200",
        resource="arn:aws:s3:::objects/hello_world_1",
    ),
    AwsCall(
        begun=BEGUN + 76, seconds=0.01, by="function:create", name="s3 PutObject", answer="AccessDenied",
        resource="arn:aws:s3:::objects/hello_world_2", ok=False,
    ),
)  # fmt: skip
MESSAGE = """\
scenario = Scenario(backend='host')

    def test_the_object_is_encrypted_with_the_stacks_own_key(scenario: Scenario) -> None:
>       stored = scenario.fire_and_wait()

tests/e2e/test_encryption.py:31:
_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _
E   harness.errors.NotReachedError: the object of event 4f1c2a9e in the bucket: not reached in 30 s
E   last seen: []

harness/base/polling.py:57: NotReachedError"""


def realistic_run() -> Run:
    """Return a run on two workers: most tests pass, one failed on its way, one in its set-up."""
    chance = random.Random(7)  # noqa: S311 - a picture, no secret
    phases = (
        Span(kind="phase", name="build the Lambda zip", begun=BEGUN + 0.2, seconds=2.1),
        Span(kind="phase", name="start backend host", begun=BEGUN + 2.4, seconds=9.2),
        Span(kind="phase", name="create virtual environment", begun=BEGUN + 2.5, seconds=6.1),
        Span(kind="phase", name="terraform init", begun=BEGUN + 11.7, seconds=3.3),
        Span(kind="phase", name="terraform apply", begun=BEGUN + 15, seconds=17.5),
        Span(kind="phase", name="terraform destroy", begun=BEGUN + 92, seconds=11.2),
    )
    tests = [*_passing(chance), _failed(), _broken(), _skipped()]
    return Run(
        title="terraform-lambda-harness end to end",
        begun=BEGUN,
        seconds=LENGTH,
        facts={
            "backend": "host",
            "endpoint": "http://127.0.0.1:4566",
            "region": "eu-north-1",
            "root module": "terraform/env/dev",
            "variables": "db_password, environment",
            "terraform": "1.11.4",
            "providers": "hashicorp/aws 5.100.0",
            "python": "3.13.0 on Linux",
            "command": f"pytest tests/e2e -n 2 --terraform-var=db_password={SECRET}",
        },
        options=("-n", "2"),
        spans=(*phases, *_resources(chance)),
        tests=tuple(tests),
    )


def _resources(chance: random.Random) -> Iterator[Span]:
    free = [0.0] * 10
    for number in range(RESOURCES):
        address, typical = KINDS[number % len(KINDS)]
        seconds = round(typical * chance.uniform(0.4, 1.2), 2) if number > len(KINDS) else typical
        lane = free.index(min(free))
        begun = BEGUN + 15.4 + free[lane]
        free[lane] += seconds + 0.05
        yield Span(kind="resource", name=f'{address}["{number}"] created', begun=begun, seconds=seconds)


def _requests(chance: random.Random, begun: float, number: int) -> Iterator[Request]:
    for at in range(number):
        status = chance.choices((200, 304, 404, 503, 0), (70, 9, 6, 3, 1))[0]
        seconds = 30.0 if status == 0 else chance.lognormvariate(-3.2, 0.6)
        seconds = 2.4 if at == 0 and chance.random() < 0.2 else seconds  # a cold start
        yield Request(begun=begun + at * 0.15, method="GET", url=URL, status=status, seconds=seconds)


def _passing(chance: random.Random) -> Iterator[TestResult]:
    for worker in (0, 1):
        at = BEGUN + 33.0
        for number in range(28):
            seconds = chance.uniform(0.2, 2.4)
            name = ("latest", "encryption", "api", "schedule")[number // 7]
            yield TestResult(
                id=f"tests/e2e/test_{name}.py::test_behaviour_{worker}_{number}[param-{number}]",
                outcome="passed",
                begun=at,
                seconds=seconds,
                worker=f"gw{worker}",
                hops=(_arrived(number),) if number % 3 == 0 else (),
                requests=tuple(_requests(chance, at, int(seconds * 4))),
                sections={"Captured log call": "INFO harness: fired\nINFO harness: seen"},
            )
            at += seconds + 0.02


def _arrived(number: int) -> Trace:
    hops = tuple(Hop(name=hop.name, state="reached", seen=f"seen {number}") for hop in HOPS)
    return Trace(event=f"e{number:07x}", hops=hops)


def large_run(*, passing: int, failing: int) -> Run:
    """Return a run of so many tests, as realistic as that of `realistic_run`."""
    run = realistic_run()
    passed = [
        replace(run.tests[number % 56], id=f"tests/test_many.py::test_{number}") for number in range(passing)
    ]
    failed = [replace(_failed(), id=f"{SILENT}[{number}]") for number in range(failing)]
    return replace(run, tests=(*passed, *failed))


def _failed() -> TestResult:
    return TestResult(
        id=SILENT,
        outcome="failed",
        begun=BEGUN + 72.5,
        seconds=18.2,
        worker="gw0",
        message=MESSAGE,
        cause=CAUSE,
        place="src/writer/storage.py:41",
        parts=(
            Part(name="set-up", outcome="passed", begun=BEGUN + 72.5, seconds=0.4),
            Part(name="call", outcome="failed", begun=BEGUN + 73, seconds=17.2, actions=ACTIONS),
            Part(name="teardown", outcome="passed", begun=BEGUN + 90.2, seconds=0.5),
        ),
        hops=(Trace(event="4f1c2a9e-77aa-4c1b-9d57-0d6b1f6a4d11", hops=HOPS),),
        requests=(
            Request(
                begun=BEGUN + 80,
                method="GET",
                url=URL,
                status=404,
                seconds=0.031,
                headers={"X-Api-Key": "k-98765", "Authorization": "Bearer tok-12345"},
                answer_headers={"Content-Type": "application/json", "Set-Cookie": "session=c-55555"},
                answer_body='{"message": "no object yet", "password": "p-77777"}',
            ),
        ),
        calls=CALLS,
        sections={
            "terraform": "\n".join(
                f"2026-11-23T14:{6 + n // 60:02}:{n % 60:02}.1Z line {n}\n  its detail" for n in range(100)
            ),
            "log of create_encrypted_timestamp_dev": f"START {SECRET}\n[ERROR] ClientError\nEND",
            "emulator": "\n".join(f"2026-11-23T14:06:{n % 60:02}.1 INFO request {n}" for n in range(3000)),
        },
    )


def _broken() -> TestResult:
    return TestResult(
        id="tests/e2e/test_schedule.py::test_a_real_tick_writes_an_object",
        outcome="error",
        begun=BEGUN + 76,
        seconds=2.0,
        worker="gw1",
        message="E   fixture 'ticking' failed: TerraformError: creating EventBridge Rule",
        sections={"terraform": "2026-11-23T14:06:28.5Z early\n2026-11-23T14:06:29.9Z late"},
    )


def _skipped() -> TestResult:
    return TestResult(
        id="tests/contract/test_permissions.py::test_the_role_suffices",
        outcome="skipped",
        begun=BEGUN + 78.5,
        seconds=0.01,
        worker="gw1",
        message="host does not enforce IAM",
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium.program(), args=[*chromium.QUIET])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write(realistic_run(), path, Redaction(frozenset({SECRET})))
    return path


@pytest.fixture
def told() -> dict[str, list[str]]:
    return {"console": [], "requests": []}


@pytest.fixture
def page(browser: Browser, report: Path, told: dict[str, list[str]]) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        opened = context.new_page()
        opened.on("console", lambda message: told["console"].append(message.text))
        opened.on("pageerror", lambda problem: told["console"].append(str(problem)))
        opened.on("request", lambda request: told["requests"].append(request.url))
        opened.goto(report.as_uri())
        yield opened


def resize(page: Page, width: int, height: int) -> None:
    """Give the page another size once it is painted in its first one, and wait until it has that."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("width => document.documentElement.clientWidth == width", arg=width)


def box(page: Page, selector: str) -> dict[str, float]:
    found = page.locator(selector).first.bounding_box()
    assert found is not None, selector
    return {"x": found["x"], "y": found["y"], "width": found["width"], "height": found["height"]}


def test_it_opens_offline_and_without_a_word_on_the_console(
    page: Page, report: Path, told: dict[str, list[str]]
) -> None:
    page.get_by_role("button", name="Expand all").click()
    page.wait_for_load_state("networkidle")

    assert told == {"console": [], "requests": [report.as_uri()]}
    assert page.title() == "✕ 1 failed, 1 error - terraform-lambda-harness end to end"


def test_its_policy_forbids_what_it_does_not_need(page: Page, told: dict[str, list[str]]) -> None:
    page.evaluate("fetch('http://127.0.0.1:9/').catch(() => null)")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'var evil = 1'}))"
    )

    assert page.evaluate("typeof evil") == "undefined"
    assert len([line for line in told["console"] if "Content Security Policy" in line]) >= 2


def test_the_tests_are_filtered_by_outcome_and_by_words(page: Page) -> None:
    shown = page.locator(".tests > li:visible")
    assert (shown.count(), page.locator("#count").inner_text()) == (2, "59 tests")

    page.get_by_role("button", name="failed 1").click()
    assert shown.locator(".id").all_text_contents() == [f"failed: {SILENT}"]
    page.get_by_role("button", name="error 1").click()
    assert shown.count() == 2
    page.get_by_role("button", name="failed 1").click()
    page.get_by_role("button", name="error 1").click()
    page.keyboard.press("/")
    page.keyboard.type("ENCRYPTION gw1 _9")
    assert page.locator("#count").inner_text() == "1 of 59 shown"
    assert "test_encryption.py::test_behaviour_1_9" in shown.inner_text()
    page.locator("#search").fill("")
    assert shown.count() == 2


def test_a_test_opens_by_the_keyboard(page: Page) -> None:
    entry = page.locator("#test-2")
    text = entry.locator("pre.message")
    assert not text.is_visible()

    entry.locator("> summary").focus()
    page.keyboard.press("Enter")

    assert text.is_visible()
    assert "creating EventBridge Rule" in text.inner_text()
    assert page.evaluate("document.activeElement.parentElement.id") == "test-2"


def test_the_first_failure_is_open_and_shows_how_far_its_event_came(page: Page) -> None:
    hops = page.locator("#test-1 .hops li")

    assert hops.locator(".sign").all_inner_texts() == ["✓", "✓", "✓", "✕", "?", "?", "?"]
    assert hops.locator(".state").all_inner_texts() == ["reached"] * 3 + ["failed"] + ["unknown"] * 3
    assert "the request has AES256" in hops.nth(3).inner_text()
    tops = [box(page, f"#test-1 .hops li:nth-child({n})")["y"] for n in range(1, 8)]
    assert tops == sorted(tops)
    colours = {hops.nth(n).locator(".sign").evaluate("e => getComputedStyle(e).color") for n in (0, 3, 4)}
    assert len(colours) == 3


def test_a_bar_lies_where_its_time_is(page: Page) -> None:
    lane = box(page, "svg.lane.axis")
    apply = box(page, "a.bar[aria-label^='terraform apply'] > svg > rect")

    assert apply["x"] == pytest.approx(lane["x"] + lane["width"] * 15 / LENGTH, abs=2)
    assert apply["width"] == pytest.approx(lane["width"] * 17.5 / LENGTH, abs=2)
    assert apply["height"] == 18


def test_every_span_has_a_bar_that_can_be_seen_and_covers_no_other(page: Page) -> None:
    bars: list[list[float]] = page.eval_on_selector_all(
        "a.bar > svg > rect",
        "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.right, b.top])",
    )
    least = page.eval_on_selector_all("a.bar > rect", "all => all.map(e => e.getBoundingClientRect().width)")

    assert len(bars) == 6 + RESOURCES + 59
    assert min(least) >= 3
    for top in {top for _, _, top in bars}:
        row = sorted(bar for bar in bars if bar[2] == top)
        assert all(one[1] <= other[0] + 0.1 for one, other in pairwise(row))


def test_the_slowest_resources_stand_out_and_are_listed_in_order(page: Page) -> None:
    rows = page.locator("#resources table").first.locator("tbody tr")
    slow, other = (
        page.locator(f"a.bar.resource{kind} > rect").first.evaluate("e => getComputedStyle(e).fill")
        for kind in (".slow", ":not(.slow)")
    )

    assert rows.count() == LISTED
    assert rows.first.locator("td").last.text_content() == "6.13 s"
    assert page.locator("a.bar.slow").count() == 5
    labels = page.locator("a.bar.slow text").all_text_contents()
    assert sorted(label[:2] for label in labels) == ["1 ", "2 ", "3 ", "4 ", "5 "]
    assert slow != other


def test_a_bar_tells_its_name_by_mouse_and_by_keyboard_and_leads_to_its_row(page: Page) -> None:
    tip = page.get_by_role("tooltip")
    page.locator("a.bar[aria-label^='start backend host']").hover()
    assert tip.inner_text() == "start backend host\n9.2 s, begun at +2.4 s"

    page.locator("a.bar").first.focus()
    page.keyboard.press("End")
    assert tip.inner_text().startswith("tests/contract/test_permissions.py")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")

    assert page.locator("#phase-1").is_visible()
    assert page.url.endswith("#phase-1")


def test_zoom_widens_the_timeline_and_makes_room_for_names(page: Page) -> None:
    before = box(page, "#gantt")["width"]

    page.get_by_role("button", name="Zoom in").click()
    assert box(page, "#gantt")["width"] == pytest.approx(2 * before, rel=0.01)
    assert "create virtual environment" not in page.locator("a.bar.phase text").all_text_contents()
    page.get_by_role("button", name="Zoom in").click()
    assert "create virtual environment" in page.locator("a.bar.phase text").all_text_contents()
    page.get_by_role("button", name="Fit").click()
    assert box(page, "#gantt")["width"] == pytest.approx(before)


def test_a_slower_request_is_drawn_higher(page: Page) -> None:
    marks: list[list[float]] = page.eval_on_selector_all(
        ".plot .mark.s2xx circle",
        "all => all.map(e => [e.closest('.mark').dataset.tip.split(', ')[1], e.getBoundingClientRect().top])"
        ".map(([told, top]) => [parseFloat(told) * (told.endsWith(' ms') ? 1 : 1000), top])",
    )
    tops = [top for _, top in sorted(marks, key=lambda mark: (mark[0], -mark[1]))]

    assert len(marks) > 100
    assert tops == sorted(tops, reverse=True)
    assert box(page, ".plot")["y"] <= min(tops)


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_it_follows_the_readers_colour_scheme(page: Page, scheme: Any, dark: bool) -> None:  # noqa: ANN401, FBT001
    page.emulate_media(color_scheme=scheme)
    paper, ink = (
        page.evaluate(f"getComputedStyle(document.body).{name}.match(/\\d+/g).slice(0, 3).map(Number)")
        for name in ("backgroundColor", "color")
    )

    assert (sum(paper) < sum(ink)) is dark
    assert abs(sum(paper) - sum(ink)) > 400


def test_what_a_test_shows_is_made_when_it_is_opened(page: Page) -> None:
    assert page.locator("#test-2 pre, #test-2 table").count() == 0
    assert page.locator(".test[open]").count() == 1

    page.goto(f"{page.url}#test-2")
    page.locator("#test-2 pre").first.wait_for(state="attached")
    page.get_by_role("button", name="Expand all").click()

    assert page.locator(".test[open]").count() == page.locator(".body > .note").count() == 59
    assert page.locator(".body > noscript").count() == 0


def test_a_report_of_300_tests_is_laid_out_with_a_fraction_of_its_elements(
    browser: Browser, tmp_path: Path
) -> None:
    write(large_run(passing=288, failing=12), tmp_path / "many.html")

    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        page = context.new_page()
        page.goto((tmp_path / "many.html").as_uri())
        at_first = page.evaluate("document.querySelectorAll('*').length")
        page.get_by_role("button", name="Expand all").click()

        assert at_first < page.evaluate("document.querySelectorAll('*').length") / 2
    assert (tmp_path / "many.html").stat().st_size < 2.2e6


def test_without_javascript_everything_can_still_be_read(browser: Browser, report: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(report.as_uri())
        page.locator("#test-2 > summary").click()

        assert page.get_by_text("creating EventBridge Rule").last.is_visible()
        assert page.locator("a.bar").first.is_visible()
        assert not page.locator("#search").is_visible()


def test_a_phone_shows_it_without_scrolling_sideways(page: Page) -> None:
    resize(page, 390, 800)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (420, 900)])
def test_what_failed_and_why_is_on_the_first_screen(page: Page, width: int, height: int) -> None:
    resize(page, width, height)
    failures = page.locator("#failures .failure")

    assert failures.locator(".cause").all_inner_texts()[0] == CAUSE.partition(" (")[0]
    assert failures.first.locator(".place").inner_text().endswith("src/writer/storage.py:41")
    assert failures.first.locator(".of a").all_inner_texts() == [SILENT]
    assert failures.first.locator(".again code").inner_text() == f"pytest -n 2 {SILENT}"
    for part in (".cause", ".place", ".of a", ".again code", ".copy"):
        found = box(page, f"#failures .failure:first-child {part}")
        assert found["y"] + found["height"] <= height, part
        assert found["x"] + found["width"] <= width, part
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_tests_that_did_not_fail_are_folded_away(page: Page) -> None:
    fold = page.locator("#fold > summary")
    assert fold.inner_text() == "57 other tests: 1 skipped, 56 passed"
    assert not page.locator("#test-3").is_visible()

    fold.focus()
    page.keyboard.press("Enter")

    assert page.locator("#test-3").is_visible()


def test_a_failure_is_copied_as_markdown(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.locator("#failures").get_by_role("button", name="Copy for an issue").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    text = page.evaluate("navigator.clipboard.readText()")

    assert text.startswith(f"### `{SILENT}` failed\n\n**Cause:** `{CAUSE.partition(' (')[0]}`\n")
    assert "✗ function succeeded" in text
    assert "[ERROR] ClientError" in text
    assert "- providers: hashicorp/aws 5.100.0" in text
    page.locator("#failures").get_by_role("button", name="Copy the command").first.click()
    page.locator("[data-copy=again-1]", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"pytest -n 2 {SILENT}"


def test_what_a_test_did_is_told_in_order_with_its_phases_apart(page: Page) -> None:
    rows = page.locator("#test-1 .actions tbody tr").all_inner_texts()

    phases = [row.split("\t")[0].split()[1] for row in (rows[0], rows[1], rows[5])]
    assert phases == ["set-up", "call", "teardown"]
    assert [row.split("\t")[0] for row in rows[2:5]] == ["fire", "call", "wait"]
    assert rows[4].endswith("17 s")
    assert "tests/a.py:29" in rows[2]


def test_an_action_shows_what_it_changed(page: Page) -> None:
    rows = page.locator("#test-1 .actions tr[data-at]")

    assert rows.locator(".changed li").all_inner_texts() == [
        "+ message in the queue jobs emulator",
        "+ object hello_world_1 in the bucket objects function create",
    ]
    assert rows.nth(2).locator(".changed li").count() == 1


def test_the_slider_hides_what_lies_outside_of_its_range(page: Page) -> None:
    first, last = page.get_by_label("from"), page.get_by_label("to", exact=True)
    first.fill("750")  # of a thousand: 78 s
    last.fill("800")

    assert page.locator("#range-shown").inner_text() == "+1 min 18 s to +1 min 23 s"
    actions = page.locator("#test-1 .actions tr[data-at]:visible .kind")
    assert actions.all_inner_texts() == ["call", "wait"]
    assert page.locator("#test-1 .requests tr[data-at]").evaluate_all("all => all.map(e => e.hidden)") == [
        *(False,),  # the request to the API
        *(True,) * 3,  # calls of AWS
    ]
    lines = page.locator("#test-1 pre[data-log]").first.text_content().splitlines()  # type: ignore[union-attr]
    assert [line for line in lines if "line" in line] == [
        f"2026-11-23T14:{6 + n // 60:02}:{n % 60:02}.1Z line {n}" for n in range(30, 36)
    ]
    assert lines[1] == "  its detail"
    assert page.locator(".bar.outside").count() > page.locator(".bar:not(.outside)").count()
    assert page.locator("#count").inner_text().endswith("of 59 shown")

    page.get_by_role("button", name="All of it").click()

    assert page.locator("#test-1 [data-at][hidden]").count() == 0
    text = page.locator("#test-1 pre[data-log]").first.text_content()
    assert text is not None
    assert text.count("its detail") == 100
    assert page.locator("#count").inner_text() == "59 tests"


def test_the_slider_is_moved_by_keys_and_holds_for_what_is_opened_later(page: Page) -> None:
    first, last = page.get_by_label("from"), page.get_by_label("to", exact=True)
    last.focus()
    page.keyboard.press("Home")

    assert (first.input_value(), last.input_value()) == ("0", "0")
    page.keyboard.press("End")
    first.focus()
    page.keyboard.press("End")
    assert first.get_attribute("aria-valuetext") == "+1 min 44 s"
    page.goto(f"{page.url}#test-3")  # a link to what is hidden shows all again

    assert page.locator("#range-shown").inner_text() == "all of it"
    last.fill("740")  # of a thousand: 77 s
    page.locator("#test-2 > summary").click()
    assert page.locator("#test-2 pre[data-log]").text_content() == "2026-11-23T14:06:28.5Z early"


def test_a_hop_shows_its_payload_and_a_request_its_bodies(page: Page) -> None:
    page.locator("#test-1 .payload > summary").first.click()
    assert '"a": 1' in page.locator("#test-1 .payload pre").first.inner_text()

    page.get_by_text("headers and bodies").first.click()
    assert "no object yet" in page.locator("#test-1 .requests pre").first.inner_text()


def test_no_secret_is_anywhere_in_the_file(report: Path) -> None:
    html = report.read_text("utf-8")

    secrets = (SECRET, "k-98765", "tok-12345", "c-55555", "p-77777")
    assert [secret for secret in secrets if secret in html] == []
    assert html.count("[redacted]") >= len(secrets)
