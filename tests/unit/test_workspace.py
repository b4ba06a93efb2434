from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import SettingsError, workspace

if TYPE_CHECKING:
    from pathlib import Path

CALL = 'module "x" {{\n  source = "{}"\n}}\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "stack/env/dev/main.tf": CALL.format("../../modules/a")
        + CALL.format("terraform-aws-modules/vpc/aws"),
        "stack/env/dev/.terraform.lock.hcl": "# locked\n",
        "stack/env/dev/terraform.tfstate": "{}",
        "stack/env/dev/.terraform/providers/big": "",
        "stack/env/dev/localstack_providers_override.tf": "",
        "stack/modules/a/main.tf": CALL.format("../b"),
        "stack/modules/a/policies/p.json": "{}",
        "stack/modules/b/main.tf": CALL.format("../a"),
        "stack/modules/unused/main.tf": "",
    }
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path / "stack/env/dev"


def test_the_copy_has_the_root_and_all_modules_it_reaches_and_nothing_else(root: Path) -> None:
    with workspace.scratch_copy(root) as copy:
        base = copy.parents[1]
        copied = {str(file.relative_to(base)) for file in base.rglob("*") if file.is_file()}

    assert copied == {
        "env/dev/main.tf",
        "env/dev/.terraform.lock.hcl",
        "env/dev/harness_override.tf",
        "modules/a/main.tf",
        "modules/a/policies/p.json",
        "modules/b/main.tf",
    }


def test_the_copy_goes_when_the_context_closes_and_the_checkout_stays_as_it_was(root: Path) -> None:
    before = sorted(root.rglob("*"))

    with workspace.scratch_copy(root) as copy:
        (copy / "terraform.tfstate").touch()

    assert not copy.exists()
    assert sorted(root.rglob("*")) == before


def test_the_state_is_local_whatever_backend_the_root_declares(root: Path) -> None:
    with workspace.scratch_copy(root) as copy:
        assert 'backend "local"' in (copy / "harness_override.tf").read_text()


@pytest.mark.parametrize("name", ["missing", ""])
def test_a_directory_without_terraform_files_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"HARNESS_TERRAFORM_DIR: expected a directory with \*\.tf files"):
        with workspace.scratch_copy(tmp_path / name):
            pass
