from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Settings, SettingsError
from harness.terraform.hcl import scratch
from harness.terraform.hcl.input_variables import read_values

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
    with scratch.scratch_copy(root) as copy:
        base = copy.parents[1]
        copied = {str(file.relative_to(base)) for file in base.rglob("*") if file.is_file()}

    assert copied == {
        "env/dev/main.tf",
        "env/dev/.terraform.lock.hcl",
        "env/dev/~harness_override.tf",
        "modules/a/main.tf",
        "modules/a/policies/p.json",
        "modules/b/main.tf",
    }


def test_the_copy_goes_when_the_context_closes_and_the_checkout_stays_as_it_was(root: Path) -> None:
    before = sorted(root.rglob("*"))

    with scratch.scratch_copy(root) as copy:
        (copy / "terraform.tfstate").touch()

    assert not copy.exists()
    assert sorted(root.rglob("*")) == before


def test_the_state_is_local_whatever_backend_the_root_declares(root: Path) -> None:
    with scratch.scratch_copy(root) as copy:
        assert 'backend "local"' in (copy / "~harness_override.tf").read_text()


@pytest.mark.parametrize("name", ["missing", ""])
def test_a_directory_without_terraform_files_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        SettingsError, match=r"terraform-dir in \[tool\.harness\]: expected a directory with \*\.tf files"
    ):
        with scratch.scratch_copy(tmp_path / name):
            pass


def test_a_second_copy_replaces_the_sources_and_leaves_state_and_plugins(root: Path, tmp_path: Path) -> None:
    copy = scratch.copy_root(root, tmp_path / "into")
    own = (".terraform/providers/big", "terraform.tfstate", "terraform.tfstate.backup", "x.tfplan")
    for name in own:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("the copy's own", "utf-8")
    (root / "main.tf").write_text("# changed\n", "utf-8")
    (root / "new.tf").touch()

    again = scratch.copy_root(root, tmp_path / "into")

    assert again == copy
    assert (copy / "main.tf").read_text("utf-8") == "# changed\n"
    assert (copy / "new.tf").exists()
    assert all((copy / name).read_text("utf-8") == "the copy's own" for name in own)


def test_a_second_copy_has_nothing_that_is_no_source_any_more(root: Path, tmp_path: Path) -> None:
    copy = scratch.copy_root(root, tmp_path / "into")
    (root / "old.tf").touch()
    scratch.copy_root(root, tmp_path / "into")
    assert (copy / "old.tf").exists()

    (root / "old.tf").unlink()
    (root / "main.tf").write_text("", "utf-8")  # no module is reached any more
    scratch.copy_root(root, tmp_path / "into")

    left = {file.name for file in (tmp_path / "into").rglob("*") if file.is_file()}
    assert left == {"main.tf", ".terraform.lock.hcl", "~harness_override.tf"}


def test_the_lock_that_init_has_made_stays_where_the_root_has_none(root: Path, tmp_path: Path) -> None:
    (root / ".terraform.lock.hcl").unlink()
    copy = scratch.copy_root(root, tmp_path / "into")
    (copy / ".terraform.lock.hcl").write_text("# made by init\n", "utf-8")

    scratch.copy_root(root, tmp_path / "into")

    assert (copy / ".terraform.lock.hcl").read_text("utf-8") == "# made by init\n"


def test_the_place_of_a_copy_does_not_depend_on_what_else_is_copied(root: Path, tmp_path: Path) -> None:
    copy = scratch.copy_root(root, tmp_path / "into")

    assert copy == scratch.copy_of(root, tmp_path / "into")
    (root / "main.tf").write_text(CALL.format("../../../elsewhere"), "utf-8")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "main.tf").touch()

    assert scratch.copy_root(root, tmp_path / "into") == copy
    assert (copy / "../../../elsewhere/main.tf").resolve().exists()


def test_files_above_the_root_are_copied_with_it(root: Path) -> None:
    project = root.parents[2]
    files = {
        "app.zip": "zip",
        "policies/p.json": "{}",
        "src/app.py": "",
        "src/node_modules/sdk/index.js": "",
        "zips/app-1.zip": "zip",
        "unnamed/file": "",
        "stack/env/dev/files.tf": """
            locals {
              zip    = "${path.module}/../../../app.zip"
              policy = templatefile("${path.module}/../../../policies/p.json", {})
              all    = "${path.module}/../../../zips/app-${var.version}.zip"
              absent = "../../../no.zip"
            }
            data "archive_file" "code" { source_dir = "../../../src" }
        """,
    }
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, "utf-8")

    with scratch.scratch_copy(root) as copy:
        base = copy.parents[2]
        copied = {str(file.relative_to(base)) for file in base.rglob("*") if file.is_file()}

    assert set(files) - copied == {"unnamed/file"}
    assert {project / name for name in files if name != "unnamed/file"} <= set(scratch.inputs(root))


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ('file("${abspath(path.module)}/../src/app.py")', "src/app.py"),
        ('file("${local.here}/../src/app.py")', "src/app.py"),
        ('file(format("%s/../config/%s.json", path.module, var.stage))', "config/prod.json"),
        ('file(join("/", [path.module, "..", "src", "app.py"]))', "src/app.py"),
        ('"cd ../src && zip -r ../build/app.zip ."', "src/app.py"),
        ("<<EOT\n  cd ${path.module}/../src\n  make\n  EOT", "src/app.py"),
        ('"cd .. && make"', "Makefile"),
        ('"python3 ../scripts/build.py --out=../build/app.zip"', "scripts/build.py"),
        ('"${path.module}/../scripts/build.sh"', "src/app.py"),
        ('"make -C .."', "Makefile"),
    ],
)
def test_a_path_upwards_is_followed_in_whatever_form_it_is_written(
    tmp_path: Path, source: str, named: str
) -> None:
    files = {
        "infra/main.tf": f"locals {{\n  x = {source}\n}}\n",
        "config/prod.json": "{}",
        "scripts/build.py": "",
        "scripts/build.sh": '#!/bin/sh\ncd "$(dirname "$0")/../src" && zip -r ../build/app.zip .\n',
        "src/app.py": "",
        "Makefile": "",
    }
    project = tmp_path / "repository"
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, "utf-8")

    assert project / named in scratch.inputs(project / "infra")


