from __future__ import annotations

import errno
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import Settings, deployed
from harness.errors import BackendError
from harness.lifetimes.kept import KeptStack
from harness.stack.snapshots import Cache, Snapshot, state
from harness.values import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.fake_stack import FakeStack

EMULATOR = Endpoint(backend="fake", url="http://127.0.0.1:4566", region="eu-north-1")


def run(project: FakeStack, *, backend: str = "fake:stateful", snapshots: bool = True) -> list[str]:
    """Bring the stack up and down, and return the steps that it took."""
    (project.folder / "notes").unlink(missing_ok=True)
    settings = replace(project.settings(), backend=backend, snapshots=snapshots)
    with deployed(settings) as stack:
        assert stack.outputs["answer"] == "42"
    notes = (project.folder / "notes").read_text("utf-8").splitlines()
    done = [line.split()[0] for line in notes]
    return [word for word in done if word in {"saved", "restored", "init", "apply", "destroy"}]


def change(project: FakeStack) -> None:
    (project.folder / "terraform" / "main.tf").write_text("# the second\n", "utf-8")


def managing(project: FakeStack, provider: str) -> None:
    """Let an apply leave a resource of a provider in the state."""
    resource = {
        "mode": "managed",
        "type": "a",
        "name": "b",
        "provider": f'provider["{provider}"]',
        "instances": [],
    }
    told = json.dumps({"outputs": {"answer": {"value": "42", "type": "string"}}, "resources": [resource]})
    project.script(f"[ $1 != apply ] || echo '{told}' > terraform.tfstate")


def test_the_next_run_restores_it_and_terraform_does_not_run(project: FakeStack) -> None:
    assert run(project) == ["init", "apply", "saved"]
    assert run(project) == ["restored"]


def test_its_state_has_the_address_of_the_emulator_that_it_is_on(project: FakeStack) -> None:
    run(project)
    first = (project.folder / "notes").read_text("utf-8")
    run(project)
    second = (project.folder / "notes").read_text("utf-8")

    (snapshot,) = map(Snapshot.read, Cache.of(project.settings()).files())
    assert f"state at {snapshot.address}".encode() == snapshot.state
    assert "accounts=000000000000" in first
    assert "restored state at 127.0.0.1:" in second
    assert snapshot.address not in second


def test_what_has_changed_is_applied_to_the_nearest_and_saved(project: FakeStack) -> None:
    run(project)
    change(project)

    assert run(project) == ["restored", "init", "apply", "saved"]
    assert run(project) == ["restored"]


def test_what_can_not_be_applied_to_it_is_applied_anew(
    project: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    run(project)
    change(project)
    told = '{"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "it can not be changed"}}'
    project.script(f"[ $1 != apply ] || [ -e ../failed ] || {{ touch ../failed; echo '{told}'; exit 1; }}")

    assert run(project) == ["restored", "init", "apply", "destroy", "apply", "saved"]
    assert "it can not be changed" in caplog.text


def test_without_snapshots_it_is_applied_and_none_is_left(project: FakeStack) -> None:
    assert run(project, snapshots=False) == ["init", "apply"]
    assert run(project) == ["init", "apply", "saved"]
    assert run(project, snapshots=False) == ["init", "apply"]


def test_where_the_emulator_refuses_it_it_is_applied(
    project: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    run(project)
    (project.folder / "refuses").touch()

    assert run(project) == ["restored", "init", "apply", "saved"]
    assert "the snapshot can't be restored, so the stack is applied: it is too old" in caplog.text


def test_an_emulator_that_keeps_no_state_is_told(
    project: FakeStack, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert run(project, backend="fake:temporary") == ["init", "apply"]
    assert "no snapshot is taken: it keeps no state that can be saved" in caplog.text


def test_one_that_goes_on_after_the_run_is_not_asked(project: FakeStack) -> None:
    assert run(project, backend="fake:backend") == ["init", "apply", "destroy"]


def test_a_damaged_one_is_told_and_applied_over(project: FakeStack, caplog: pytest.LogCaptureFixture) -> None:
    run(project)
    (file,) = Cache.of(project.settings()).files()
    file.write_bytes(file.read_bytes()[:100])

    assert run(project) == ["init", "apply", "saved"]
    assert "can't be used as a snapshot" in caplog.text


@pytest.mark.parametrize(
    ("provider", "is_saved"),
    [
        ("registry.terraform.io/hashicorp/aws", True),
        ("registry.opentofu.org/hashicorp/random", True),
        ("terraform.io/builtin/terraform", True),
        ("registry.terraform.io/kreuzwerker/docker", False),
    ],
)
def test_what_is_not_in_the_emulator_can_not_be_saved(
    project: FakeStack, caplog: pytest.LogCaptureFixture, provider: str, *, is_saved: bool
) -> None:
    managing(project, provider)

    with caplog.at_level(logging.INFO):
        assert ("saved" in run(project)) == is_saved
    assert ("docker manage something that is not in the emulator" in caplog.text) != is_saved


def test_a_disk_that_is_full_is_told_and_the_run_goes_on(
    project: FakeStack, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Snapshot, "write", fail)

    with caplog.at_level(logging.INFO):
        run(project)
    assert "no snapshot is taken: [Errno 28] No space left on device" in caplog.text


def test_files_that_terraform_makes_come_back_with_the_places_of_now(project: FakeStack) -> None:
    made = "mkdir -p made; printf '#!/bin/sh\\ncd %s' \"$PWD\" > made/run; chmod +x made/run"
    project.script(f"[ $1 != apply ] || {{ {made}; }}")
    settings = replace(project.settings(), backend="fake:stateful")
    with deployed(settings) as stack:
        first = stack.terraform.root
    with deployed(settings) as stack:
        run_ = stack.terraform.root / "made" / "run"
        assert run_.read_text("utf-8") == f"#!/bin/sh\ncd {stack.terraform.root}"
        assert run_.stat().st_mode & 0o100
        assert first != stack.terraform.root


def test_a_snapshot_knows_the_accounts_of_its_arns() -> None:
    states = ['{"arn": "arn:aws:iam::111122223333:role/a"}', '"arn:aws-cn:s3:::no-account"']

    assert state.accounts_of(EMULATOR, states) == {"000000000000", "111122223333"}
    assert state.accounts_of(replace(EMULATOR, access_key="444455556666"), []) == {"444455556666"}


def test_an_emulator_that_is_gone_is_an_error_in_a_line() -> None:
    gone = replace(EMULATOR, url="http://127.0.0.1:9")

    with pytest.raises(BackendError, match="it does not answer for its state"):
        state.fetch(gone, ["000000000000"])


def test_settings_say_how_long_and_how_many(tmp_path: Path) -> None:
    environ = {"HARNESS_SNAPSHOT_DAYS": "3", "HARNESS_SNAPSHOT_MEGABYTES": "5", "HARNESS_SNAPSHOTS": "false"}
    settings = Settings.from_env(environ, tmp_path)

    assert (settings.snapshot_days, settings.snapshot_megabytes, settings.snapshots) == (3, 5, False)


def test_a_stack_that_is_kept_is_saved_with_what_terraform_has_made_and_nothing_else(
    project: FakeStack,
) -> None:
    project.script("[ $1 != apply ] || { mkdir -p made; echo it > made/note; }")
    kept = KeptStack.of(replace(project.settings(), backend="fake:stateful"))
    with kept.exclusive():
        kept.deployment(kept.endpoint())

    ((_, files),) = kept.snapshot().roots

    assert {name.partition("/terraform/")[2] for name in files} == {"terraform.tfstate", "made/note"}
