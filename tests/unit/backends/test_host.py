from __future__ import annotations

import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import BackendError, Settings, SettingsError
from harness.backends import host, localstack
from harness.backends.localstack import Distribution
from harness.base import environments

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.backends.backend import Backend


@pytest.fixture
def fake_localstack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace LocalStack's interpreter by a shell script, which may also build the index of its services."""

    def install(script: str, index: str = "exit 0") -> None:
        program = tmp_path / "environment" / "bin" / "python"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\ncase "$2" in *.aws.spec) {index} ;; esac\n{script}\n', "utf-8")
        program.chmod(0o755)
        monkeypatch.setattr(environments, "install", lambda *_: program)

    return install


def start(settings: Settings, backend: Backend = host.HOST) -> None:
    with backend.start(settings):
        pytest.fail("it started")


def test_a_python_that_localstack_cannot_run_on_is_refused(settings: Settings, tmp_path: Path) -> None:
    old = tmp_path / "python3.11"
    old.write_text("#!/bin/sh\necho 3 11\n", "utf-8")
    old.chmod(0o755)

    with pytest.raises(
        SettingsError, match=r"HARNESS_PYTHON: expected Python 3\.13, .*python3\.11 \(Python 3\.11\)"
    ):
        start(replace(settings, python=old))


def test_a_busy_port_is_refused_before_anything_starts(
    settings: Settings, fake_localstack: Callable[..., None]
) -> None:
    fake_localstack("exit 1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(BackendError, match=f"port {port} is taken; .* HARNESS_PORT=0"):
            start(replace(settings, port=port))


def test_an_emulator_that_ends_early_is_an_error_with_its_last_lines(
    settings: Settings, fake_localstack: Callable[..., None]
) -> None:
    fake_localstack("echo 'cannot import cbor2'; exit 7")

    with pytest.raises(
        BackendError,
        match=r"ended with exit code 7 before it was healthy\nits last lines:\n  cannot import cbor2",
    ) as caught:
        start(settings)

    assert caught.value.log == ("cannot import cbor2",)


def test_an_emulator_that_never_gets_healthy_is_an_error_with_its_last_lines(
    settings: Settings, fake_localstack: Callable[..., None]
) -> None:
    fake_localstack("echo 'still loading'; sleep 600")

    with pytest.raises(
        BackendError, match=r"(?s)waited 1 s for http://.*/_localstack/health to answer 200.*still loading"
    ):
        start(replace(settings, start_timeout=1))


def test_the_index_of_services_is_built_once_and_each_emulator_has_a_copy(
    settings: Settings, fake_localstack: Callable[..., None], tmp_path: Path
) -> None:
    builds = tmp_path / "builds"
    kept = "$FILESYSTEM_ROOT/usr/lib/localstack/index"
    fake_localstack(f"cat {kept}; exit 7", index=f"echo built | tee -a {builds} > {kept}; exit 0")

    for _ in range(2):
        with pytest.raises(BackendError, match=r"its last lines:\n  built$"):
            start(settings)

    assert builds.read_text("utf-8") == "built\n"


def test_an_index_that_cannot_be_built_is_an_error_with_its_last_lines(
    settings: Settings, fake_localstack: Callable[..., None]
) -> None:
    fake_localstack("exit 0", index="echo no such model >&2; exit 3")

    with pytest.raises(BackendError, match=r"(?s)index of LocalStack .* could not be built.*no such model"):
        start(settings)


def test_an_installation_that_fails_is_an_error_that_says_why(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.txt"
    broken.write_text("broken @ file:///nowhere\n", "utf-8")
    monkeypatch.setattr(Distribution, "requirements", broken)
    of_this_python = replace(localstack.LOCALSTACK, pythons=(sys.version_info[:2],))
    backend = host.process_backend("host", lambda _: of_this_python)

    with pytest.raises(BackendError, match=r"(?s)could not be installed; is PyPI reachable\?.*nowhere"):
        start(replace(settings, python=Path(sys.executable)), backend)


@pytest.mark.parametrize(("told", "mode"), [("enforce", "1"), ("soft", "soft"), ("off", "0")])
def test_localemu_is_told_what_to_do_with_calls_that_are_not_allowed(
    settings: Settings, fake_localstack: Callable[..., None], told: str, mode: str
) -> None:
    fake_localstack('echo "enforcement: $IAM_ENFORCEMENT."; exit 7')

    with pytest.raises(BackendError, match=rf"enforcement: {mode}\."):
        start(replace(settings, localemu_iam=told), host.LOCALEMU)


@pytest.mark.parametrize("version", ["4.14.0", "2026.3.0"])
def test_the_settings_choose_the_version_of_localstack(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    installed: list[str] = []

    def install(_settings: Settings, name: str, requirements: Path) -> Path:
        installed.extend((name, *requirements.read_text("utf-8").splitlines()))
        raise BackendError("host", "enough")

    monkeypatch.setattr(environments, "install", install)
    chosen = Settings.from_env({**settings.environ, "HARNESS_LOCALSTACK_VERSION": version}, settings.project)

    with pytest.raises(BackendError, match="enough"):
        start(chosen)

    assert installed[0] == f"localstack-{version}"
    assert f"localstack-core=={version}" in installed
    assert host.HOST.edition(chosen) == version
