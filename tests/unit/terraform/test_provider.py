from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import eventually
from harness.terraform import provider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INSTALLED = "registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64/terraform-provider-aws_v5.100.0_x5"
# As the provider's own: some lines of advice, and the address in one for a shell.
SERVES = """#!/bin/sh
[ "$1" = -debug ] || exit 2
echo $$ > "$NOTES"
echo 'Provider started. To attach Terraform CLI, set the TF_REATTACH_PROVIDERS environment variable:'
echo
printf "\\tTF_REATTACH_PROVIDERS='"
printf '{"registry.terraform.io/hashicorp/aws":{"Protocol":"grpc","ProtocolVersion":5,"Pid":7,"Test":true,'
printf '"Addr":{"Network":"unix","String":"/tmp/plugin7"}}}'
echo "'"
exec sleep 300
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make an initialised root whose provider is a script."""
    (tmp_path / "main.tf").write_text('provider "aws" {\n  region = "eu-north-1"\n}\n', "utf-8")
    install(tmp_path, INSTALLED)
    return tmp_path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "NOTES": str(tmp_path / "pid")}


@pytest.fixture
def child(tmp_path: Path) -> Callable[[], bool]:
    """Return a function that tells whether the provider runs."""

    def runs() -> bool:
        pid = int((tmp_path / "pid").read_text("utf-8"))
        return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE

    return runs


def install(root: Path, where: str, script: str = SERVES) -> None:
    program = root / ".terraform" / "providers" / where
    program.parent.mkdir(parents=True)
    program.write_text(script, "utf-8")
    program.chmod(0o755)


def add_module(root: Path, text: str) -> None:
    """Add a module of another directory, as `init` notes it."""
    (root / "queue").mkdir()
    (root / "queue" / "main.tf").write_text(text, "utf-8")
    (root / ".terraform" / "modules").mkdir()
    noted = {
        "Modules": [{"Key": "", "Source": "", "Dir": "."}, {"Key": "q", "Source": "./queue", "Dir": "queue"}]
    }
    (root / ".terraform" / "modules" / "modules.json").write_text(json.dumps(noted), "utf-8")


def test_terraform_is_told_where_the_provider_is_and_it_ends_with_the_command(
    root: Path, environ: dict[str, str], child: Callable[[], bool]
) -> None:
    with provider.served(root, environ) as added:
        address = json.loads(added["TF_REATTACH_PROVIDERS"])["registry.terraform.io/hashicorp/aws"]
        assert address["Addr"] == {"Network": "unix", "String": "/tmp/plugin7"}  # noqa: S108 - the script's
        assert child()

    assert not child()


def test_opentofu_knows_the_provider_by_its_own_registry(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "main.tf").touch()
    install(tmp_path, INSTALLED.replace("terraform.io", "opentofu.org"))

    with provider.served(tmp_path, environ) as added:
        assert list(json.loads(added["TF_REATTACH_PROVIDERS"])) == ["registry.opentofu.org/hashicorp/aws"]


def test_modules_that_configure_nothing_share_the_roots(root: Path, environ: dict[str, str]) -> None:
    add_module(root, 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n')

    with provider.served(root, environ) as added:
        assert added


def test_an_override_is_a_part_of_what_it_overrides(root: Path, environ: dict[str, str]) -> None:
    (root / "~harness_override.tf").write_text('provider "aws" {\n  profile = null\n}\n', "utf-8")

    with provider.served(root, environ) as added:
        assert added


@pytest.mark.parametrize(
    "text",
    [
        'provider "aws" {\n  alias = "west"\n}\n',
        'provider "aws" {\n  region = "eu-west-1"\n}\n',
        'terraform {\n  required_providers {\n    amazon = { source = "hashicorp/aws" }\n  }\n}\n',
    ],
    ids=["an alias", "one of its own", "another name"],
)
def test_several_configurations_are_not_for_one_process(
    root: Path, environ: dict[str, str], text: str
) -> None:
    add_module(root, text)

    with provider.served(root, environ) as added:
        assert added == {}


def test_without_the_provider_there_is_none_to_share(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "main.tf").touch()

    with provider.served(tmp_path, environ) as added:
        assert added == {}


def test_one_with_a_ca_of_its_own_is_terraforms_to_start(root: Path, environ: dict[str, str]) -> None:
    with provider.served(root, {**environ, "AWS_CA_BUNDLE": "/ca.pem"}) as added:
        assert added == {}


def test_which_of_two_versions_is_terraforms_to_say(root: Path, environ: dict[str, str]) -> None:
    install(root, INSTALLED.replace("5.100.0", "6.0.0"))

    with provider.served(root, environ) as added:
        assert added == {}


def test_a_provider_that_does_not_come_up_is_terraforms_to_start(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "main.tf").touch()
    install(tmp_path, INSTALLED, "#!/bin/sh\necho 'flag provided but not defined: -debug'\nexit 2\n")

    with provider.served(tmp_path, environ) as added:
        assert added == {}


def test_one_that_takes_its_directory_along_did_not_come_up(
    root: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "_SERVE", 'rm -rf "$1"; sleep 60')  # as its shell does before it ends

    with provider.served(root, environ) as additions:
        assert additions == {}


def test_it_does_not_outlive_a_harness_that_is_killed(
    root: Path, environ: dict[str, str], child: Callable[[], bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    holding = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.terraform import provider\n"
        f"with provider.served(Path({str(root)!r}), {environ!r}):\n"
        "    print(flush=True)\n    time.sleep(300)\n"
    )
    own = {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen([sys.executable, "-c", holding], stdout=subprocess.PIPE, env=own) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert child()
        holder.send_signal(signal.SIGKILL)

    eventually(child, until=lambda runs: not runs, what="the provider's end", timeout=30)
    eventually(
        lambda: list(scratch.iterdir()), until=lambda left: not left, what="its files' end", timeout=30
    )
