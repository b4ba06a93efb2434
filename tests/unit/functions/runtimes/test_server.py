from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.errors import MissingToolError
from harness.functions import runtimes
from harness.functions.runtimes import Toolchain, server

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness import Settings


@pytest.fixture
def preparing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], Toolchain]], None]:
    def use(prepare: Callable[[str], Toolchain]) -> None:
        monkeypatch.setattr(server, "prepare", lambda _, runtime: prepare(runtime))

    return use


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the test's own
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read().decode()


def test_a_toolchain_is_answered(
    settings: Settings, preparing: Callable[[Callable[[str], Toolchain]], None]
) -> None:
    preparing(lambda runtime: Toolchain(program=Path("/bin") / runtime, packages=Path("/modules")))
    answer = '{"program": "/bin/python3.11", "packages": "/modules", "client": null}'

    with runtimes.served(settings) as url:
        assert get(f"{url}/python3.11") == (200, answer)


def test_the_reason_why_there_is_none_is_answered(
    settings: Settings, preparing: Callable[[Callable[[str], Toolchain]], None]
) -> None:
    def prepare(runtime: str) -> Toolchain:
        raise MissingToolError(runtime, remedy="install it")

    preparing(prepare)

    with runtimes.served(settings) as url:
        assert get(f"{url}/python3.11") == (424, "'python3.11' is not on PATH; install it")


def test_nobody_answers_afterwards(settings: Settings) -> None:
    with runtimes.served(settings) as url:
        pass

    with pytest.raises(urllib.error.URLError):
        get(f"{url}/python3.11")
