from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import harness

GUEST = Path(harness.__file__).parent / "backends" / "guests" / "localemu"
FORK = {
    "localemu/__init__.py": "",
    "localemu/config.py": "LOADED = []\n",
    "localemu/services/__init__.py": "",
    "localemu/services/s3.py": "from localemu import config\nfrom . import other\nconfig.LOADED.append(1)\n",
    "localemu/services/other.py": "",
}


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """Write a small package in place of LocalEmu, and return its folder."""
    for name, text in FORK.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


def ran(fork: Path, code: str) -> str:
    """Run code that can import the fork and the guest. Warnings are errors."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (fork, GUEST)))}
    argv = [sys.executable, "-W", "error", "-c", f"import localemu_process_executor\n{code}"]
    return subprocess.run(argv, env=environ, text=True, capture_output=True, check=True).stdout.strip()


def test_a_module_of_localstack_is_that_of_its_fork(fork: Path) -> None:
    code = """
from localstack.services import s3
import localstack.services.s3
import localemu.services.s3
from localemu import config
assert s3 is localstack.services.s3 is localemu.services.s3
print(s3.__name__, s3.__spec__.name, *config.LOADED)
"""

    assert ran(fork, code) == "localemu.services.s3 localemu.services.s3 1"


def test_a_module_that_the_fork_lacks_is_missing(fork: Path) -> None:
    code = """
try:
    import localstack.nothing
except ModuleNotFoundError as problem:
    print(problem.name)
"""

    assert ran(fork, code) == "localemu.nothing"


def test_the_number_of_an_account_is_a_key_of_its_root(fork: Path) -> None:
    (fork / "localemu" / "runtime").mkdir()
    (fork / "localemu" / "runtime" / "__init__.py").write_text("from . import hooks\n", "utf-8")
    (fork / "localemu" / "runtime" / "hooks.py").write_text(
        "on_infra_start = lambda **_: lambda hook: hook\n", "utf-8"
    )
    code = """
from localemu_process_executor.root_keys import RootKeys
keys = RootKeys({"test"})
print(*(key in keys for key in ("123456789012", "test", "12345678901", "AKIAIOSFODNN7", None)))
"""

    assert ran(fork, code) == "True True False False False"
