from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness import BackendError, Settings, SettingsError
from harness.backends import container as module
from harness.backends import docker_engine, localstack
from harness.backends.container import container, unavailable
from harness.backends.docker_engine import PullProgress, labels
from harness.base import environments
from harness.base.journal import is_orphan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.backends.localstack import Distribution

VENV = "home = /usr/local/bin\ninclude-system-site-packages = false\nversion = 3.13.1\n"
VIRTUALENV = "home = /opt/python/bin\nimplementation = CPython\nversion_info = 3.12.4.final.0\n"


@dataclass(frozen=True)
class FakeImage:
    labels: dict[str, str] = field(default_factory=dict)
    attrs: dict[str, str] = field(default_factory=lambda: {"Architecture": "amd64"})
    tags: tuple[str, ...] = ("some/image:1",)


@dataclass(frozen=True)
class FakeNetwork:
    name: str = "private-1"


@dataclass(frozen=True)
class FakeEngine:
    """An engine on this machine. `config` is the pyvenv.cfg of its images."""

    config: str | None = VENV
    is_here: bool = True
    networks: list[FakeNetwork] = field(default_factory=list)  # the existing ones

    @contextmanager
    def private_network(self) -> Iterator[FakeNetwork]:
        self.networks.append(FakeNetwork())
        yield self.networks[-1]
        self.networks.pop()

    def socket_mount(self) -> str:
        return "the engine's socket"

    def read(self, _image: object, path: str) -> str | None:
        assert path == "/opt/code/localstack/.venv/pyvenv.cfg"
        return self.config


@dataclass(frozen=True)
class Ended:
    how: str

    def ended(self) -> str:
        return self.how


@pytest.fixture(autouse=True)
def _no_image_known() -> None:
    module._emulator_of.cache_clear()


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{probe.getsockname()[1]}")


def functions_python(
    image: FakeImage, config: str | None, settings: Settings, folder: Path
) -> tuple[str, dict[Path, str]]:
    fake: Any = FakeEngine(config)
    return module._functions_python(settings, fake, image, folder)


class RemoteEngine(ThreadingHTTPServer):
    """A Docker engine elsewhere without images, whose registry takes `seconds` to answer with `status`."""

    def __init__(self, seconds: float, status: int) -> None:
        super().__init__(("127.0.0.2", 0), _EngineAnswer)
        self.seconds, self.status = seconds, status


