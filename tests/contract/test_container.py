"""The special cases of the backend `container`: images, engines, and remains of killed runs."""

from __future__ import annotations

import io
import os
import selectors
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import zipfile
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import docker
import psutil
import pytest

from harness import BackendError, eventually
from harness.aws import clients
from harness.backends.container import container, sweep
from tests.contract.containers import containers_of, containers_of_this_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness import Endpoint, Settings

# The code of a plain script.
SCRIPT = """
import os, time
from harness import Settings, backends

settings = Settings.from_env(os.environ)
with backends.load("container").start(settings):
    print("ready", flush=True)
    time.sleep(600)
"""
# As the official image is: an entry point that starts LocalStack, and no packages for functions.
OFFICIAL = """
    FROM {image}
    LABEL terraform-lambda-harness.lambda-runtime=
    RUN rm -r /opt/lambda-runtime
    ENV GATEWAY_LISTEN=
    ENTRYPOINT ["sh", "-c", "exec /opt/code/localstack/.venv/bin/python -m localstack.runtime.main"]
    CMD []
"""
UNLICENSED = """
    FROM {image}
    ENTRYPOINT ["sh", "-c", "echo 'License activation failed!'; exit 55"]
"""
FOREIGN = """
    FROM {image}
    LABEL terraform-lambda-harness.lambda-runtime=
    RUN rm /opt/code/localstack/.venv/pyvenv.cfg
"""
SAYS_BOTO3 = "import boto3\ndef handler(*_): return boto3.client('sts').get_caller_identity()['Account']"


@pytest.fixture(autouse=True)
def _on_docker(endpoint: Endpoint) -> None:
    if endpoint.backend != "container":
        pytest.skip(f"the backend {endpoint.backend} needs no Docker engine")


@pytest.fixture
def fresh(harness_settings: Settings) -> Settings:
    return replace(harness_settings, backend="container", port=0)


@pytest.fixture
def derived(harness_settings: Settings) -> Iterator[Callable[[str], str]]:
    """Return a function that builds an image on top of LocalStack's. All are removed after the test."""
    built: list[str] = []
    with closing(docker.from_env()) as client:

        def build(dockerfile: str) -> str:
            text = textwrap.dedent(dockerfile).format(image=harness_settings.image)
            tag = f"harness-contract:{uuid4().hex[:12]}"
            built.append(tag)
            client.images.build(fileobj=io.BytesIO(text.encode()), tag=tag, rm=True)
            return tag

        yield build
        for tag in built:
            client.images.remove(tag, force=True)


def result_of_a_function(endpoint: Endpoint) -> str:
    client = clients.client(endpoint, "lambda")
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", SAYS_BOTO3)
    client.create_function(
        FunctionName="contract",
        Runtime="python3.13",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/function",
        Timeout=20,
        Code={"ZipFile": code.getvalue()},
    )
    eventually(
        lambda: client.get_function_configuration(FunctionName="contract")["State"],
        until="Active".__eq__,
        what="the function to be active",
    )
    answer = client.invoke(FunctionName="contract")["Payload"].read().decode()
    return str(answer)


# Images


def test_an_image_that_cannot_be_had_is_told_with_the_way_out(fresh: Settings) -> None:
    with pytest.raises(
        BackendError, match=r"registry\.invalid/no:1 is not on this machine and can't be pulled"
    ) as told:
        with container(replace(fresh, image="registry.invalid/no:1")):
            pytest.fail("it started")

    assert "images/localstack/build" in told.value.reason
    assert "\n" not in told.value.reason


def test_an_image_that_wants_a_licence_is_told_with_the_way_out(
    fresh: Settings, derived: Callable[[str], str]
) -> None:
    with pytest.raises(BackendError, match=r"exit code 55 .*LOCALSTACK_AUTH_TOKEN.*4\.14\.0") as told:
        with container(replace(fresh, image=derived(UNLICENSED))):
            pytest.fail("it started")

    assert told.value.log == ("License activation failed!",)


def test_an_image_without_localstack_is_refused(fresh: Settings, derived: Callable[[str], str]) -> None:
    image = derived(FOREIGN)

    with pytest.raises(BackendError, match="is none of LocalStack"):
        with container(replace(fresh, image=image)):
            pytest.fail("it started")


def test_an_image_made_as_the_official_one_gets_what_functions_need(
    fresh: Settings, derived: Callable[[str], str]
) -> None:
    with container(replace(fresh, image=derived(OFFICIAL))) as endpoint:
        assert result_of_a_function(endpoint) == '"000000000000"'


# Engines


def test_an_engine_on_another_machine_serves_as_well(
    fresh: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = own_address()
    with forwarded(address, "/var/run/docker.sock") as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://{address}:{port}")

        with container(fresh) as endpoint:
            assert endpoint.url.startswith(f"http://{address}:")
            assert result_of_a_function(endpoint) == '"000000000000"'


def own_address() -> str:
    """Return an address of this machine other than the loopback's."""
    for addresses in psutil.net_if_addrs().values():
        for found in addresses:
            if found.family == socket.AF_INET and not found.address.startswith(("127.", "172.17.")):
                return found.address
    pytest.skip("this machine has a loopback address only")


class forwarded:  # noqa: N801 - used as a function
    """Serve a Unix socket on a TCP port of `address` while the context is open, and yield the port."""

    def __init__(self, address: str, path: str) -> None:
        self._path = path
        self._server = socket.create_server((address, 0))

    def __enter__(self) -> int:
        threading.Thread(target=self._accept, daemon=True).start()
        port: int = self._server.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._copy, args=(client,), daemon=True).start()

    def _copy(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine, selectors.DefaultSelector() as selector:
            engine.connect(self._path)
            selector.register(client, selectors.EVENT_READ, engine)
            selector.register(engine, selectors.EVENT_READ, client)
            with suppress(OSError):
                while True:
                    for key, _ in selector.select():
                        source: Any = key.fileobj
                        if not (data := source.recv(2**16)):
                            return
                        key.data.sendall(data)


# Remains of killed runs


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_start_leaves_no_container(
    fresh: Settings, tmp_path: Path, sent: signal.Signals
) -> None:
    with script(fresh, tmp_path) as running:
        eventually(lambda: containers_of(running.pid), what="its container", timeout=60, interval=0.01)
        running.send_signal(sent)
        running.wait(60)

    if sent == signal.SIGINT:
        assert containers_of(running.pid) == []
    else:  # a plain script that does not turn SIGTERM into an interrupt dies on the spot
        assert sweep()


def test_a_sweep_removes_what_a_killed_run_has_left_and_nothing_else(
    fresh: Settings, endpoint: Endpoint, tmp_path: Path
) -> None:
    kept = {item.id for item in containers_of_this_process()}
    with script(fresh, tmp_path) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        (left,) = containers_of(running.pid)
        running.kill()
        running.wait(60)

    assert left.name in sweep()
    assert containers_of(running.pid) == []
    assert {item.id for item in containers_of_this_process()} == kept
    assert clients.client(endpoint, "s3").list_buckets()["Buckets"] is not None


def script(settings: Settings, folder: Path) -> subprocess.Popen[str]:
    environ = os.environ | {"HARNESS_IMAGE": settings.image, "TMPDIR": str(folder)}
    return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environ, stdout=subprocess.PIPE, text=True)
