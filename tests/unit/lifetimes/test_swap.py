from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.lifetimes import swap
from harness.lifetimes.swap import NotSwappableError, Swap, carry_out
from harness.terraform import commands

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness import Settings

ZIPS = {"/app.zip": ("0abc", "q83v=")}
FUNCTION = {
    "function_name": "greet",
    "arn": "arn:aws:lambda:eu-north-1:000000000000:function:greet",
    "qualified_arn": "arn:aws:lambda:eu-north-1:000000000000:function:greet:7",
    "code_sha256": "q83v=",
    "source_code_hash": "q83v=",
    "version": "7",
    "publish": True,
}
ALIAS = {"name": "live", "function_name": "greet", "function_version": "7"}
DECLARED = """
variable "pinned" {
  default = null
}
resource "aws_lambda_function" "f" {
  filename = "app.zip"
}
resource "aws_lambda_alias" "a" {
  function_version = aws_lambda_function.f.version
}
"""
SWAP = Swap(function="greet", region="eu-north-1", zip="/app.zip", publish=True, aliases=("live",))
type Planned = Callable[..., list[Swap]]


@pytest.fixture
def planned(settings: Settings, tmp_path: Path) -> Planned:
    """Return a function that plans the swap of a zip in an applied root."""

    def plan(
        *more: tuple[str, dict[str, Any]],
        function: dict[str, Any] | None = None,
        declared: str = DECLARED,
        outputs: dict[str, Any] | None = None,
        variables: dict[str, str] | None = None,
    ) -> list[Swap]:
        (tmp_path / "main.tf").write_text(declared, "utf-8")
        given = [
            ("aws_lambda_function.f", FUNCTION | (function or {})),
            *(more or [("aws_lambda_alias.a", ALIAS)]),
        ]
        state = {
            "outputs": {name: {"value": value} for name, value in (outputs or {}).items()},
            "resources": [
                {
                    "mode": "managed",
                    "type": address.split(".")[0],
                    "name": address.split(".")[1],
                    "instances": [{"attributes": values}],
                }
                for address, values in given
            ],
        }
        (tmp_path / "terraform.tfstate").write_text(json.dumps(state), "utf-8")
        stage = replace(settings, terraform_dir=tmp_path, variables=variables or {}, environ={})
        applied = commands.Terraform(program="/t", root=tmp_path, environ={}, variables={}, timeout=1.0)
        return swap.plan(stage, applied, applied.outputs(), ZIPS)

    return plan


def test_a_function_of_the_zip_is_swapped_with_the_alias_that_follows_it(planned: Planned) -> None:
    assert planned() == [SWAP]


def test_what_is_not_of_the_zip_is_left_alone(planned: Planned) -> None:
    assert planned(function={"code_sha256": "other", "source_code_hash": "other"}) == []


def test_an_upload_of_the_zip_is_no_hindrance(planned: Planned) -> None:
    place = {"s3_key": "0abc.zip", "s3_bucket": "code"}
    upload = {"bucket": "code", "key": "0abc.zip", "source": "/app.zip"}

    assert planned(("aws_s3_object.code", upload), function=place) == [replace(SWAP, aliases=())]


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("aws_ssm_parameter.p", {"value": "version 0abc"}),
        ("aws_s3_object.other", {"bucket": "other", "key": "0abc.zip"}),
        ("aws_lambda_layer_version.l", {"source_code_hash": "q83v="}),
        ("aws_lambda_event_source_mapping.m", {"function_name": FUNCTION["qualified_arn"]}),
        ("aws_lambda_provisioned_concurrency_config.c", {"function_name": "greet", "qualifier": "7"}),
    ],
)
def test_what_else_depends_on_the_zip_takes_an_apply(
    planned: Planned, address: str, values: dict[str, Any]
) -> None:
    with pytest.raises(NotSwappableError, match=address):
        planned((address, values))


@pytest.mark.parametrize("value", ["0abc", "7", ["q83v="], FUNCTION["qualified_arn"]])
def test_an_output_that_depends_on_the_zip_takes_an_apply(planned: Planned, value: object) -> None:
    with pytest.raises(NotSwappableError, match="an output"):
        planned(outputs={"which": value})


