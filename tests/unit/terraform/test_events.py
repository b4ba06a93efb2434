from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from harness.base.telemetry import timeline
from harness.errors import Diagnostic
from harness.terraform.events import EventLog, diagnostics_of
from harness.values import Change

if TYPE_CHECKING:
    from harness.base.telemetry.timeline import Span

ERROR = {
    "severity": "error",
    "summary": "creating EventBridge Target",
    "detail": "ResourceNotFoundException: no such rule\nsecond line",
    "address": "aws_cloudwatch_event_target.this",
    "range": {"filename": "main.tf", "start": {"line": 7}},
}


def log_of(*events: object) -> EventLog:
    taken = EventLog()
    for event in events:
        taken.take(event if isinstance(event, str) else json.dumps(event))
    return taken


def test_an_error_names_the_resource_the_place_and_the_providers_message() -> None:
    (error,) = log_of({"type": "diagnostic", "diagnostic": ERROR}).errors()

    assert str(error) == (
        "error: aws_cloudwatch_event_target.this (main.tf:7): creating EventBridge Target\n"
        "  ResourceNotFoundException: no such rule\n"
        "  second line"
    )


def test_warnings_are_no_errors() -> None:
    taken = log_of({"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "deprecated"}})

    assert taken.diagnostics == []


def test_a_warning_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    warning = {"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "deprecated"}}
    other = {"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "old"}}

    with caplog.at_level(logging.INFO, "harness"):
        log_of(warning, warning, other, warning)

    assert caplog.messages == ["warning: deprecated", "warning: old"]


def test_a_mistake_comes_without_the_preamble_of_init() -> None:
    text = """
Error: Terraform encountered problems during initialisation, including problems
with the configuration, described below.

Error: Argument definition required

  on main.tf line 1, in terraform:
   1: terraform { required_providers { aws = {} } }

A single-line block can contain only a single argument.
"""

    (error,) = log_of(*text.splitlines()).errors()

    assert (error.summary, error.location) == ("Argument definition required", "main.tf:1")


def test_a_long_list_of_values_is_counted() -> None:
    values = " ".join(f'"python3.{minor}"' for minor in range(40))
    summary = f"expected runtime to be one of [{values}], got python3.99"

    (error,) = log_of(
        {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": summary}}
    ).errors()

    assert error.summary == "expected runtime to be one of 40 values, got python3.99"


def test_a_provider_that_cannot_be_had_is_named_in_one_line() -> None:
    text = """
Error: Failed to query available provider packages

Could not retrieve the list of available versions for provider
hashicorp/archive: could not connect to registry.terraform.io: no such
host

To see which modules are currently depending on hashicorp/archive and what
versions are specified, run the following command:
    terraform providers
"""

    (error,) = log_of(*text.splitlines()).errors()

    reason = "could not connect to registry.terraform.io: no such host"
    assert str(error) == f"error: the provider hashicorp/archive can't be had: {reason}"


@pytest.mark.parametrize(
    ("detail", "reason"),
    [
        (
            """Failed to retrieve available versions for module "code" (main.tf:4) from
registry.terraform.io: failed to request discovery document: no such
host.""",
            "registry.terraform.io: failed to request discovery document: no such host.",
        ),
        (
            """Could not download module "code" (main.tf:4) source code from
"git::https://example.com/m.git": error downloading: Could not
resolve host""",
            '"git::https://example.com/m.git": error downloading: Could not resolve host',
        ),
    ],
)
def test_a_module_that_cannot_be_had_is_named_in_one_line(detail: str, reason: str) -> None:
    text = f"""
Error: Failed to download module

  on main.tf line 4:
   4: module "code" {{

{detail}
"""

    (error,) = log_of(*text.splitlines()).errors()

    assert str(error) == f"error: (main.tf:4): the module code can't be had: {reason}"


def test_lines_that_are_no_events_are_the_reason_when_there_is_no_other() -> None:
    assert log_of("", "cannot lock the state", "[1]").errors() == [
        Diagnostic(severity="error", summary="cannot lock the state\n[1]")
    ]
    assert log_of().errors()[0].summary == "no reason given"


def test_progress_is_told_for_each_resource(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "harness"):
        log_of(
            {"type": "apply_complete", "hook": hook("aws_s3_bucket.this", "create")},
            {"type": "apply_errored", "hook": hook("aws_kms_key.this", "delete")},
            {"type": "change_summary", "@message": "1 added"},
        )

    assert caplog.messages == [
        "  aws_s3_bucket.this created in 0.0 s",
        "  aws_kms_key.this failed after 0.0 s",
        "1 added",
    ]


def test_the_timeline_hears_when_a_resource_begins_and_how_it_ends() -> None:
    spans: list[Span] = []
    begun: list[str] = []

    with timeline.ENDED.heard_by(spans.append), timeline.BEGUN.heard_by(begun.append):
        log_of(
            {"type": "apply_start", "hook": hook("aws_s3_bucket.this", "create")},
            {"type": "apply_start", "hook": hook("data.aws_region.this", "read")},
            {"type": "apply_errored", "hook": hook("aws_s3_bucket.this", "create")},
        )

    assert begun == ["aws_s3_bucket.this created"]
    ((kind, name, ok),) = [(span.kind, span.name, span.ok) for span in spans]
    assert (kind, name, ok) == ("resource", "aws_s3_bucket.this created", False)


def hook(address: str, action: str) -> dict[str, object]:
    return {"resource": {"addr": address}, "action": action}


def test_the_changes_of_a_plan_are_kept() -> None:
    change = {"resource": {"addr": "aws_s3_bucket.this"}, "action": "replace"}

    assert log_of({"type": "planned_change", "change": change}).changes == [
        Change(address="aws_s3_bucket.this", action="replace")
    ]


def test_the_report_of_validate_is_read() -> None:
    report = json.dumps({"valid": False, "diagnostics": [ERROR]}, indent=2)

    assert [told.location for told in diagnostics_of(report)] == ["main.tf:7"]


def test_of_text_for_people_only_the_errors_are_told_with_their_places() -> None:
    text = """
Initializing modules...
╷
│ Warning: Something is old
│
│   on main.tf line 9:
╵
╷
│ Error: Module not found
│
│   on main.tf line 1, in module "m":
│    1: module "m" {
│
│ The module address "x" could not
│ be resolved.
╵
Error: Another
"""

    first, second = log_of(*text.splitlines()).errors()

    assert str(first) == (
        'error: (main.tf:1): Module not found\n  The module address "x" could not\n  be resolved.'
    )
    assert str(second) == "error: Another"


def test_a_value_that_does_not_fit_is_where_the_user_has_set_it() -> None:
    place = {"filename": "/scratch/root/harness.tfvars", "start": {"line": 1}}

    (error,) = log_of({"type": "diagnostic", "diagnostic": {**ERROR, "range": place}}).errors()

    assert error.location == "[tool.harness.variables]"


@pytest.mark.parametrize(
    ("kind", "wait"),
    [
        ("aws_sqs_queue", "queue's attributes have stayed the same for 25 s"),
        ("aws_sqs_queue_policy", "queue's attributes have stayed the same for 25 s"),
        ("aws_s3_bucket_lifecycle_configuration", "rules have stayed the same for 50 s"),
    ],
)
def test_a_wait_inside_the_provider_is_explained_once(
    kind: str, wait: str, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = {"resource": {"addr": f"{kind}.a", "resource_type": kind}, "action": "create"}

    with caplog.at_level(logging.INFO, "harness"):
        log_of(
            {"type": "apply_progress", "hook": {**waiting, "elapsed_seconds": 10}},
            {"type": "apply_progress", "hook": {**waiting, "elapsed_seconds": 20}},
        )

    assert caplog.messages == [f"  {kind}.a: the provider waits until the {wait}"]
