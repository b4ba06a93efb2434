from __future__ import annotations

from pathlib import Path

import pytest

from harness import Settings, SettingsError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path.resolve()


def write(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text, "utf-8")


def test_nothing_set_gives_the_defaults(project: Path) -> None:
    settings = Settings.from_env({}, project)

    assert (settings.backend, settings.region, settings.port) == ("auto", "eu-north-1", 0)
    assert settings.terraform_dir == project / "terraform"
    assert settings.python is None
    assert settings.package is None
    assert settings.provider_mirror is None


def test_the_project_file_is_read_and_its_paths_are_relative_to_it(project: Path) -> None:
    write(
        project,
        """
        [tool.harness]
        terraform-dir = "infra/dev"
        start-timeout = 5
        [tool.harness.variables]
        environment = "test"
        tags = { team = "a" }
        [tool.harness.package]
        source = "src/app"
        output = "build/app.zip"
        """,
    )

    settings = Settings.from_env({}, project)

    assert settings.terraform_dir == project / "infra/dev"
    assert settings.start_timeout == 5.0
    assert settings.variables == {"environment": "test", "tags": '{"team": "a"}'}
    assert settings.package is not None
    assert (settings.package.source, settings.package.output) == (
        project / "src/app",
        project / "build/app.zip",
    )


def test_packages_have_names_and_each_its_own_values(project: Path) -> None:
    write(
        project,
        """
        [tool.harness.package.orders-api]
        source = "src/orders"
        output = "build/orders.zip"
        requirements = "orders.txt"
        architecture = "arm64"
        python = 3.12
        [tool.harness.package.mailer]
        kind = "nodejs"
        source = "mailer"
        output = "build/mailer.zip"
        variable = "mailer"
        entry = "src/index.ts"
        nodejs = 24
        """,
    )

    settings = Settings.from_env({}, project)
    orders, mailer = settings.packages

    assert settings.package is None
    assert (orders.name, orders.variable, orders.python) == ("orders-api", "orders_api_zip", "3.12")
    assert (orders.requirements, orders.architecture) == (project / "orders.txt", "arm64")
    assert (mailer.kind, mailer.variable, mailer.entry) == ("nodejs", "mailer", "src/index.ts")
    assert (mailer.source, mailer.nodejs) == (project / "mailer", "24")


def test_a_package_without_a_name_is_the_first_of_all(project: Path) -> None:
    write(
        project,
        """
        [tool.harness.package]
        source = "a"
        output = "a.zip"
        [tool.harness.package.b]
        source = "b"
        output = "b.zip"
        """,
    )

    settings = Settings.from_env({}, project)

    assert [each.variable for each in settings.every_package] == ["lambda_zip", "b_zip"]
    assert settings.package == settings.every_package[0]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("kind = 'ruby'", " kind: expected python or nodejs, got 'ruby'"),
        ("architecture = 'arm'", " architecture: expected x86_64 or arm64, got 'arm'"),
        ("python = 'python3.13'", " python: expected a version such as 3.13, got 'python3.13'"),
        ("entry = 'b'", ": expected only source, .*, requirements, got 'entry'"),
        ("kind = 'nodejs'\ngroup = 'b'", ": expected only source, .*, entry, got 'group'"),
        ("group = 'g'\nrequirements = 'r'", ": expected group or requirements, got 'both'"),
        ("output = 'a.zip'", " output: expected another output than that of .*package.a., got '.*/a.zip'"),
        ("variable = 'a_zip'", " variable: expected another variable than that of .*, got 'a_zip'"),
    ],
)
def test_a_mistake_in_a_named_package_is_told_with_its_table(project: Path, table: str, told: str) -> None:
    first = "[tool.harness.package.a]\nsource = 'a'\noutput = 'a.zip'\n"
    output = "" if "output" in table else "output = 'b.zip'\n"
    write(project, f"{first}[tool.harness.package.b]\nsource = 'b'\n{output}{table}\n")

    with pytest.raises(SettingsError, match=rf"^\[tool\.harness\.package\.b\]{told}"):
        Settings.from_env({}, project)


def test_the_environment_with_its_secrets_is_not_shown(project: Path) -> None:
    settings = Settings.from_env({"AWS_SECRET_ACCESS_KEY": "wJalr", "HARNESS_PORT": "4567"}, project)

    assert "wJalr" in settings.environ.values()
    assert "wJalr" not in repr(settings)
    assert "port=4567" in repr(settings)


def test_the_environment_wins_over_the_file(project: Path) -> None:
    write(project, '[tool.harness]\nregion = "eu-west-1"\nport = 4566\n')

    settings = Settings.from_env({"HARNESS_REGION": "us-east-1", "HARNESS_PORT": ""}, project)

    assert settings.region == "us-east-1"
    assert settings.port == 4566


