"""The workflows for GitHub Actions: this project's own, and those that the documentation gives to copy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from harness import Settings, backends
from tests.docs.commands import sessions
from tests.docs.snippets import PROJECT, collected

FOLDER = ".github/workflows"
OWN, COPIED, SHARDS = f"{FOLDER}/ci.yml", f"{FOLDER}/e2e.yml", f"{FOLDER}/shards.yml"


def workflows() -> dict[str, dict[Any, Any]]:
    """Return the workflows by their path."""
    texts = {each.title: each.code for each in collected() if each.title.startswith(FOLDER)}
    return {name: yaml.safe_load(text) for name, text in (texts | {OWN: (PROJECT / OWN).read_text()}).items()}


WORKFLOWS = workflows()
JOBS = [(where, name) for where, workflow in WORKFLOWS.items() for name in workflow["jobs"]]


def jobs_with(action: str) -> list[tuple[str, str]]:
    """Return the workflows and names of the jobs that have an action."""
    return [(where, name) for where, name in JOBS if steps_of(WORKFLOWS[where]["jobs"][name], action)]


def runs(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def steps_of(job: dict[str, Any], action: str) -> list[dict[str, Any]]:
    """Return the steps with an action, or with a part of it such as `actions/cache/restore`."""
    return [step for step in job["steps"] if re.match(rf"{action}[@/]", step.get("uses", ""))]


def step_of(job: dict[str, Any], action: str) -> dict[str, Any]:
    (step,) = steps_of(job, action)
    return step


def readmes_command() -> str:
    """Return the command of the main job from the README."""
    text = (PROJECT / "README.md").read_text("utf-8")
    found = re.search(r"<!-- command: main job -->\n```sh\n(.+?)\n```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_all_are_there() -> None:
    assert set(WORKFLOWS) == {OWN, COPIED, SHARDS}


@pytest.mark.parametrize("where", WORKFLOWS)
def test_a_workflow_may_read_and_no_more(where: str) -> None:
    workflow = WORKFLOWS[where]

    assert workflow["permissions"] == {"contents": "read"}
    assert not [name for name, job in workflow["jobs"].items() if "permissions" in job]
    assert "secrets." not in yaml.safe_dump(workflow)


@pytest.mark.parametrize("where", WORKFLOWS)
def test_a_newer_push_ends_the_run_of_a_pull_request_only(where: str) -> None:
    concurrency = WORKFLOWS[where]["concurrency"]

    assert "github.ref" in concurrency["group"]
    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


@pytest.mark.parametrize(("where", "name"), JOBS)
def test_a_job_ends_in_time_and_its_actions_have_a_major_version(where: str, name: str) -> None:
    job = WORKFLOWS[where]["jobs"][name]
    used = [step["uses"] for step in job["steps"] if "uses" in step]

    assert job["timeout-minutes"] <= 45
    assert "strategy" not in job or job["strategy"]["fail-fast"] is False
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+(/[\w-]+)+@v\d+", action)] == []


@pytest.mark.parametrize(("where", "name"), jobs_with("hashicorp/setup-terraform"))
def test_terraform_is_not_wrapped(where: str, name: str) -> None:
    job = WORKFLOWS[where]["jobs"][name]

    assert step_of(job, "hashicorp/setup-terraform")["with"]["terraform_wrapper"] is False


@pytest.mark.parametrize(("where", "name"), jobs_with("actions/checkout"))
def test_git_keeps_no_token(where: str, name: str) -> None:
    job = WORKFLOWS[where]["jobs"][name]

    assert step_of(job, "actions/checkout")["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("where", "name"), jobs_with("actions/cache"))
def test_what_is_cached_is_where_it_is_kept(where: str, name: str) -> None:
    job = {"env": WORKFLOWS[where].get("env")} | WORKFLOWS[where]["jobs"][name]
    cached = step_of(job, "actions/cache")["with"]["path"].split()
    default = Settings.from_env({}, PROJECT).cache_dir.relative_to(Path.home())

    assert cached == [f"~/{default.as_posix()}", ".cache/terraform-plugins"]
    assert job["env"]["TF_PLUGIN_CACHE_DIR"] == "${{ github.workspace }}/.cache/terraform-plugins"
    assert 'mkdir -p "$TF_PLUGIN_CACHE_DIR"' in runs(job)


def test_our_workflow_runs_the_readmes_command_for_every_session() -> None:
    job = WORKFLOWS[OWN]["jobs"]["check"]
    command = readmes_command().removesuffix(" e2e") + " ${{ matrix.session }}"

    assert command in runs(job)
    assert set(job["strategy"]["matrix"]["session"]) <= sessions()


def test_our_workflow_leaves_out_no_session_that_needs_nothing_special() -> None:
    chosen = WORKFLOWS[OWN]["jobs"]["check"]["strategy"]["matrix"]["session"]
    elsewhere = {"e2e", "contract", "iam"}  # the other job
    many = {"everything"}  # runs these sessions
    by_hand = {"bench", "drill", "parity", "pictures"}  # what drill runs is a part of production, too
    left_out = {name.partition("-")[0] for name in sessions()} - {name.partition("-")[0] for name in chosen}

    assert left_out <= elsewhere | many | by_hand


def test_each_shard_has_a_group_and_its_results_are_merged() -> None:
    stack, tests, results = (WORKFLOWS[SHARDS]["jobs"][name] for name in ("stack", "tests", "results"))
    groups = tests["strategy"]["matrix"]["group"]
    (pytest_runs,) = (run for run in runs(tests) if run.startswith("pytest "))

    assert groups == list(range(1, len(groups) + 1))
    assert f"--splits={len(groups)} --group=${{{{ matrix.group }}}}" in pytest_runs
    assert step_of(tests, "actions/download-artifact")["with"] == {"name": "stack"}
    assert step_of(stack, "actions/upload-artifact")["with"]["path"] in runs(tests)[2]
    shards = step_of(tests, "actions/upload-artifact")["with"]["name"].replace("${{ matrix.group }}", "*")
    assert step_of(results, "actions/download-artifact")["with"] == {"pattern": shards}
    assert f"harness merge {shards}" in runs(results)
    assert (tests["needs"], results["needs"], results["if"]) == ("stack", "tests", "${{ !cancelled() }}")


@pytest.mark.parametrize("where", [OWN, COPIED])
def test_the_main_job_runs_on_every_backend_that_needs_no_account(where: str) -> None:
    job = WORKFLOWS[where]["jobs"]["e2e"]

    assert set(job["strategy"]["matrix"]["backend"]) == set(backends.BUILT_IN) - {"aws", "external"}
    assert any("--backend=${{ matrix.backend }}" in run for run in runs(job))


def test_our_main_job_is_the_readmes() -> None:
    assert any(run.startswith(f"{readmes_command()} -- ") for run in runs(WORKFLOWS[OWN]["jobs"]["e2e"]))


@pytest.mark.parametrize("where", [OWN, COPIED])
def test_reports_are_kept_also_of_a_run_that_fails(where: str) -> None:
    job = WORKFLOWS[where]["jobs"]["e2e"]
    upload = step_of(job, "actions/upload-artifact")
    folder = upload["with"]["path"]

    assert upload["if"] == "${{ !cancelled() }}"
    assert any(f"--junitxml={folder}/junit.xml" in run for run in runs(job))
    assert any(f"--harness-report={folder}/report.html" in run for run in runs(job))
