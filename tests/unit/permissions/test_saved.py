from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from harness.cli.main import app
from harness.errors import HarnessError
from harness.permissions import Permissions, RolePermissions, Use, judge_roles, saved
from tests.unit.permissions.stacks import BUCKET, FUNCTION, REGION, allow, judge, made, stack

if TYPE_CHECKING:
    from pathlib import Path

PUT, GET = made("s3:PutObject", f"{BUCKET}/1"), made("s3:GetObject", f"{BUCKET}/2")
RESOURCES = stack(allow(["s3:PutObject", "s3:GetObject"], f"{BUCKET}/*", Sid="Objects"))
RUN = {"by": "emulator", "service": "lambda-runtime", "operation": "Invocation", "resources": [FUNCTION]}
OBJECT = {"by": "function:writer", "service": "s3", "region": REGION, "resources": [f"{BUCKET}/1"]}


def uses(permissions: Permissions) -> list[Use]:
    return [grant.use for grant in permissions.roles[0].statements[0].grants]


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Return the reports of two parts of a suite, and of a third one that ran no function."""
    files = [tmp_path / f"{number}.json" for number in range(3)]
    parts = [judge(RESOURCES, PUT), judge(RESOURCES, GET), judged_without_a_run()]
    for file, part in zip(files, parts, strict=True):
        file.write_text(Permissions((part,)).to_json(), "utf-8")
    return files


def judged_without_a_run() -> RolePermissions:
    (role,) = judge_roles(RESOURCES, [])
    return role


def log(folder: Path, *calls: dict[str, Any], end: str = "\n") -> Path:
    """Write a request log."""
    header = {"format": "harness-request-log", "version": 1}
    told = [{"time": "2026-11-29T00:00:00+00:00", **call} for call in calls]
    file = folder / "calls.jsonl"
    file.write_text("\n".join(map(json.dumps, (header, *told))) + end, "utf-8")
    return file


@pytest.fixture
def state(tmp_path: Path) -> Path:
    held = [
        {"mode": "managed", "type": each.type, "name": each.address.split(".")[1]}
        | {"instances": [{"attributes": dict(each.values)}]}
        for each in RESOURCES
    ]
    file = tmp_path / "terraform.tfstate"
    file.write_text(json.dumps({"resources": held}), "utf-8")
    return file


def test_reports_of_the_parts_of_a_suite_are_one(shards: list[Path]) -> None:
    assert uses(saved.merge(shards[:1])) == [Use.USED, Use.UNUSED]
    assert uses(saved.merge(shards)) == [Use.USED, Use.USED]


def test_a_part_that_ran_no_function_leaves_what_is_unused_unused(shards: list[Path]) -> None:
    assert uses(saved.merge([shards[0], shards[2]])) == [Use.USED, Use.UNUSED]
    assert uses(saved.merge([shards[2], shards[0]])) == [Use.USED, Use.UNUSED]


def test_a_log_and_a_state_are_judged_and_a_line_that_was_cut_off_is_left_out(
    tmp_path: Path, state: Path
) -> None:
    whole = log(tmp_path, RUN, {**OBJECT, "operation": "PutObject"}, {**OBJECT, "operation": "GetObject"})
    assert uses(saved.by_log(whole, state)) == [Use.USED, Use.USED]

    whole.write_text(whole.read_text("utf-8")[:-30], "utf-8")

    assert uses(saved.by_log(whole, state)) == [Use.USED, Use.UNUSED]


def test_a_function_of_that_name_in_another_account_of_the_emulator_counts_for_nothing(
    tmp_path: Path, state: Path
) -> None:
    other = {**OBJECT, "operation": "PutObject", "account": "111111111111"}

    assert uses(saved.by_log(log(tmp_path, RUN, other), state)) == [Use.UNUSED, Use.UNUSED]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"roles": [{}]}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "some.json"
    file.write_text(text, "utf-8")

    with pytest.raises(
        HarnessError, match=r"some\.json: expected a report that `pytest --permissions-report`"
    ):
        saved.merge([file])
    with pytest.raises(HarnessError, match=r"some\.json: expected the state of an applied root"):
        saved.by_log(log(tmp_path), file)


def test_the_command_merges_reports_and_can_fail(shards: list[Path]) -> None:
    both, one = ["permissions", *map(str, shards)], ["permissions", str(shards[0])]

    told = CliRunner().invoke(app, one)
    assert (told.exit_code, "unused    aws_iam_role_policy.writer: Objects: s3:GetObject" in told.output) == (
        0,
        True,
    )
    strict = CliRunner().invoke(app, [*one, "--least-privilege"])
    assert strict.exit_code == 1
    assert "least privilege: aws_iam_role.writer: unused" in strict.output
    assert json.loads(CliRunner().invoke(app, [*both, "--json"]).output)["format"] == "harness-permissions"


def test_the_command_takes_a_log_with_its_state(tmp_path: Path, state: Path) -> None:
    file = log(tmp_path, RUN, {**OBJECT, "operation": "PutObject"})

    told = CliRunner().invoke(app, ["permissions", f"--log={file}", f"--state={state}"])
    assert "aws_iam_role.writer         2         1" in told.output
    assert CliRunner().invoke(app, ["permissions", f"--log={file}"]).exit_code != 0
