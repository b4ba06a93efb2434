from __future__ import annotations

from pathlib import Path

import pytest
from lambda_process_executor.runtimes import Command, NodeJs, Provided, RefusedError, refusal, runtime_of
from lambda_process_executor.toolchains import Toolchain
from lambda_process_executor.view import ON_LAMBDA, View

from .conftest import own_python


@pytest.mark.parametrize(
    "runtime", ["python3.9", "python3.14", "nodejs22.x", "provided.al2023", "provided.al2", "provided"]
)
def test_what_needs_no_docker_is_not_refused(runtime: str) -> None:
    assert refusal(runtime, "Zip") == ""


@pytest.mark.parametrize(
    ("runtime", "package_type", "named"),
    [
        ("java21", "Zip", "runtime java21"),
        ("dotnet8", "Zip", "runtime dotnet8"),
        ("ruby3.4", "Zip", "runtime ruby3.4"),
        ("python2.7", "Zip", "runtime python2.7"),
        (None, "Image", "package type Image"),
    ],
)
def test_what_needs_docker_is_refused_with_the_way_out(
    runtime: str | None, package_type: str, named: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        runtime_of("f", runtime, package_type)

    assert str(caught.value).startswith(f"function f: {named} can't run without Docker")
    assert "HARNESS_LAMBDA_EXECUTOR=docker" in str(caught.value)


def test_a_tree_is_compiled_but_for_what_does_not_compile(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("def where(): return where.__code__.co_filename", "utf-8")
    (tmp_path / "bad.py").write_text("x =", "utf-8")

    own_python().finish(tmp_path, ON_LAMBDA.code)

    (compiled,) = tmp_path.glob("__pycache__/*.pyc")
    assert compiled.name.startswith("good.")
    assert b"/var/task/good.py" in compiled.read_bytes()


def test_a_bootstrap_is_looked_for_in_the_code_then_in_the_layers(tmp_path: Path) -> None:
    code, layers = tmp_path / "code", tmp_path / "layers"
    code.mkdir()
    layers.mkdir()

    assert "found none" in Provided().problem(code, layers)

    for place in (layers, code):
        program = place / "bootstrap"
        program.write_text("#!/bin/bash", "utf-8")
        program.chmod(0o755)
        assert Provided().problem(code, layers) == ""
        shown = ON_LAMBDA.layers if place == layers else ON_LAMBDA.code
        assert Provided().command("any", ON_LAMBDA, code).argv == (str(shown / "bootstrap"),)


def test_node_js_finds_modules_in_layers_then_beside_the_code(tmp_path: Path) -> None:
    tools = Toolchain(
        program=Path("/n/bin/node"), packages=Path("/p/node_modules"), client=Path("/r/dist/index.mjs")
    )

    shown = NodeJs("22", tools).command("app.handler", ON_LAMBDA, tmp_path)
    in_place = View(code=tmp_path, layers=tmp_path / "layers", tmp=tmp_path)
    seen = NodeJs("22", tools).command("app.handler", in_place, tmp_path)

    assert shown.argv[0] == "/n/bin/node"
    assert shown.argv[-1] == "/r/dist/index.mjs"
    assert shown.packages == Path("/p/node_modules")
    assert shown.variables == {"NODE_PATH": "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules"}
    assert seen.variables["NODE_PATH"].endswith("/layers/nodejs/node_modules:/p/node_modules")
    assert {Path("/n"), Path("/p"), Path("/r/dist")} <= set(shown.kept)


def test_a_wrapper_is_started_in_the_place_of_a_managed_runtime_only() -> None:
    managed = own_python().command("app.handler", ON_LAMBDA, Path("/code"))
    provided = Provided().command("any", ON_LAMBDA, Path("/code"))

    wrapper = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
    assert managed.suited_to(wrapper).argv == ("/opt/wrapper", *managed.argv)
    assert managed.suited_to({}) == managed
    assert provided.suited_to(wrapper) == provided


def test_what_lambda_switches_off_in_node_js_is_off_unless_the_function_asks_for_it() -> None:
    command = Command(argv=("node", "client.mjs"), switched_off=("experimental-a", "experimental-b"))

    assert command.suited_to({}).argv == ("node", "--no-experimental-a", "--no-experimental-b", "client.mjs")
    assert command.suited_to({"NODE_OPTIONS": "--trace-exit --experimental-b"}).argv == (
        "node",
        "--no-experimental-a",
        "client.mjs",
    )
