from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness import HarnessError, TerraformError, backends, eventually
from harness.backends import load
from harness.errors import NotUpError
from harness.lifetimes.kept import KeptStack
from harness.settings import PackageSettings
from harness.stack.snapshots.fingerprints import Fingerprint, backend_fingerprint
from tests.unit.fake_stack import FakeStack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness import Settings
    from harness.stack.deployment import Deployment

UP = """
import os, sys
from pathlib import Path
from harness import Settings
from harness.lifetimes.kept import KeptStack
kept = KeptStack.of(Settings.from_env(os.environ, Path(sys.argv[1])))
with kept.exclusive():
    print(kept.deployment(kept.endpoint()).outputs["answer"])
"""
FIRST = ["started", "init", "apply"]
AGAIN = ["apply"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStack]:
    made = FakeStack.made(tmp_path / "project")
    made.made_importable(monkeypatch)
    yield made
    made.kill()


@pytest.fixture
def ends_with_its_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fake be a temporary emulator, whose stack ends with it."""
    monkeypatch.setattr(backends, "load", lambda name: replace(load(name), is_temporary=True))


def up(settings: Settings) -> Deployment:
    """Bring up the kept stack, as a run does."""
    kept = KeptStack.of(settings)
    with kept.exclusive():
        return kept.deployment(kept.endpoint())


def applies_in_state(deployment: Deployment) -> int:
    return int(json.loads((deployment.terraform.root / "terraform.tfstate").read_text("utf-8"))["serial"])


def killed(project: FakeStack) -> None:
    """Kill the keeper of the kept stack."""
    running = KeptStack.of(project.settings()).keeper()
    assert running is not None
    os.kill(running.pid, signal.SIGKILL)
    eventually(running.ended, what="its end")


def down(settings: Settings) -> bool:
    kept = KeptStack.of(settings)
    with kept.exclusive():
        return kept.stop()


def test_the_second_run_attaches(project: FakeStack) -> None:
    first, second = up(project.settings()), up(project.settings())

    assert project.done() == FIRST
    assert second.outputs == first.outputs
    assert second.outputs["answer"] == "42"
    assert second.endpoint == first.endpoint
    assert second.terraform.root == first.terraform.root


def edited(project: FakeStack) -> Settings:
    (project.folder / "terraform" / "main.tf").write_text("# the second\n", "utf-8")
    return project.settings()


def with_another_file(project: FakeStack) -> Settings:
    (project.folder / "terraform" / "more.json").write_text("{}", "utf-8")
    return project.settings()


def with_another_module(project: FakeStack) -> Settings:
    (project.folder / "module" / "main.tf").write_text("# the second\n", "utf-8")
    return project.settings()


def with_a_variable(project: FakeStack) -> Settings:
    return replace(project.settings(), variables={"size": "2"})


def with_a_variable_of_the_environment(project: FakeStack) -> Settings:
    return project.settings(TF_VAR_size="2")


def with_another_program(project: FakeStack) -> Settings:
    project.script("# another version")
    return project.settings()


def with_another_zip(project: FakeStack) -> Settings:
    (project.folder / "app.zip").write_text("another", "utf-8")
    return project.settings()


def with_another_backend(project: FakeStack) -> Settings:
    return project.settings(HARNESS_REGION="us-east-1")


@pytest.mark.parametrize(
    "changed",
    [
        edited,
        with_another_file,
        with_another_module,
        with_a_variable,
        with_a_variable_of_the_environment,
        with_another_program,
        with_another_zip,
        with_another_backend,
    ],
)
def test_what_an_apply_depends_on_is_in_the_fingerprint(
    project: FakeStack, changed: Callable[[FakeStack], Settings]
) -> None:
    (project.folder / "module").mkdir()
    (project.folder / "terraform" / "main.tf").write_text(
        'module "x" {\n  source = "../module"\n}\n', "utf-8"
    )
    variables = {"lambda_zip": str(project.folder / "app.zip")}
    for file in ("app.zip", "module/main.tf"):
        (project.folder / file).touch()
    before = Fingerprint.of(project.settings(), variables)

    assert Fingerprint.of(project.settings(), variables) == before
    assert Fingerprint.of(changed(project), variables) != before


def test_only_the_owner_can_read_what_is_kept(project: FakeStack) -> None:
    up(project.settings())

    folder = KeptStack.of(project.settings()).folder
    assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_what_changes_in_zips_alone_is_told_apart(project: FakeStack) -> None:
    file = project.folder / "app.zip"
    file.touch()
    variables = {"lambda_zip": str(file)}
    before = Fingerprint.of(project.settings(), variables)

    changed = Fingerprint.of(with_another_zip(project), variables)

    assert before.other_zips(before) == []
    assert changed.other_zips(before) == [str(file)]
    assert Fingerprint.of(edited(project), variables).other_zips(before) is None
    assert Fingerprint.from_note(json.loads(json.dumps(changed.as_note()))) == changed
    assert Fingerprint.from_note({}) != changed


def test_what_terraform_leaves_behind_is_not_in_the_fingerprint(project: FakeStack) -> None:
    before = Fingerprint.of(project.settings(), {})

    root = project.folder / "terraform"
    (root / ".terraform" / "providers").mkdir(parents=True)
    for file in (
        ".terraform/providers/aws",
        "terraform.tfstate",
        "x.tfplan",
        "localstack_providers_override.tf",
    ):
        (root / file).touch()

    assert Fingerprint.of(project.settings(), {}) == before


def test_only_what_a_backend_is_started_with_is_in_its_fingerprint(project: FakeStack) -> None:
    before = backend_fingerprint(project.settings())

    edited(project)
    assert backend_fingerprint(with_a_variable(project)) == before
    assert backend_fingerprint(project.settings(HARNESS_PORT="4999")) != before
    assert backend_fingerprint(project.settings(HARNESS_MINISTACK_AUTH="false")) != before


def test_a_change_is_applied_on_top_of_the_state(project: FakeStack) -> None:
    first = up(project.settings())
    assert KeptStack.of(project.settings()).is_current()

    changed = edited(project)
    assert not KeptStack.of(changed).is_current()
    second = up(changed)

    assert project.done() == [*FIRST, *AGAIN]
    assert second.terraform.root == first.terraform.root
    assert (second.terraform.root / "main.tf").read_text("utf-8") == "# the second\n"
    assert applies_in_state(second) == 2
    assert KeptStack.of(changed).is_current()


def test_another_zip_is_applied(project: FakeStack) -> None:
    source = project.folder / "app"
    source.mkdir()
    (source / "__init__.py").touch()
    package = PackageSettings(source=source, output=project.folder / "app.zip")
    settings = replace(project.settings(), package=package)
    up(settings)
    up(settings)

    (source / "handler.py").touch()
    up(settings)

    assert project.done() == [*FIRST, *AGAIN]
    assert f"lambda_zip={package.output}" in project.notes("apply")[1]


def test_a_file_that_is_gone_is_gone_from_the_copy_too(project: FakeStack) -> None:
    settings = with_another_file(project)
    up(settings)

    (project.folder / "terraform" / "more.json").unlink()

    assert not (up(settings).terraform.root / "more.json").exists()


def test_an_apply_that_failed_is_tried_again(project: FakeStack) -> None:
    project.failing("apply", "no such bucket")
    with pytest.raises(TerraformError, match="no such bucket"):
        up(project.settings())

    project.script("")
    up(project.settings())

    assert project.done() == [*FIRST, *FIRST[1:]]  # the program is another one by now


def test_a_failed_apply_of_a_change_is_not_taken_for_the_stack_before(project: FakeStack) -> None:
    sources, wrong = project.folder / "terraform" / "main.tf", project.folder / "wrong"
    before = sources.read_text("utf-8")
    project.script(f"[ $1 != apply ] || [ ! -f {wrong} ] || exit 1")
    up(project.settings())
    wrong.touch()
    with pytest.raises(TerraformError):
        up(edited(project))

    wrong.unlink()
    sources.write_text(before, "utf-8")
    up(project.settings())

    assert project.counted()["apply"] == 3


@pytest.mark.usefixtures("ends_with_its_keeper")
def test_another_setting_of_the_backend_takes_another_backend(project: FakeStack) -> None:
    first = up(project.settings())

    second = up(project.settings(HARNESS_REGION="us-east-1"))

    assert project.done() == [*FIRST, "stopped", *FIRST]
    assert applies_in_state(second) == 1  # nothing of the old state
    assert (first.endpoint.region, second.endpoint.region) == ("eu-north-1", "us-east-1")


def test_what_would_stay_without_its_backend_is_destroyed_first(project: FakeStack) -> None:
    up(project.settings())

    up(project.settings(HARNESS_REGION="us-east-1"))

    assert project.done() == [*FIRST, "destroy", "stopped", *FIRST]


@pytest.mark.usefixtures("ends_with_its_keeper")
def test_a_backend_that_has_ended_is_started_anew(project: FakeStack) -> None:
    up(project.settings())
    ((_, emulator, *_rest),) = project.notes("started")
    os.kill(int(emulator), signal.SIGKILL)
    eventually(lambda: KeptStack.of(project.settings()).keeper() is None, what="the keeper's end")

    deployment = up(project.settings())

    assert project.done() == [*FIRST, *FIRST]
    assert applies_in_state(deployment) == 1


@pytest.mark.usefixtures("ends_with_its_keeper")
def test_a_keeper_that_was_killed_is_no_hindrance(project: FakeStack) -> None:
    up(project.settings())
    killed(project)

    deployment = up(project.settings())

    assert project.done() == [*FIRST, *FIRST]
    assert deployment.endpoint.ended() == ""


def test_the_state_of_what_does_not_end_outlives_a_killed_keeper(project: FakeStack) -> None:
    up(project.settings())
    killed(project)

    deployment = up(project.settings())

    assert project.done() == [*FIRST, "started", *AGAIN]
    assert applies_in_state(deployment) == 2


@pytest.mark.usefixtures("ends_with_its_keeper")
def test_stopping_stops_the_backend_and_forgets_the_stack(project: FakeStack) -> None:
    settings = project.settings()
    up(settings)

    assert down(settings)

    assert project.done() == [*FIRST, "stopped"]  # the stack goes with it
    project.wait_until_clean()
    assert not KeptStack.of(settings).folder.exists()
    assert not down(settings)


def test_stopping_destroys_what_would_stay(project: FakeStack) -> None:
    up(project.settings())

    assert down(project.settings())

    assert project.done() == [*FIRST, "destroy", "stopped"]


def test_stopping_destroys_what_would_stay_after_a_killed_keeper_too(project: FakeStack) -> None:
    up(project.settings())
    killed(project)

    assert down(project.settings())

    assert project.done() == [*FIRST, "started", "destroy", "stopped"]
    assert not KeptStack.of(project.settings()).folder.exists()


def test_what_can_not_be_destroyed_is_not_forgotten(project: FakeStack) -> None:
    up(project.settings())
    project.failing("destroy", "bucket not empty")

    with pytest.raises(TerraformError, match="bucket not empty"):
        down(project.settings())

    project.script("")
    assert down(project.settings())
    assert project.counted()["destroy"] == 2


def test_what_runs_is_found_as_it_is(project: FakeStack) -> None:
    with pytest.raises(NotUpError):
        KeptStack.of(project.settings()).running()
    deployment = up(project.settings())

    edited(project)
    running = KeptStack.of(project.settings()).running()

    assert running.outputs == deployment.outputs
    assert running.endpoint == deployment.endpoint
    assert project.done() == FIRST


def test_the_backend_that_holds_the_stack_is_named(
    project: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project.settings()
    monkeypatch.setattr(backends, "BUILT_IN", {settings.backend: settings.backend})
    up(settings)

    with pytest.raises(NotUpError, match=f"is not up; it is up with --backend={settings.backend}"):
        KeptStack.of(replace(settings, backend="host")).running()


def test_the_backend_that_holds_the_stack_is_used_if_none_is_chosen(
    project: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project.settings()
    open_choice = KeptStack.of(replace(settings, backend="auto"))
    monkeypatch.setattr(backends, "BUILT_IN", {settings.backend: settings.backend})
    assert open_choice.on_its_backend() == open_choice

    deployment = up(settings)

    assert open_choice.on_its_backend().running().endpoint == deployment.endpoint
    another = KeptStack.of(replace(settings, backend="host"))
    assert another.on_its_backend() == another


def test_a_backend_that_does_not_start_is_told_and_nothing_is_kept(project: FakeStack) -> None:
    settings = project.settings(HARNESS_BACKEND="fake:broken")

    for _ in range(2):
        with pytest.raises(HarnessError, match="it is out of order"):
            up(settings)

    assert project.done() == ["broken", "broken"]
    assert KeptStack.of(settings).keeper() is None


def test_two_runs_at_once_start_one_backend(project: FakeStack) -> None:
    environ = os.environ | project.environ | {"PYTHONPATH": str(project.folder)}
    argv = [sys.executable, "-c", UP, str(project.folder)]
    runs = [subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]

    assert [run.communicate(timeout=60)[0] for run in runs] == ["42\n", "42\n"]
    assert project.done() == FIRST


def test_other_roots_and_other_backends_are_kept_apart(project: FakeStack) -> None:
    settings = project.settings()
    others = [replace(settings, terraform_dir=project.folder / "other"), replace(settings, backend="host")]

    assert len({KeptStack.of(one).folder for one in (settings, *others)}) == 3
    assert KeptStack.of(with_a_variable(project)).folder == KeptStack.of(settings).folder
