from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from harness import Endpoint, Settings, SettingsError, backends
from harness.backends import container
from harness.backends.backend import Availability, Backend
from harness.backends.host import HOST, LOCALEMU
from harness.errors import NeedsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def outside(_settings: Settings) -> Iterator[Endpoint]:
    yield Endpoint(backend="outside", url="http://127.0.0.1:1", region="eu-north-1")


def test_a_built_in_backend_is_found_by_its_name() -> None:
    assert backends.load("host") is HOST
    assert backends.load("localemu") is LOCALEMU


def test_a_backend_from_outside_is_found_by_its_dotted_name() -> None:
    assert backends.load(f"{__name__}:outside").start is outside


@pytest.mark.parametrize(
    ("missing", "chosen", "told"),
    [
        ("", "container", "backend: container, as a Docker engine answers and "),
        ("no Docker engine answers", "host", "backend: host, as no Docker engine answers"),
    ],
)
def test_auto_picks_one_and_says_which_and_why(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    missing: str,
    chosen: str,
    told: str,
) -> None:
    ran: list[str] = []
    found = Availability(ok=not missing, state=missing or "a Docker engine answers and has the image")
    for name in ("container", "host"):
        start: Any = partial(lambda name, _: ran.append(name), name)
        stand_in = Backend(name=name, start=start, examine=lambda _: found)
        monkeypatch.setitem(backends.BUILT_IN, name, f"{__name__}:{name}_stand_in")
        monkeypatch.setitem(globals(), f"{name}_stand_in", stand_in)

    with caplog.at_level("INFO", "harness"):
        backends.load("auto").start(settings)

    assert ran == [chosen]
    assert caplog.messages[0].startswith(told)


def test_auto_goes_without_the_extra(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "harness.backends.docker_engine", raising=False)
    monkeypatch.delitem(sys.modules, "harness.backends.container", raising=False)
    monkeypatch.setitem(sys.modules, "testcontainers.core.container", None)

    chosen, reason = backends.choose(settings)

    assert chosen.name == "host"
    assert "terraform-lambda-harness[container]" in reason


@pytest.fixture
def root(settings: Settings, tmp_path: Path) -> Callable[[str], Settings]:
    """Return a function that writes a root with one text."""

    def make(text: str) -> Settings:
        (tmp_path / "main.tf").write_text(text, "utf-8")
        return replace(settings, terraform_dir=tmp_path, variables={}, backend="auto")

    return make


@pytest.fixture
def _no_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "unavailable", lambda _: "no Docker engine answers")


HTTP_API = 'resource "aws_apigatewayv2_api" "a" {}\n'
TRAIL = 'resource "aws_xray_group" "a" {}\n'
JAVA = 'resource "aws_lambda_function" "a" { runtime = "java21" }\n'


@pytest.mark.usefixtures("_no_docker")
@pytest.mark.parametrize(
    ("text", "chosen", "reason"),
    [
        ("", "host", "no Docker engine answers"),
        (HTTP_API, "ministack", "host lacks HTTP and WebSocket APIs"),
        (HTTP_API + TRAIL, "ministack", "host lacks HTTP and WebSocket APIs"),
        (TRAIL, "host", "no Docker engine answers"),  # neither has it
    ],
)
def test_auto_takes_a_later_one_only_if_that_can_do_more_of_what_the_root_needs(
    root: Callable[[str], Settings], text: str, chosen: str, reason: str
) -> None:
    found, told = backends.choose(root(text))

    assert found.name == chosen
    assert told.startswith(reason)


@pytest.mark.usefixtures("_no_docker")
def test_a_root_that_needs_what_the_backend_lacks_is_refused_with_those_that_can(
    root: Callable[[str], Settings],
) -> None:
    settings = root(HTTP_API + JAVA)

    with pytest.raises(NeedsError) as caught:
        backends.check_needs(replace(settings, backend="host"))

    assert str(caught.value).splitlines() == [
        "backend 'host' can't do what this root needs:",
        (
            "  HTTP and WebSocket APIs (API Gateway v2) (aws_apigatewayv2_api.a, main.tf:1): "
            "ministack and localemu can"
        ),
        (
            "  runtime java21 (aws_lambda_function.a, main.tf:2): "
            "container with HARNESS_LAMBDA_EXECUTOR=docker can"
        ),
        "choose another backend with HARNESS_BACKEND, or apply anyway with HARNESS_CHECK_NEEDS=false",
    ]
    with pytest.raises(NeedsError, match="backend 'ministack' can't do"):
        backends.check_needs(settings)
    with pytest.raises(NeedsError, match="backend 'host' can't do"):
        backends.check_needs(settings, running="host")
    backends.check_needs(replace(settings, backend="aws"))
    backends.check_needs(replace(settings, backend="host", check_needs=False))
    backends.check_needs(settings, running="somebody's own")


@pytest.mark.parametrize(
    ("environ", "executor", "feature", "lacks"),
    [
        ({}, "process", "runtime python3.13", False),
        ({}, "process", "runtime python3.12", True),
        ({}, "process", "runtime provided.al2023", False),
        ({}, "process", "container images", True),
        ({}, "docker", "runtime java21", False),
        ({}, "docker", "container images", False),
        ({}, "process", "apigatewayv2", True),
        ({"LOCALSTACK_AUTH_TOKEN": "t"}, "process", "apigatewayv2", False),
    ],
)
def test_what_a_container_lacks_depends_on_its_settings(
    settings: Settings,
    environ: dict[str, str],
    executor: str,
    feature: str,
    lacks: bool,  # noqa: FBT001
) -> None:
    given = replace(settings, environ=environ, lambda_executor=executor)

    assert backends.load("container").lacks(given, feature) == lacks


@pytest.mark.parametrize(
    "name", ["hosst", "json", "no_such_module:function", "harness:no_such_function", ":", ""]
)
def test_an_unknown_backend_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(
        SettingsError, match=r"HARNESS_BACKEND: expected one of auto, .*host, .*or an importable"
    ):
        backends.load(name)