class _EngineAnswer(BaseHTTPRequestHandler):
    server: RemoteEngine

    def do_GET(self) -> None:
        status = 404
        if self.path.endswith("/version"):
            status = 200
        elif "/distribution/" in self.path:
            time.sleep(self.server.seconds)
            status = self.server.status
        body = b'{"ApiVersion": "1.44", "Descriptor": {}, "message": "No such image: x"}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def remote_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that points Docker's client at an engine under another host name."""
    with ExitStack() as running:

        def start(*, registry_takes: float = 0.0, status: int = 200) -> None:
            server = running.enter_context(RemoteEngine(registry_takes, status))
            running.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.2:{server.server_port}")

        yield start


# Without Docker


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "harness.backends.docker_engine")
    monkeypatch.setitem(sys.modules, "testcontainers.core.container", None)

    with pytest.raises(BackendError, match=r"pip install 'terraform-lambda-harness\[container\]'"):
        importlib.import_module("harness.backends.docker_engine")


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_it_says_so(settings: Settings) -> None:
    with pytest.raises(BackendError, match="no Docker engine answers; start one, or set DOCKER_HOST"):
        with container(settings):
            pytest.fail("it started")


@pytest.mark.usefixtures("no_engine")
def test_whether_it_can_run_is_told_as_a_reason(settings: Settings) -> None:
    assert unavailable(settings).startswith("no Docker engine answers")


def test_nothing_is_left_open_where_no_engine_answers(tmp_path: Path) -> None:
    program = (
        "import gc, os; from harness import Settings; from harness.backends.container import unavailable\n"
    )
    program += "print(unavailable(Settings.from_env(os.environ))); gc.collect()"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("no Docker engine answers")
    assert "ResourceWarning" not in done.stderr


# An engine on another machine


def test_a_registry_may_take_longer_than_the_engine_itself(
    settings: Settings, remote_engine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER_TIMEOUT", 0.3)
    remote_engine(registry_takes=0.8)

    assert unavailable(settings) == ""


def test_a_registry_that_does_not_answer_is_not_waited_for(
    settings: Settings, remote_engine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REGISTRY_TIMEOUT", 0.3)
    remote_engine(registry_takes=0.8)

    assert "neither has the image localstack/localstack:4.14.0 nor can pull it" in unavailable(settings)


def test_an_image_that_no_registry_has_is_told(
    settings: Settings, remote_engine: Callable[..., None]
) -> None:
    remote_engine(status=404)

    assert "nor can pull it" in unavailable(settings)


def test_localstack_does_not_get_the_socket_of_an_engine_on_another_machine(
    settings: Settings, remote_engine: Callable[..., None]
) -> None:
    remote_engine()
    wanted = replace(settings, lambda_executor="docker")

    with pytest.raises(BackendError, match="whoever reaches LocalStack's port there would own it"):
        with container(wanted):
            pytest.fail("it started")
    assert "set process, or use an engine here" in unavailable(wanted)


def test_on_another_machine_every_address_is_published_and_a_warning_says_so(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere: Any = FakeEngine(is_here=False)

    plan = module._plan(replace(settings, port=4567), elsewhere, module.Extras(environ={}))

    assert (plan.address, plan.port) == ("0.0.0.0", 4567)  # noqa: S104 - it is what the warning is about
    assert "whoever reaches port 4567 there can use it" in caplog.text


def test_on_this_machine_the_loopback_interface_alone_is_published(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    here: Any = FakeEngine()

    assert module._plan(settings, here, module.Extras(environ={})).address == "127.0.0.1"
    assert caplog.text == ""


# The executor `docker`


def test_functions_in_containers_get_the_engines_socket_and_a_network_of_their_own(
    settings: Settings, tmp_path: Path
) -> None:
    docker: Any = FakeEngine()

    with module._functions(
        replace(settings, lambda_executor="docker"), docker, FakeImage(), tmp_path
    ) as extras:
        plan = module._plan(settings, docker, extras)
        assert docker.networks == list(plan.networks)

    assert plan.options["mounts"] == ["the engine's socket"]
    assert plan.environ["LAMBDA_RUNTIME_EXECUTOR"] == "docker"
    assert plan.environ["LAMBDA_DOCKER_NETWORK"] == "private-1"
    assert not plan.copies
    assert docker.networks == []


def test_functions_in_containers_carry_the_labels_that_a_sweep_looks_for(
    settings: Settings, tmp_path: Path
) -> None:
    docker: Any = FakeEngine()

    with module._functions(
        replace(settings, lambda_executor="docker"), docker, FakeImage(), tmp_path
    ) as extras:
        flags = extras.environ["LAMBDA_DOCKER_FLAGS"].split()

    assert flags[::2] == ["--label", "--label"]
    assert dict(flag.split("=", 1) for flag in flags[1::2]) == labels()


def test_functions_as_processes_get_neither_socket_nor_network(settings: Settings, tmp_path: Path) -> None:
    docker: Any = FakeEngine()
    image = FakeImage(labels={module.OWN_FUNCTIONS_LABEL: module._digest(localstack.LAMBDA_REQUIREMENTS)})

    with module._functions(settings, docker, image, tmp_path) as extras:
        assert docker.networks == []

    assert (list(extras.networks), list(extras.mounts)) == ([], [])
    assert extras.environ["LAMBDA_RUNTIME_EXECUTOR"] == "process"


@pytest.mark.parametrize(
    ("labels", "distribution"),
    [
        ({}, localstack.LOCALSTACK),
        ({"terraform-lambda-harness.emulator": "localstack"}, localstack.LOCALSTACK),
        ({"terraform-lambda-harness.emulator": "localemu"}, localstack.LOCALEMU),
    ],
)
def test_an_image_gets_the_plugins_for_the_emulator_in_it(
    settings: Settings, tmp_path: Path, labels: dict[str, str], distribution: Distribution
) -> None:
    docker: Any = FakeEngine()
    own = {module.OWN_FUNCTIONS_LABEL: module._digest(localstack.LAMBDA_REQUIREMENTS)}

    with module._functions(settings, docker, FakeImage(labels=own | labels), tmp_path) as extras:
        assert list(extras.copies) == distribution.plugins

    found = [f"/opt/terraform-lambda-harness/{guest}" for guest in distribution.guests]
    assert extras.environ["PYTHONPATH"].split(":") == found


def test_what_an_image_lacks_depends_on_the_emulator_in_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = {"mine:1": FakeImage(labels={"terraform-lambda-harness.emulator": "localemu"})}
    monkeypatch.setattr(docker_engine, "connected", lambda **_: nullcontext(SimpleNamespace(image=held.get)))

    lacks = {
        image: module.CONTAINER.lacks(replace(settings, image=image), "apigatewayv2")
        for image in ("mine:1", "localstack/localstack:4.14.0")
    }

    assert lacks == {"mine:1": False, "localstack/localstack:4.14.0": True}


def test_localemu_in_a_container_enforces_policies_as_the_settings_say(settings: Settings) -> None:
    environ = module._environ(replace(settings, localemu_iam="soft"), 4567)

    assert environ["IAM_ENFORCEMENT"] == "soft"


# The functions' environment


def test_an_image_that_has_the_functions_packages_gets_none(settings: Settings, tmp_path: Path) -> None:
    digest = module._digest(localstack.LAMBDA_REQUIREMENTS)
    image = FakeImage(labels={"terraform-lambda-harness.lambda-runtime": digest})

    assert functions_python(image, None, settings, tmp_path) == ("/opt/lambda-runtime/bin/python", {})


@pytest.mark.parametrize("digest", ["", "0123456789abcdef"])
@pytest.mark.parametrize(
    ("config", "python", "version"),
    [(VENV, "/usr/local/bin/python3.13", "3.13"), (VIRTUALENV, "/opt/python/bin/python3.12", "3.12")],
)
def test_any_other_image_gets_them_for_its_own_python(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    config: str,
    python: str,
    version: str,
    digest: str,
) -> None:
    asked: dict[str, str] = {}
    packages = tmp_path / "site-packages"

    def site_packages(*_: object, **wanted: str) -> Path:
        asked.update(wanted)
        return packages

    monkeypatch.setattr(environments, "site_packages", site_packages)
    image = FakeImage(labels={"terraform-lambda-harness.lambda-runtime": digest})

    found, copies = functions_python(image, config, settings, tmp_path)

    assert asked == {"python": version, "platform": "x86_64-manylinux_2_28"}
    assert found == "/opt/terraform-lambda-harness/lambda-runtime/bin/python"
    assert copies[packages] == f"/opt/terraform-lambda-harness/lambda-runtime/lib/python{version}"
    (skeleton,) = (source for source, target in copies.items() if target == "/opt/terraform-lambda-harness")
    assert str((skeleton / "bin" / "python").readlink()) == python


@pytest.mark.parametrize("config", [None, "", "home = /usr/bin\n"])
def test_an_image_without_localstack_is_refused(
    settings: Settings, tmp_path: Path, config: str | None
) -> None:
    with pytest.raises(BackendError, match=r"some/image:1.* is none of LocalStack"):
        functions_python(FakeImage(), config, settings, tmp_path)


def test_an_image_for_another_machine_is_refused(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="the image is for s390x; expected amd64 or arm64"):
        functions_python(FakeImage(attrs={"Architecture": "s390x"}), VENV, settings, tmp_path)


# The container's environment


def test_the_container_inherits_nothing_and_reaches_nobody(settings: Settings) -> None:
    environ = module._environ(replace(settings, environ={"HOME": "/me", "AWS_PROFILE": "mine"}), 4567)

    assert {"HOME", "AWS_PROFILE", "LOCALSTACK_AUTH_TOKEN"}.isdisjoint(environ)
    assert environ["HTTPS_PROXY"] == "http://127.0.0.1:9"
    assert environ["AWS_CONFIG_FILE"] == os.devnull
    assert environ["GATEWAY_LISTEN"] == "0.0.0.0:4567,0.0.0.0:4566"


def test_a_token_is_forwarded_and_may_be_checked(settings: Settings) -> None:
    environ = module._environ(replace(settings, environ={"LOCALSTACK_AUTH_TOKEN": "ls-1"}), 4567)

    assert environ[module.TOKEN] == "ls-1"
    assert environ["NO_PROXY"].split(",")[-1] == "api.localstack.cloud"


def test_a_busy_port_is_refused_before_anything_starts(settings: Settings) -> None:
    here: Any = FakeEngine()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(BackendError, match=f"port {port} is taken; .* HARNESS_PORT=0"):
            module._port(replace(settings, port=port), here)


def test_on_another_machine_the_port_is_not_looked_for_here(settings: Settings) -> None:
    elsewhere: Any = FakeEngine(is_here=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert module._port(replace(settings, port=port), elsewhere) == port
    assert module._port(settings, elsewhere) > 0


# Ends


def test_a_missing_licence_is_explained() -> None:
    started: Any = Ended("it ended with exit code 55")

    how = module.LocalStackContainer(started, "localstack/localstack:latest").ended()

    assert how.startswith("it ended with exit code 55 (the image localstack/localstack:latest wants a")
    assert "LOCALSTACK_AUTH_TOKEN" in how
    assert "4.14.0" in how


@pytest.mark.parametrize("how", ["", "it ended with exit code 1", "its container was removed"])
def test_any_other_end_is_told_as_it_is(how: str) -> None:
    started: Any = Ended(how)

    assert module.LocalStackContainer(started, "x").ended() == how


# The engine


@pytest.mark.parametrize(
    "said",
    [
        "driver failed programming external connectivity: Bind for 127.0.0.1:4566: port is already allocated",
        "listen tcp4 127.0.0.1:4566: bind: address already in use",
    ],
)
def test_a_port_that_the_engine_finds_taken_is_told_as_such(said: str) -> None:
    plan = docker_engine.Plan(image="x", environ={}, port=4566, address="127.0.0.1", copies={})

    assert docker_engine._unstartable(plan, OSError(said)).startswith("port 4566 is taken")
    assert docker_engine._unstartable(plan, OSError("no space\nleft")) == (
        "the engine can't start a container of x: no space left"
    )


def test_what_a_container_is_made_of_does_not_show_a_token() -> None:
    plan = docker_engine.Plan(
        image="x", environ={module.TOKEN: "ls-1"}, port=1, address="127.0.0.1", copies={}
    )

    assert "ls-1" not in repr(plan)


def test_the_progress_of_a_pull_is_the_sum_of_its_layers() -> None:
    progress = PullProgress()
    for name, current in (("a", 1), ("b", 2), ("a", 5)):
        detail = {"current": current * 10**6, "total": 10**7}
        progress.take({"status": "Downloading", "id": name, "progressDetail": detail})
    progress.take({"status": "Extracting", "id": "a", "progressDetail": {"current": 1, "total": 2}})

    assert str(progress) == "7 of 20 MB"
    assert progress.error == ""


def test_an_error_in_mid_pull_is_kept() -> None:
    progress = PullProgress()
    for event in ({"status": "Waiting"}, {"error": "denied"}, {"status": "Waiting"}):
        progress.take(event)

    assert progress.error == "denied"


def test_what_a_living_process_made_is_no_orphan() -> None:
    assert not is_orphan(labels()[docker_engine.OWNER_LABEL])


def test_what_a_process_that_is_gone_made_is_an_orphan() -> None:
    host, parent = socket.gethostname(), psutil.Process().ppid()
    dead = next(pid for pid in range(2, 2**22) if not psutil.pid_exists(pid))

    assert is_orphan(f"{host}/{dead}/1")
    assert is_orphan(f"{host}/{parent}/1")  # the number is in use again, but not by that process
    assert not is_orphan(f"another-{host}/{dead}/1")


# Settings


def test_the_executor_is_one_of_two(tmp_path: Path) -> None:
    assert Settings.from_env({"HARNESS_LAMBDA_EXECUTOR": "docker"}, tmp_path).lambda_executor == "docker"
    with pytest.raises(
        SettingsError, match="HARNESS_LAMBDA_EXECUTOR: expected process or docker, got 'podman'"
    ):
        Settings.from_env({"HARNESS_LAMBDA_EXECUTOR": "podman"}, tmp_path)


def test_functions_reach_this_machine_over_dockers_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = SimpleNamespace(family=socket.AF_INET, address="172.17.0.1")
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: {"docker0": [bridge]})
    assert docker_engine.bridge_address() == "172.17.0.1"

    monkeypatch.setattr(psutil, "net_if_addrs", dict)
    assert docker_engine.bridge_address() == ""
