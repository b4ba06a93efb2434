from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness import SettingsError
from harness.terraform.hcl.overrides import StateOfEach
from harness.terraform.hcl.remote_state import in_order, states_read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def s3(key: str, bucket: str = '"states"') -> str:
    attributes = f'bucket = {bucket}\nkey = "{key}"\nregion = "x"'
    return f'terraform {{\nbackend "s3" {{\n{attributes}\n}}\n}}\n'


def reading(name: str, config: str, backend: str = "s3") -> str:
    return f'data "terraform_remote_state" "{name}" {{\n  backend = "{backend}"\n  config = {config}\n}}\n'


def at(key: str) -> str:
    return f'{{\n    bucket = "states"\n    key    = "{key}"\n    region = "another"\n  }}'


@pytest.fixture
def root(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a root, given its name and its text."""

    def make(name: str, text: str = "") -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(text, "utf-8")
        return folder

    return make


def test_the_state_is_that_of_the_root_whose_backend_has_the_same_key(root: Callable[..., Path]) -> None:
    network, data = root("network", s3("network")), root("data", s3("data"))
    app = root("app", reading("net", at("network")) + reading("other", at("nobody")))

    assert states_read(app, {network: network / "n", data: data / "d"}) == {app: {"net": network / "n"}}


@pytest.mark.parametrize(
    "config",
    [
        '{ bucket = "states", key = "network" }',
        '{ bucket = var.bucket, key = "network" }',
        '{ "bucket" : "states", "key" : "network" }',
    ],
)
def test_a_config_may_be_written_in_any_way(root: Callable[..., Path], config: str) -> None:
    network = root("network", s3("network", bucket="var.bucket"))
    app = root("app", reading("net", config))

    assert states_read(app, {network: network / "n"}) == {app: {"net": network / "n"}}


def test_json_is_read_too(root: Callable[..., Path]) -> None:
    network, app = root("network", s3("network")), root("app")
    config = {"backend": "s3", "config": {"bucket": "states", "key": "network"}}
    declared = {"data": {"terraform_remote_state": {"net": config}}}
    (app / "more.tf.json").write_text(json.dumps(declared), "utf-8")

    assert states_read(app, {network: network / "n"}) == {app: {"net": network / "n"}}


@pytest.mark.parametrize(
    "path", ["../network/terraform.tfstate", "${path.module}/../network/terraform.tfstate"]
)
def test_a_local_state_is_found_by_its_path(root: Callable[..., Path], path: str) -> None:
    network = root("network")
    app = root("app", reading("net", f'{{\n    path = "{path}"\n  }}', backend="local"))

    assert states_read(app, {network: network / "n"}) == {app: {"net": network / "n"}}


def test_a_module_reads_a_state_for_its_root(root: Callable[..., Path]) -> None:
    network = root("network", s3("network"))
    app = root("app", 'module "m" {\n  source = "./m"\n}\n')
    module = root("app/m", reading("net", at("network")))

    assert states_read(app, {network: network / "n"}) == {module: {"net": network / "n"}}


PARTIAL = 'terraform {\n  backend "s3" {}\n}\n'  # the rest is in a file for -backend-config
COMPUTED = '{ bucket = var.bucket, key = "${var.env}/network.tfstate" }'


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("net", COMPUTED),
        ("net", '{ bucket = "states", key = "dev/network/terraform.tfstate" }'),
        ("network", "{ bucket = var.bucket, key = var.network_key }"),
    ],
)
def test_a_place_that_no_file_tells_is_known_by_the_name_of_the_root(
    root: Callable[..., Path], name: str, config: str
) -> None:
    network, data = root("network", PARTIAL), root("data", PARTIAL)
    app = root("app", PARTIAL + reading(name, config))

    assert states_read(app, {network: network / "n", data: data / "d"}) == {app: {name: network / "n"}}


def test_the_only_root_that_may_have_it_is_taken(root: Callable[..., Path]) -> None:
    shared, other = root("shared", PARTIAL), root("other", s3("elsewhere"))
    app = root("app", PARTIAL + reading("net", '{ bucket = "states", key = "n.tfstate" }'))

    assert states_read(app, {shared: shared / "s", other: other / "o"}) == {app: {"net": shared / "s"}}


def test_none_is_taken_where_two_may_have_it(root: Callable[..., Path]) -> None:
    one, two = root("one", PARTIAL), root("two", PARTIAL)
    app = root("app", PARTIAL + reading("net", "{ key = var.key }"))

    assert states_read(app, {one: one / "1", two: two / "2"}) == {}


def test_one_block_may_read_several_states(root: Callable[..., Path]) -> None:
    network, data, other = (
        root("network", s3("net")),
        root("data", PARTIAL),
        root("other", s3("o", '"others"')),
    )
    config = '{ bucket = "states", key = each.key }'
    declared = reading("all", config).replace("{", '{\n  for_each = toset(["net", "data/x"])', 1)
    app = root("app", declared)
    states = {network: network / "n", data: data / "d", other: other / "o"}

    by_text = {'"key":"net"': network / "n", "data": data / "d"}
    assert states_read(app, states) == {app: {"all": StateOfEach(config=config, states=by_text)}}
    assert in_order([app, data, network]) == [data, network, app]


def test_each_root_comes_after_those_that_it_reads(root: Callable[..., Path]) -> None:
    app = root("app", s3("app") + reading("d", at("data")) + reading("n", at("network")))
    data = root("data", s3("data") + reading("n", at("network")))
    network = root("network", s3("network") + reading("itself", at("network")))

    assert in_order([app, data, network]) == [network, data, app]


def test_a_circle_is_refused_by_name(root: Callable[..., Path]) -> None:
    one = root("one", s3("one") + reading("two", at("two")))
    two = root("two", s3("two") + reading("one", at("one")))

    with pytest.raises(
        SettingsError,
        match=r"\[\[tool.harness.roots\]\]: expected roots that can be applied one after another, "
        "got 'a circle, (one -> two -> one|two -> one -> two)'",
    ):
        in_order([one, two])


def test_roots_that_read_no_state_are_applied_in_their_order(root: Callable[..., Path]) -> None:
    writer = root("writer", s3("network"))
    before = root("before")
    reader = root("reader", reading("network", at("network")))
    main = root("main")

    assert in_order([before, reader, writer, main]) == [before, writer, reader, main]
