from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import Endpoint, Settings, SettingsError, TerraformError
from harness.base import gate
from harness.errors import CommandError, MissingToolError, StateError
from harness.terraform import commands as terraform
from harness.terraform.apply import applied

if TYPE_CHECKING:
    from collections.abc import Callable

ENDPOINT = Endpoint(backend="host", url="http://127.0.0.1:4566", region="eu-north-1")

# Notes each call with what it can see, then answers as the test wants it.
FAKE = """#!/bin/sh
echo "$1 $AWS_ENDPOINT_URL proxy=$HTTPS_PROXY $*" >> {calls}
if [ "$1" = init ] && [ -f "$TF_CLI_CONFIG_FILE" ]; then cp "$TF_CLI_CONFIG_FILE" {calls}.tfrc; fi
if [ "$1" = init ]; then
  mkdir -p .terraform
  echo '{{"backend": {backend}}}' > .terraform/terraform.tfstate
fi
if [ "$1" = apply ]; then touch terraform.tfstate; cp harness.tfvars {calls}.tfvars 2>/dev/null || true; fi
{script}
"""


@pytest.fixture
def fake(settings: Settings, tmp_path: Path) -> Callable[[str], Settings]:
    root = tmp_path / "root"
    root.mkdir()
    (root / "main.tf").touch()

    def install(script: str, backend: str = '{"type": "local"}') -> Settings:
        program = tmp_path / "terraform"
        program.write_text(FAKE.format(calls=tmp_path / "calls", script=script, backend=backend), "utf-8")
        program.chmod(0o755)
        return replace(settings, terraform=str(program), terraform_dir=root)

    return install


@pytest.fixture
def calls(tmp_path: Path) -> Callable[[], list[str]]:
    return lambda: (tmp_path / "calls").read_text("utf-8").splitlines()


def diagnostic(summary: str) -> str:
    return json.dumps({"type": "diagnostic", "diagnostic": {"severity": "error", "summary": summary}})


def test_the_environment_with_its_secrets_is_not_shown(fake: Callable[[str], Settings]) -> None:
    settings = fake("")
    commands = terraform.commands_in(settings.terraform_dir, settings, {"AWS_SECRET_ACCESS_KEY": "wJalr"}, {})

    assert "wJalr" in commands.environ.values()
    assert "wJalr" not in repr(commands)


def test_it_initialises_applies_and_destroys(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]]
) -> None:
    with applied(fake(""), ENDPOINT, {"name": "x"}):
        assert [call.split()[0] for call in calls()] == ["init", "apply"]

    assert [call.split()[0] for call in calls()] == ["init", "apply", "destroy"]