def test_a_hash_in_the_functions_own_environment_takes_an_apply(planned: Planned) -> None:
    with pytest.raises(NotSwappableError, match=r"aws_lambda_function\.f"):
        planned(function={"environment": [{"variables": {"BUILD": "0abc"}}]})


@pytest.mark.parametrize(
    ("version", "aliases"),
    [
        ("aws_lambda_function.f.version", ("live",)),
        ("coalesce(var.pinned, aws_lambda_function.f.version)", ("live",)),
        ('"7"', ()),
    ],
)
def test_an_alias_moves_if_terraform_would_move_it(
    planned: Planned, version: str, aliases: tuple[str, ...]
) -> None:
    declared = DECLARED.replace("aws_lambda_function.f.version", version)

    assert planned(declared=declared) == [replace(SWAP, aliases=aliases)]


def test_an_alias_of_another_version_stays(planned: Planned) -> None:
    assert planned(("aws_lambda_alias.a", ALIAS | {"function_version": "3"})) == [replace(SWAP, aliases=())]


def test_an_alias_whose_version_is_ignored_stays(planned: Planned) -> None:
    ignoring = ".version\n  lifecycle {\n    ignore_changes = [function_version]\n  }"

    assert planned(declared=DECLARED.replace(".version", ignoring)) == [replace(SWAP, aliases=())]


@pytest.mark.parametrize(
    ("declared", "variables"),
    [
        (DECLARED.replace("aws_lambda_function.f.version", "local.chosen"), {}),
        (
            DECLARED.replace(
                "aws_lambda_function.f.version", "coalesce(var.pinned, aws_lambda_function.f.version)"
            ),
            {"pinned": "7"},
        ),
    ],
)
def test_an_alias_that_may_be_pinned_takes_an_apply(
    planned: Planned, declared: str, variables: dict[str, str]
) -> None:
    with pytest.raises(NotSwappableError, match=r"aws_lambda_alias\.a"):
        planned(declared=declared, variables=variables)


@pytest.mark.parametrize(
    ("lifecycle", "why"),
    [
        ("ignore_changes = [source_code_hash]", "ignores changes of source_code_hash"),
        ("replace_triggered_by = [aws_iam_role.r]", "is replaced"),
    ],
)
def test_a_lifecycle_of_its_own_takes_an_apply(planned: Planned, lifecycle: str, why: str) -> None:
    with pytest.raises(NotSwappableError, match=why):
        planned(declared=DECLARED.replace('"app.zip"', f'"app.zip"\n  lifecycle {{\n    {lifecycle}\n  }}'))


class Lambda:
    """Notes each call. An update takes a moment."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, str | bytes]]] = []
        self._statuses = ["InProgress", "Successful"]

    def get_function_configuration(self, **_given: str) -> dict[str, str]:
        status = self._statuses.pop(0)
        self.calls.append((status, {}))
        return {"LastUpdateStatus": status}

    def publish_version(self, **given: str) -> dict[str, str]:
        self.calls.append(("publish", given))
        return {"Version": "8"}

    def update_function_code(self, **given: str | bytes) -> None:
        self.calls.append(("code", given))

    def update_alias(self, **given: str) -> None:
        self.calls.append(("alias", given))


def test_the_code_is_there_before_its_version_and_that_before_the_alias_moves(tmp_path: Path) -> None:
    zipped, client = tmp_path / "app.zip", Lambda()
    zipped.write_bytes(b"PK")

    carry_out(replace(SWAP, zip=str(zipped)), client)

    assert client.calls == [
        ("code", {"FunctionName": "greet", "ZipFile": b"PK"}),
        ("InProgress", {}),
        ("Successful", {}),
        ("publish", {"FunctionName": "greet"}),
        ("alias", {"FunctionName": "greet", "Name": "live", "FunctionVersion": "8"}),
    ]


def test_it_can_be_noted(tmp_path: Path) -> None:
    note = tmp_path / "note.json"
    note.write_text(json.dumps(SWAP.as_note()), "utf-8")

    assert Swap.from_note(json.loads(note.read_text("utf-8"))) == SWAP
