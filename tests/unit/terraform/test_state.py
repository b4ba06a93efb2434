from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import StateError
from harness.terraform import state

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = 'provider["registry.terraform.io/hashicorp/aws"]'


def held(provider: str = PROVIDER, **attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    return {"mode": "managed", "provider": provider, "instances": [{"attributes": attributes}]}


def written(folder: Path, *resources: dict[str, Any]) -> Path:
    file = folder / "terraform.tfstate"
    file.write_text(json.dumps({"resources": resources}), "utf-8")
    return file


def test_the_region_is_that_of_the_provider_without_an_alias(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        held(arn="arn:aws:iam::000000000000:role/r"),
        held(arn="arn:aws:sqs:us-east-1:000000000000:q"),
        held(f"{PROVIDER}.west", arn="arn:aws:sqs:us-west-2:000000000000:q"),
        held(f"{PROVIDER}.west", arn="arn:aws:sqs:us-west-2:000000000000:r"),
    )

    assert state.region(file) == "us-east-1"


def test_a_bucket_tells_its_region_though_its_arn_does_not(tmp_path: Path) -> None:
    assert state.region(written(tmp_path, held(arn="arn:aws:s3:::b", region="us-east-1"))) == "us-east-1"


@pytest.mark.parametrize("text", ["", "{}", "applied"])
def test_a_state_without_resources_tells_no_region(tmp_path: Path, text: str) -> None:
    file = tmp_path / "terraform.tfstate"
    file.write_text(text, "utf-8")

    assert state.region(file) == ""


def test_init_that_has_left_no_word_is_not_trusted(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="`terraform init` has left no record"):
        state.check_is_local(tmp_path)


def test_resources_are_found_with_their_addresses(tmp_path: Path) -> None:
    function = {"mode": "managed", "type": "aws_lambda_function", "name": "f", "provider": PROVIDER}
    file = written(
        tmp_path,
        function | {"instances": [{"attributes": {"filename": "a.zip"}}]},
        function
        | {"module": "module.m", "instances": [{"index_key": "b", "attributes": {}}, {"index_key": 0}]},
        function | {"type": "aws_iam_role", "instances": [{}]},
        function | {"mode": "data", "instances": [{}]},
    )

    found = state.resources(file, "aws_lambda_function")

    assert [one.address for one in found] == [
        "aws_lambda_function.f",
        'module.m.aws_lambda_function.f["b"]',
        "module.m.aws_lambda_function.f[0]",
    ]
    assert found[0].values == {"filename": "a.zip"}


def test_the_resources_are_those_of_all_modules_without_what_is_only_read(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {**held(name="a"), "type": "aws_x", "name": "a"},
        {**held(name="d"), "type": "aws_x", "name": "d", "mode": "data"},
        {
            "mode": "managed",
            "module": "module.m.module.n[0]",
            "type": "aws_z",
            "name": "c",
            "instances": [{"index_key": "k", "attributes": {}}, {"index_key": 1, "attributes": {}}],
        },
    )

    assert [found.address for found in state.resources(file)] == [
        "aws_x.a",
        'module.m.module.n[0].aws_z.c["k"]',
        "module.m.module.n[0].aws_z.c[1]",
    ]
    (own,) = state.resources(file, "aws_x")
    assert own.values == {"name": "a"}


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]"])
def test_what_is_no_state_has_nothing(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "terraform.tfstate"
    if text is not None:
        file.write_text(text, "utf-8")

    assert (state.resources(file), state.outputs(file), state.region(file)) == ([], {}, "")


def test_the_outputs_are_those_of_the_root(tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfstate"
    told = {
        "a": {"value": [1], "type": ["list", "number"]},
        "b": {"value": "x", "type": "string", "sensitive": True},
    }
    file.write_text(json.dumps({"outputs": told}), "utf-8")

    assert state.outputs(file) == {"a": [1], "b": "x"}


def test_the_secrets_of_a_state_are_its_sensitive_outputs_and_attributes(tmp_path: Path) -> None:
    instance = {
        "attributes": {"password": "p", "user": "u"},
        "sensitive_attributes": [[{"type": "get_attr", "value": "password"}]],
    }
    file = tmp_path / "terraform.tfstate"
    outputs = {"a": {"value": ["s"], "sensitive": True}, "b": {"value": "open"}}
    file.write_text(json.dumps({"outputs": outputs, "resources": [{"instances": [instance]}]}), "utf-8")

    assert state.secrets(file) == [["s"], "p"]