def test_values_are_in_a_file_of_the_owner_and_in_no_command_line(
    fake: Callable[..., Settings], calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    settings = fake("stat -c %a harness.tfvars > modes 2>/dev/null || true; [ $1 != apply ] || cat modes >&2")
    (settings.terraform_dir / "main.tf").write_text(
        'variable "names" { type = list(string) }\nvariable "token" { sensitive = true }', "utf-8"
    )
    values = {"token": 'wJalr"${x}', "names": '["a"]'}

    with applied(settings, ENDPOINT, values) as commands:
        assert (commands.root / "harness.tfvars").stat().st_mode & 0o777 == 0o600
        assert "wJalr" not in repr(commands)

    assert not any("wJalr" in call for call in calls())
    text = (tmp_path / "calls.tfvars").read_text("utf-8")
    assert text == 'token = "wJalr\\"$${x}"\nnames = ["a"]\n'


def test_a_value_of_a_variable_that_is_not_declared_is_for_terraform_to_refuse(
    fake: Callable[..., Settings], calls: Callable[[], list[str]]
) -> None:
    with applied(fake(""), ENDPOINT, {"tpyo": "wJalr"}):
        pass

    assert calls()[1].endswith(" -var=tpyo=")


def test_what_a_deploy_job_tells_terraform_does_not_reach_the_run(
    fake: Callable[..., Settings], settings: Settings
) -> None:
    job = {
        "TF_WORKSPACE": "prod",
        "TF_DATA_DIR": "/x",
        "TF_CLI_ARGS_init": "-backend-config=x",
        "TF_VAR_a": "1",
    }
    commands = terraform.commands_in(settings.terraform_dir, fake(""), job, {})

    assert {name for name in commands.environ if name in job} == {"TF_VAR_a"}


@pytest.mark.parametrize("endpoint", [ENDPOINT, replace(ENDPOINT, backend="aws")])
def test_programs_that_a_root_runs_work_in_its_own_region(
    fake: Callable[[str], Settings], endpoint: Endpoint
) -> None:
    settings = replace(fake(""), variables={"place": "ap-south-1"})
    root = settings.terraform_dir

    def regions() -> set[str]:
        environ = terraform.commands_at(endpoint, root, settings, {}).environ
        return {environ["AWS_REGION"], environ["AWS_DEFAULT_REGION"]}

    assert regions() == {endpoint.region}
    (root / "main.tf").write_text('provider "aws" {\n  region = var.place\n}\nvariable "place" {}\n', "utf-8")
    assert regions() == {"ap-south-1"}


def test_a_workspace_and_files_of_values_are_settings(
    fake: Callable[..., Settings], calls: Callable[[], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "dev.tfvars").touch()
    settings = replace(fake(""), workspace="dev", var_files=(tmp_path / "dev.tfvars",))
    (settings.terraform_dir / "main.tf").write_text('variable "name" {}', "utf-8")

    with applied(settings, ENDPOINT, {"name": "x"}) as commands:
        assert commands.environ["TF_WORKSPACE"] == "dev"
        assert commands.state == commands.root / "terraform.tfstate.d" / "dev" / "terraform.tfstate"

    assert calls()[1].endswith(f"-var-file={tmp_path}/dev.tfvars -var-file={commands.root}/harness.tfvars")


@pytest.mark.parametrize(
    "backend", ['{"type": "s3", "config": {}}', '{"type": "local", "config": {"path": "/real"}}']
)
def test_a_state_that_is_not_local_is_refused_before_anything_is_applied(
    fake: Callable[..., Settings], calls: Callable[[], list[str]], backend: str
) -> None:
    with pytest.raises(StateError, match="expected Terraform's state in a local file of this run"):
        with applied(fake("", backend), ENDPOINT, {}):
            pytest.fail("it was applied")

    assert [call.split()[0] for call in calls()] == ["init"]


def test_a_destroy_that_fails_is_an_error_only_if_the_emulator_stays(fake: Callable[..., Settings]) -> None:
    settings = fake(f"[ $1 != destroy ] || {{ echo '{diagnostic('bucket not empty')}'; exit 1; }}")

    with applied(settings, replace(ENDPOINT, is_temporary=True), {}):
        pass
    with pytest.raises(TerraformError, match="bucket not empty"):
        with applied(settings, ENDPOINT, {}):
            pass


def test_every_command_sees_the_endpoint_and_only_init_the_network(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    settings = replace(fake(""), environ={"PATH": os.environ["PATH"]})

    with applied(settings, ENDPOINT, {}):
        pass

    init, *others = calls()
    assert f"{ENDPOINT.url} proxy= " in init
    assert all(f"{ENDPOINT.url} proxy=http://127.0.0.1:9 " in other for other in others)


def test_an_apply_that_fails_is_told_and_destroyed(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]]
) -> None:
    settings = fake(f"[ $1 != apply ] || {{ echo '{diagnostic('no such bucket')}'; exit 1; }}")

    with pytest.raises(TerraformError, match="terraform apply failed:\nerror: no such bucket"):
        with applied(settings, ENDPOINT, {}):
            pytest.fail("it was applied")

    assert calls()[-1].startswith("destroy")


def test_nothing_is_destroyed_where_nothing_was_applied(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]]
) -> None:
    settings = fake("[ $1 != apply ] || { rm terraform.tfstate; exit 1; }")

    with pytest.raises(TerraformError, match="terraform apply failed"):
        with applied(settings, ENDPOINT, {}):
            pytest.fail("it was applied")

    assert calls()[-1].startswith("apply")


def test_nothing_outlives_the_emulator(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]]
) -> None:
    gone = replace(ENDPOINT, ended=lambda: "it ended with exit code 137")
    settings = fake("touch terraform.tfstate; test $1 != apply || exec sleep 600")

    with pytest.raises(CommandError, match="was stopped: the emulator is gone: it ended with exit code 137"):
        with applied(settings, gone, {}):
            pytest.fail("it was applied")

    assert not any("destroy" in call for call in calls())


