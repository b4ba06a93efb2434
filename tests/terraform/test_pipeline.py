"""The workflow that the documentation gives for a deployment of production."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.policies import Request, is_allowed
from tests.terraform.test_files import TERRAFORM

TEXT = (TERRAFORM / "env" / "deploy.yml.example").read_text("utf-8")
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
TRIGGERS = WORKFLOW[True]  # YAML takes `on` for a truth value
GITHUB = "token.actions.githubusercontent.com"


def commands(job: str, event: str) -> list[str]:
    """Return Terraform's commands that a job runs on an event."""
    steps = WORKFLOW["jobs"][job]["steps"]
    meant = [one for one in steps if one.get("if", f"'{event}'").endswith(f"'{event}'")]
    return [one["run"] for one in meant if one.get("run", "").startswith("terraform ")]


def test_no_key_is_stored() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in TEXT
    assert re.findall(r"role-to-assume: (.*)", TEXT) == [
        "${{ vars.PLAN_ROLE_ARN }}",
        "${{ vars.DEPLOY_ROLE_ARN }}",
    ]


def test_a_push_deploys_and_a_pull_request_only_plans() -> None:
    plan, apply = WORKFLOW["jobs"]["plan"], WORKFLOW["jobs"]["apply"]

    assert TRIGGERS["push"] == {"branches": ["main"]}
    assert (plan["if"], apply["if"]) == ("github.event_name != 'push'", "github.event_name == 'push'")
    assert apply["environment"] == "prod"
    assert [command.split()[1] for command in commands("plan", "pull_request")] == ["init", "plan"]
    assert [command.split()[1] for command in commands("apply", "push")] == ["init", "apply"]


def test_one_apply_runs_at_a_time_and_no_plan_takes_its_place() -> None:
    # Of the runs that wait in a group, GitHub keeps the latest one only.
    in_groups = {name: job["concurrency"] for name, job in WORKFLOW["jobs"].items() if "concurrency" in job}

    assert "concurrency" not in WORKFLOW
    assert in_groups == {"apply": {"group": "deploy-prod", "cancel-in-progress": False}}


def test_drift_is_looked_for_each_day_and_fails() -> None:
    (schedule,) = TRIGGERS["schedule"]
    minute, hour, *days = schedule["cron"].split()

    assert minute.isdecimal()
    assert hour.isdecimal()
    assert days == ["*", "*", "*"]
    assert "-detailed-exitcode" in commands("plan", "schedule")[-1]
    assert "-detailed-exitcode" not in commands("plan", "pull_request")[-1]


@pytest.mark.parametrize(
    ("subject", "audience", "allowed"),
    [
        ("repo:me/mine:environment:prod", "sts.amazonaws.com", True),
        ("repo:me/mine:pull_request", "sts.amazonaws.com", False),
        ("repo:me/mine-too:environment:prod", "sts.amazonaws.com", False),
        ("repo:me/mine:environment:prod", "https://github.com/me", False),
        (None, "sts.amazonaws.com", False),
    ],
)
def test_only_the_approved_job_of_the_one_repository_may_deploy(
    subject: str | None,
    audience: str,
    allowed: bool,  # noqa: FBT001
) -> None:
    text = (TERRAFORM / "env" / "deployer-trust.json.tftpl").read_text("utf-8")
    values = {"account": "111122223333", "repository": "me/mine", "subject": "environment:prod"}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    context = {f"{GITHUB}:aud": audience} | ({f"{GITHUB}:sub": subject} if subject else {})
    provider = frozenset({f"arn:aws:iam::111122223333:oidc-provider/{GITHUB}"})
    request = Request(action="sts:AssumeRoleWithWebIdentity", context=context, principals=provider)

    assert is_allowed(json.loads(text)["Statement"], request) == allowed
