"""The documents keep up with the files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts.terraform_docs import documented, is_current, main, updated

PROJECT = Path(__file__).parents[2]
TERRAFORM = PROJECT / "terraform"
DOCUMENTS = [
    PROJECT / "README.md",
    PROJECT / "CHANGELOG.md",
    *sorted(TERRAFORM.rglob("README.md")),
    *sorted((PROJECT / "docs").rglob("*.md")),
]
# A path from the root, or from the document, that ends with a file's suffix.
MENTIONED = re.compile(
    r"`((?:\.{0,2}[\w.-]+/)+[\w.-]+\.\w+|(?:docs|harness|src|terraform|tests)/[\w./-]*)(?:::\w+)?`"
)
DEFECTS = range(1, 28)


@pytest.mark.parametrize("folder", documented(TERRAFORM), ids=lambda folder: folder.name)
def test_the_tables_are_up_to_date(folder: Path) -> None:
    assert is_current(folder), "run scripts/terraform_docs.py"


def test_a_changed_description_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = tmp_path / "modules" / "one"
    module.mkdir(parents=True)
    variables = 'variable "size" {\n  description = "%s"\n  type = number\n  default = 1\n}\n'
    (module / "variables.tf").write_text(variables % "How large.")
    (module / "outputs.tf").write_text("")

    assert main(["--root", str(tmp_path)]) == 0
    assert "| `size` | How large. | `number` | `1` |" in (module / "README.md").read_text()
    assert main(["--root", str(tmp_path), "--check"]) == 0

    (module / "variables.tf").write_text(variables % "How heavy.")

    assert main(["--root", str(tmp_path), "--check"]) == 1
    assert "one/README.md is out of date" in capsys.readouterr().err


def test_text_around_the_tables_stays(tmp_path: Path) -> None:
    (tmp_path / "variables.tf").write_text("")
    (tmp_path / "outputs.tf").write_text("")
    (tmp_path / "README.md").write_text("# one\n\nBy hand.\n")
    (tmp_path / "README.md").write_text(updated(tmp_path) + "\nAfter.\n")

    assert updated(tmp_path).startswith("# one\n\nBy hand.\n\n")
    assert updated(tmp_path).endswith("After.\n")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_links_lead_somewhere(document: Path) -> None:  # defect 27
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8"))

    assert not [target for target in targets if not (document.parent / target).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_files_in_backticks_exist(document: Path) -> None:  # defect 27
    named = set(MENTIONED.findall(document.read_text("utf-8")))
    written = [name for name in named if not name.startswith("build/")]

    assert not [
        name for name in written if not any((at / name).exists() for at in (PROJECT, document.parent))
    ]


def test_every_defect_has_a_proof() -> None:
    rows = re.findall(
        r"(?m)^\| ([0-9]+) \|.*\| (.+) \|$", (PROJECT / "docs" / "promises.md").read_text("utf-8")
    )

    assert [int(number) for number, _ in rows] == list(DEFECTS)
    assert all(_proofs(proof) for _, proof in rows)


def test_every_proof_exists() -> None:
    proofs = _proofs((PROJECT / "docs" / "promises.md").read_text("utf-8"))

    assert proofs
    assert not [f"{file}::{name}" for file, name in proofs if not _exists(PROJECT / file, name)]


def test_the_stack_applies_no_slower_than_the_originals_18_resources_and_the_document_says_so() -> None:
    figures = json.loads((PROJECT / "docs" / "benchmark.json").read_text("utf-8"))["applies"]
    text = (PROJECT / "docs" / "terraform.md").read_text("utf-8")

    assert [one["stack"] for one in figures] == ["original", "this"]
    assert figures[0]["resources"] == 18
    assert figures[1]["ratio"] <= 1
    for one in figures:
        assert f"| {one['resources']} | {one['median_seconds']} s |" in text


def _proofs(text: str) -> list[tuple[str, str]]:
    return re.findall(r"`([\w./]+)::(\w+)`", text)


def _exists(file: Path, name: str) -> bool:
    defined = f'run "{name}"' if file.suffix == ".hcl" else f"def {name}("
    return file.is_file() and defined in file.read_text("utf-8")
