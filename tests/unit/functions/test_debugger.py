"""A function that waits for a debugger: the checks before it does, and its plan."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import socket
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from harness import Endpoint, HarnessError, Settings, SettingsError
from harness.functions.debugger import debugged

if TYPE_CHECKING:
    from harness.stack.deployment import Deployment


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "functions" / "greet").mkdir(parents=True)
    (tmp_path / "functions" / "greet" / "app.py").write_text("GREETING = 1\n", "utf-8")
    (tmp_path / "functions" / "app.py").write_text("OTHER = 1\n", "utf-8")
    return Settings.from_env({}, tmp_path)


@pytest.fixture
def stack(settings: Settings, tmp_path: Path) -> Deployment:
    return made(settings, tmp_path)


def made(settings: Settings, folder: Path, *, backend: str = "ministack", **config: Any) -> Deployment:  # noqa: ANN401
    """Return a stack whose function was deployed from a zip beside its root."""
    zipped = folder / "root" / "greet.zip"
    zipped.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.write(settings.project / "functions" / "greet" / "app.py", "app.py")
        archive.writestr("library.py", "LIBRARY = 1\n")
    digest = base64.b64encode(hashlib.sha256(zipped.read_bytes()).digest()).decode()
    known = {"Runtime": "python3.13", "CodeSha256": digest}
    (folder / "tools").mkdir(exist_ok=True)
    log = folder / "log" if backend in {"host", "ministack"} else None
    endpoint = Endpoint(backend=backend, url="http://127.0.0.1:1", region="eu-north-1", log=log)
    client = SimpleNamespace(get_function_configuration=lambda **_: known | config)
    resource = SimpleNamespace(values={"function_name": "greet", "filename": "greet.zip"})
    found = SimpleNamespace(
        endpoint=endpoint,
        client=lambda _: client,
        resources=lambda _: [resource],
        terraform=SimpleNamespace(root=zipped.parent),
    )
    return cast("Deployment", found)


def test_the_plan_says_where_the_code_stands_in_the_project(
    stack: Deployment, settings: Settings, tmp_path: Path
) -> None:
    told: list[str] = []
    with debugged(stack, "greet", settings, port=free_port(), tell=told.append):
        (file,) = (tmp_path / "tools").glob("debugger-*.json")
        plan = json.loads(file.read_bytes())
        assert plan["function"] == "greet"
        assert plan["roots"] == [["/var/task", str(settings.project / "functions" / "greet")]]
        assert Path(plan["library"]).name == "debugpy"

    assert list((tmp_path / "tools").iterdir()) == []


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_backend_whose_functions_are_elsewhere_is_refused(settings: Settings, tmp_path: Path) -> None:
    stack = made(settings, tmp_path, backend="container")

    with (
        pytest.raises(SettingsError, match="host, localemu or ministack"),
        debugged(stack, "greet", settings, port=0, tell=print),
    ):
        pass


def test_a_function_of_another_language_is_refused(settings: Settings, tmp_path: Path) -> None:
    stack = made(settings, tmp_path, Runtime="provided.al2023")

    with (
        pytest.raises(SettingsError, match=r"a function in Python or Node\.js, got 'provided\.al2023'"),
        debugged(stack, "greet", settings, port=0, tell=print),
    ):
        pass


def test_a_port_that_is_taken_is_refused(stack: Deployment, settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(SettingsError, match=f"--port: expected a free port.*{port}"),
            debugged(stack, "greet", settings, port=port, tell=print),
        ):
            pass


def test_without_debugpy_it_says_how_to_get_it(
    stack: Deployment, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    with (
        pytest.raises(HarnessError, match=r"install `terraform-lambda-harness\[debug\]`"),
        debugged(stack, "greet", settings, port=0, tell=print),
    ):
        pass


def test_a_zip_that_is_not_here_leaves_the_mapping_to_the_editor(settings: Settings, tmp_path: Path) -> None:
    stack = made(settings, tmp_path, CodeSha256=base64.b64encode(b"other").decode())

    with debugged(stack, "greet", replace(settings), port=free_port(), tell=print):
        (file,) = (tmp_path / "tools").glob("debugger-*.json")
        assert json.loads(file.read_bytes())["roots"] == []
