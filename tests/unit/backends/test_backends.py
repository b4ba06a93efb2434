from __future__ import annotations

import sys

import pytest

from harness import Settings, SettingsError, backends
from harness.backends.host import host


def test_a_built_in_backend_is_found_by_its_name() -> None:
    assert backends.load("host") is host


def test_a_backend_from_outside_is_found_by_its_dotted_name() -> None:
    assert backends.load("harness.backends.host:host") is host


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
    monkeypatch.setattr("harness.backends.container.unavailable", lambda _: missing)
    for name in ("container", "host"):
        monkeypatch.setitem(backends.BUILT_IN, name, f"{__name__}:{name}_stand_in")
        monkeypatch.setitem(globals(), f"{name}_stand_in", lambda _, name=name: ran.append(name))

    with caplog.at_level("INFO", "harness"):
        backends.load("auto")(settings)

    assert ran == [chosen]
    assert caplog.messages[0].startswith(told)


def test_auto_goes_without_the_extra(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "harness.backends.docker_engine", raising=False)
    monkeypatch.delitem(sys.modules, "harness.backends.container", raising=False)
    monkeypatch.setitem(sys.modules, "testcontainers.core.container", None)

    assert backends._chosen(settings)[0] == "host"
    assert "terraform-lambda-harness[container]" in backends._chosen(settings)[1]


@pytest.mark.parametrize(
    "name", ["hosst", "json", "no_such_module:function", "harness:no_such_function", ":", ""]
)
def test_an_unknown_backend_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(
        SettingsError, match=r"HARNESS_BACKEND: expected one of auto, .*host, .*or an importable"
    ):
        backends.load(name)