def test_variables_of_other_tools_with_the_same_prefix_are_left_alone(project: Path) -> None:
    assert Settings.from_env({"HARNESS_BUILD_ID": "7"}, project).environ == {"HARNESS_BUILD_ID": "7"}


def test_the_cache_follows_the_xdg_directory(project: Path) -> None:
    settings = Settings.from_env({"XDG_CACHE_HOME": "/xdg"}, project)

    assert settings.cache_dir == Path("/xdg/terraform-lambda-harness")


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"HARNESS_PORT": "http"}, r"HARNESS_PORT: expected a port from 0 .* to 65535, got 'http'"),
        ({"HARNESS_PORT": "65536"}, "got '65536'"),
        ({"HARNESS_PORT": "-1"}, "got '-1'"),
        (
            {"HARNESS_START_TIMEOUT": "soon"},
            "HARNESS_START_TIMEOUT: expected a number of seconds above 0, got 'soon'",
        ),
        ({"HARNESS_TERRAFORM_TIMEOUT": "0"}, "got '0'"),
        ({"HARNESS_TERRAFORM_TIMEOUT": "inf"}, "got 'inf'"),
        ({"HARNESS_TERRAFORM_TIMEOUT": "nan"}, "got 'nan'"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(project: Path, environ: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Settings.from_env(environ, project)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[tool.harness]\nbackends = 'host'\n",
            r"\[tool.harness\]: expected only .*backend, .*, got 'backends'",
        ),
        ("[tool.harness]\nvariables = 3\n", r"\[tool.harness.variables\]: expected a table, got 3"),
        ("[tool.harness.package]\nsource = 'a'\n", "expected source and output, got 'no output'"),
        (
            "[tool.harness.package]\nsource = 'a'\noutput = 'b'\nzip = 'c'\n",
            "expected only source, .*, got 'zip'",
        ),
        ("[tool.harness\n", "expected valid TOML"),
    ],
)
def test_a_mistake_in_the_project_file_is_refused(project: Path, text: str, told: str) -> None:
    write(project, text)

    with pytest.raises(SettingsError, match=told):
        Settings.from_env({}, project)


def test_settings_are_found_from_a_folder_below_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\nbackend = "ministack"\n', "utf-8")
    (below := tmp_path / "env" / "dev").mkdir(parents=True)
    monkeypatch.chdir(below)

    settings = Settings.from_env({})

    assert (settings.project, settings.backend) == (tmp_path.resolve(), "ministack")


def test_a_misspelt_setting_is_told_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.harness]\nterrafrom-dir = "x"\n', "utf-8")

    with pytest.raises(SettingsError, match=r"got 'terrafrom-dir'; did you mean terraform-dir\?"):
        Settings.from_env({}, tmp_path)


ROOTS = """
[tool.harness]
terraform-dir = "app"

[[tool.harness.roots]]
terraform-dir = "network"
workspace = "dev"
var-files = ["dev.tfvars"]
variables = { zones = 2 }
"""


def test_other_roots_have_settings_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(ROOTS, "utf-8")

    settings = Settings.from_env({}, tmp_path)

    (root,) = settings.roots
    assert (root.terraform_dir, root.workspace) == (tmp_path / "network", "dev")
    assert (root.var_files, root.variables) == ((tmp_path / "dev.tfvars",), {"zones": "2"})
    assert settings.of_root(root).terraform_dir == tmp_path / "network"
    assert settings.of_root(root).roots == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("roots = 1", "expected a list of tables, got 1"),
        ("roots = [1]", r"expected a list of tables, got \[1\]"),
        ("roots = [{}]", "expected terraform-dir, but it is not set"),
        (
            'roots = [{ terraform-dir = "a", package = "b" }]',
            "expected only .*, got 'package'",
        ),
    ],
)
def test_wrong_roots_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\n{text}\n", "utf-8")

    with pytest.raises(SettingsError, match=rf"\[\[tool.harness.roots\]\]: {told}"):
        Settings.from_env({}, tmp_path)


@pytest.mark.parametrize(
    "text", ['runtimes = { "python3.8" = "python3.9" }', 'runtimes = ["python3.8=python3.9"]']
)
def test_runtimes_that_stand_in_are_a_table_or_a_list(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.harness]\n{text}\n", "utf-8")

    assert Settings.from_env({}, tmp_path).runtimes == {"python3.8": "python3.9"}


@pytest.mark.parametrize(
    "pairs", ["python3.8", "python3.8=nodejs20.x", "java8=java21", "python3.8=", "=python3.9"]
)
def test_only_a_runtime_of_the_same_language_stands_in(tmp_path: Path, pairs: str) -> None:
    with pytest.raises(SettingsError, match="HARNESS_RUNTIMES: expected pairs of one language"):
        Settings.from_env({"HARNESS_RUNTIMES": pairs}, tmp_path)