def test_what_goes_with_the_emulator_is_not_destroyed_after_an_interrupt(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        with applied(fake(""), replace(ENDPOINT, is_temporary=True), {}):
            raise KeyboardInterrupt
    assert calls()[-1].startswith("apply")

    with pytest.raises(KeyboardInterrupt), applied(fake(""), ENDPOINT, {}):
        raise KeyboardInterrupt
    assert calls()[-1].startswith("destroy")


def test_a_clean_up_that_fails_too_does_not_hide_the_first_error(fake: Callable[[str], Settings]) -> None:
    with (
        pytest.raises(ZeroDivisionError) as caught,
        applied(fake("[ $1 != destroy ]"), ENDPOINT, {}),
    ):
        raise ZeroDivisionError

    assert "the clean-up failed too: terraform destroy failed" in caught.value.__notes__[0]


def test_a_destroy_that_fails_is_an_error(fake: Callable[[str], Settings]) -> None:
    settings = fake(f"[ $1 != destroy ] || {{ echo '{diagnostic('bucket not empty')}'; exit 1; }}")

    with pytest.raises(TerraformError, match="bucket not empty"), applied(settings, ENDPOINT, {}):
        pass


def test_what_was_refused_is_told_after_an_apply_that_went_well_without_it(
    fake: Callable[[str], Settings], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = gate.Refusal("terraform/1", "CONNECT", "pypi.org", 443)
    monkeypatch.setattr(gate, "refusals", lambda _url, _asker: [refusal, refusal])

    with applied(fake(""), ENDPOINT, {}, destroy=False):
        pass

    (warning,) = caplog.messages
    assert "terraform: CONNECT pypi.org:443" in warning
    assert "HARNESS_ALLOWED_HOSTS=pypi.org,files.pythonhosted.org would let it through" in warning


def test_an_init_that_fails_tells_what_terraform_printed(fake: Callable[[str], Settings]) -> None:
    with pytest.raises(TerraformError, match="terraform init failed:\nerror: no provider"):
        with applied(fake("echo no provider >&2; exit 1"), ENDPOINT, {}):
            pytest.fail("it was applied")


def test_a_command_that_takes_too_long_is_stopped(fake: Callable[[str], Settings]) -> None:
    settings = replace(fake("[ $1 != apply ] || exec sleep 600"), terraform_timeout=1)

    with (
        pytest.raises(CommandError, match="did not end within 1 s"),
        applied(settings, ENDPOINT, {}),
    ):
        pytest.fail("it was applied")


def test_a_missing_program_says_how_to_get_it(settings: Settings) -> None:
    with pytest.raises(
        MissingToolError, match=r"'no-such-terraform' is not on PATH; install Terraform >= 1\.10 from"
    ):
        with applied(replace(settings, terraform="no-such-terraform"), ENDPOINT, {}):
            pytest.fail("it was applied")


def test_a_missing_opentofu_is_not_told_to_be_terraform(settings: Settings, tmp_path: Path) -> None:
    told = r"'tofu' is not on PATH; install OpenTofu >= 1\.10 from \S+, or name another .* such as terraform"

    with pytest.raises(MissingToolError, match=told):
        terraform.program_of(replace(settings, terraform="tofu", environ={"PATH": str(tmp_path)}))


def test_a_plan_returns_its_changes_and_exit_code_2_is_no_failure(fake: Callable[[str], Settings]) -> None:
    change = {"type": "planned_change", "change": {"resource": {"addr": "aws_x.y"}, "action": "create"}}

    with applied(
        fake(f"[ $1 != plan ] || {{ echo '{json.dumps(change)}'; exit 2; }}"), ENDPOINT, {}
    ) as stack:
        (planned,) = stack.plan()

    assert (planned.address, planned.action) == ("aws_x.y", "create")


def test_a_mirror_is_asked_for_what_it_holds_and_the_registries_for_the_rest(
    fake: Callable[[str], Settings], tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "registry.example" / "hashicorp" / "aws").mkdir(parents=True)

    with applied(replace(fake(""), provider_mirror=mirror), ENDPOINT, {}):
        pass

    config = (tmp_path / "calls.tfrc").read_text("utf-8")
    assert f'path = "{mirror}"' in config
    assert 'exclude = ["registry.example/hashicorp/aws"]' in config


def test_an_empty_mirror_is_refused(fake: Callable[[str], Settings], tmp_path: Path) -> None:
    settings = replace(fake(""), provider_mirror=tmp_path / "nowhere")

    with pytest.raises(SettingsError, match="HARNESS_PROVIDER_MIRROR: expected a filesystem mirror"):
        with applied(settings, ENDPOINT, {}):
            pytest.fail("it was applied")


def test_there_are_no_resources_before_the_first_apply(
    fake: Callable[[str], Settings], tmp_path: Path
) -> None:
    settings = fake("")

    assert terraform.commands_in(settings.terraform_dir, settings, {}, {}).resources() == []
    assert not (tmp_path / "calls").exists()


def entries(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(file.read_text("utf-8")) for file in (settings.cache_dir / "journal").glob("*.json")]


def test_the_copy_is_noted_while_the_stack_is_there(fake: Callable[[str], Settings]) -> None:
    settings = fake("")

    with applied(settings, ENDPOINT, {"a": "1"}) as stack:
        (entry,) = entries(settings)
        assert stack.root.is_relative_to(entry["folder"])
        assert (entry["root"], entry["variables"]) == ("", {})  # its emulator takes it along

    assert entries(settings) == []


def test_on_real_aws_what_is_to_be_destroyed_is_noted_too(fake: Callable[[str], Settings]) -> None:
    settings = replace(fake(""), variables={"size": "2"})
    real = replace(ENDPOINT, url="", name="t1234")

    with applied(settings, real, {"lambda_zip": "/a.zip"}) as stack:
        (entry,) = entries(settings)

    assert entry["root"] == str(stack.root)
    assert entry["variables"] == {"size": "2", "environment": "t1234", "lambda_zip": "/a.zip"}


def test_a_failure_that_may_pass_is_tried_again(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.terraform.retry.PAUSES", (0.0, 0.0))
    settings = fake(
        f"[ $1 != apply ] || [ -f tried ] || {{ touch tried; echo '{diagnostic('SlowDown')}'; exit 1; }}"
    )

    with applied(settings, ENDPOINT, {}):
        pass

    assert [call.split()[0] for call in calls()] == ["init", "apply", "apply", "destroy"]


def test_what_real_aws_still_has_after_a_failed_destroy_stays_noted_with_its_state(
    fake: Callable[[str], Settings], calls: Callable[[], list[str]]
) -> None:
    on_aws = replace(ENDPOINT, url="", name="t1234")
    state = '{"resources": [{"type": "aws_s3_bucket"}]}'
    settings = fake(f"echo '{state}' > terraform.tfstate; [ $1 != destroy ] || exit 1")

    with pytest.raises(TerraformError), applied(settings, on_aws, {}):
        pass

    (file,) = (settings.cache_dir / "journal").iterdir()
    noted = json.loads(file.read_text("utf-8"))
    assert noted["variables"]["environment"] == "t1234"
    assert json.loads((Path(noted["root"]) / "terraform.tfstate").read_text("utf-8"))["resources"]
    assert "destroy" in calls()[-1]
    shutil.rmtree(noted["folder"])


def test_nothing_of_an_emulator_stays_after_a_failed_destroy(fake: Callable[[str], Settings]) -> None:
    state = '{"resources": [{"type": "aws_s3_bucket"}]}'
    settings = fake(f"echo '{state}' > terraform.tfstate; [ $1 != destroy ] || exit 1")

    with pytest.raises(TerraformError), applied(settings, ENDPOINT, {}) as stack:
        folder = stack.root

    assert list((settings.cache_dir / "journal").iterdir()) == []
    assert not folder.exists()


def test_runs_that_share_a_plugin_cache_initialise_one_after_the_other(
    fake: Callable[..., Settings], tmp_path: Path
) -> None:
    cache, marks = tmp_path / "plugins", tmp_path / "marks"
    cache.mkdir()
    settings = fake(f"[ $1 != init ] || {{ echo in >> {marks}; sleep 0.2; echo out >> {marks}; }}")
    environ = {"TF_PLUGIN_CACHE_DIR": str(cache), "PATH": os.environ["PATH"]}

    def initialise(number: int) -> None:
        root = tmp_path / f"root-{number}"
        root.mkdir()
        terraform.commands_in(root, settings, environ, {}).init()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(initialise, range(3)))

    assert marks.read_text("utf-8").split() == ["in", "out"] * 3