@pytest.mark.parametrize(
    "file", ['code = "../src"', 'all = { app = { code = "../src", name = "app" } }', 'code = "../src/app.py"']
)
def test_a_path_upwards_that_is_a_value_of_a_variable_is_followed(
    settings: Settings, tmp_path: Path, file: str
) -> None:
    project = tmp_path / "repository"
    for name, text in {"infra/main.tf": "", "infra/terraform.tfvars": file, "src/app.py": ""}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, "utf-8")
    settings = replace(settings, terraform_dir=project / "infra")

    scratch.copy_root(project / "infra", tmp_path / "copy", values=read_values(settings).values())

    assert (scratch.copy_of(project / "src", tmp_path / "copy") / "app.py").is_file()
    assert project / "src/app.py" in scratch.inputs(project / "infra", read_values(settings).values())


@pytest.mark.parametrize("text", ["# of 1 .. 2 ... etc..", "# wait ..", 'locals { x = "a..b" }'])
def test_dots_in_a_sentence_are_no_path(tmp_path: Path, text: str) -> None:
    root = tmp_path / "repository" / "infra"
    root.mkdir(parents=True)
    (root / "main.tf").write_text(text, "utf-8")
    (root.parent / "huge").touch()

    assert scratch.inputs(root) == [root / "main.tf"]


def test_what_holds_the_temporary_files_is_never_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    root = tmp_path / "tmp" / "root"
    root.mkdir(parents=True)
    (root / "main.tf").write_text('locals { x = "cd ../.. && make" }', "utf-8")
    (tmp_path / "huge").touch()

    assert scratch.inputs(root) == [root / "main.tf"]


def test_a_directory_that_holds_the_root_is_copied_without_what_nobody_reads(root: Path) -> None:
    project = root.parents[2]
    (root / "files.tf").write_text('locals { all = fileset("${path.module}/../../..", "*.md") }', "utf-8")
    for name in ("README.md", ".git/HEAD", ".venv/bin/python", "node_modules/x/index.js"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()

    with scratch.scratch_copy(root) as copy:
        assert {file.name for file in copy.parents[2].iterdir()} == {"README.md", "stack"}


def test_a_module_block_on_one_line_is_followed(root: Path) -> None:
    (root / "main.tf").write_text('module "a" { source = "../../modules/a" }', "utf-8")

    with scratch.scratch_copy(root) as copy:
        assert (copy / "../../modules/b/main.tf").exists()


def test_a_root_of_json_alone_is_a_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "module").mkdir()
    (tmp_path / "module/main.tf").touch()
    (root / "main.tf.json").write_text('{"module": {"a": {"source": "../module"}}}', "utf-8")

    with scratch.scratch_copy(root) as copy:
        assert (copy / "../module/main.tf").exists()


def test_a_link_that_leads_nowhere_is_left_out(root: Path) -> None:
    (root / "gone").symlink_to(root / "nowhere")

    with scratch.scratch_copy(root) as copy:
        assert not (copy / "gone").exists()


def test_the_nearest_files_of_version_managers_come_along(tmp_path: Path) -> None:
    root = tmp_path / "repository" / "infra" / "app"
    root.mkdir(parents=True)
    (root / "main.tf").touch()
    (tmp_path / "repository" / ".terraform-version").write_text("1.0.0", "utf-8")
    (tmp_path / "repository" / "infra" / ".terraform-version").write_text("1.9.8", "utf-8")
    (tmp_path / "repository" / ".tool-versions").write_text("terraform 1.9.8", "utf-8")
    (tmp_path / "repository" / "mise.toml").write_text('[tools]\nterraform = "1.9.8"\n', "utf-8")

    with scratch.scratch_copy(root) as copy:
        assert (copy / ".terraform-version").read_text("utf-8") == "1.9.8"
        assert (copy / ".tool-versions").read_text("utf-8") == "terraform 1.9.8"
        assert (copy / "mise.toml").exists()

    assert tmp_path / "repository" / "infra" / ".terraform-version" in scratch.inputs(root)


def test_links_that_lead_back_or_nowhere_are_left_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "files").mkdir(parents=True)
    (root / "main.tf").touch()
    (root / "back").symlink_to(".")
    (root / "files" / "up").symlink_to("..")
    (root / "nowhere.tf").symlink_to("/no/such/file")
    (root / "files" / "real").write_text("x", "utf-8")
    (root / "linked").symlink_to("files/real")

    with scratch.scratch_copy(root) as copy:
        found = sorted(str(file.relative_to(copy)) for file in copy.rglob("*") if file.is_file())

    assert [name for name in found if "override" not in name] == ["files/real", "linked", "main.tf"]
    assert {file.name for file in scratch.inputs(root)} >= {"real", "linked", "main.tf"}


def test_a_local_module_that_is_missing_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text('\nmodule "queue" {\n  source = "./modules/queue"\n}\n', "utf-8")

    with pytest.raises(
        SettingsError,
        match=r"module 'queue' \(main.tf:2\): expected the directory of a module, got './modules/queue'",
    ):
        scratch.check(tmp_path)
