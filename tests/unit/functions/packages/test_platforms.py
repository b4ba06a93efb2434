from __future__ import annotations

import platform
import sys

import pytest

from harness.functions.packages import Platform


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [("x86_64", "x86_64"), ("AMD64", "x86_64"), ("aarch64", "arm64"), ("arm64", "arm64")],
)
def test_this_machine_is_named_as_lambda_names_it(
    monkeypatch: pytest.MonkeyPatch, machine: str, architecture: str
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)

    assert Platform.here() == Platform(sys.platform, architecture)


@pytest.mark.parametrize(
    ("system", "architecture", "python", "name"),
    [
        ("linux", "x86_64", "3.13", "x86_64-manylinux_2_28"),
        ("linux", "arm64", "3.12", "aarch64-manylinux_2_28"),
        ("linux", "arm64", "3.11", "aarch64-manylinux_2_17"),
        ("darwin", "arm64", "3.13", "aarch64-apple-darwin"),
    ],
)
def test_uv_is_told_the_c_library_of_the_runtime(
    system: str, architecture: str, python: str, name: str
) -> None:
    assert Platform(system, architecture).for_uv(python) == name


def test_npm_is_told_system_processor_and_c_library() -> None:
    assert Platform("linux", "x86_64").for_npm() == ["--os=linux", "--cpu=x64", "--libc=glibc"]
    assert Platform("darwin", "arm64").for_npm() == ["--os=darwin", "--cpu=arm64"]
