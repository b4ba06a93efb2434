"""The pytest plugin. Its options, hooks and fixtures only delegate."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from harness import backends
from harness.aws import capabilities
from harness.aws.calls import RequestLog
from harness.aws.problems import as_harness_errors
from harness.base import caller, emulator_log, polling
from harness.base.process import sigterm_as_interrupt
from harness.base.telemetry import progress
from harness.coverage import functions, recorder, reports
from harness.coverage.functions import FunctionRecorder
from harness.coverage.recorder import CoverageRecorder
from harness.errors import HarnessError, SettingsError
from harness.functions import debugger
from harness.lifetimes import broker
from harness.lifetimes.sources import Fresh, Kept, Shared, Source
from harness.permissions.denials import DenialsRecorder
from harness.permissions.recorder import PermissionsRecorder
from harness.report.diagnosis import surroundings
from harness.report.diagnosis.observer import Observer
from harness.report.diagnosis.summary import DiagnosisOptions
from harness.session import baseline_of, prepare, snapshot_of
from harness.settings import Settings, parse_assignments

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from harness.stack.deployment import Deployment
    from harness.stack.faults import Faults
    from harness.stack.snapshots import Baseline
    from harness.values import Endpoint

_MARKERS = (
    "requires(*capabilities): skip the test if the backend lacks one of the capabilities",
    "differs(backend, reason): the test fails on this backend, for this reason. A pass counts as a failure",
)
_BROKER = pytest.StashKey[broker.Broker]()
_BROKER_CONTEXT = pytest.StashKey[ExitStack]()
_PRINTED = pytest.StashKey[list[BaseException]]()
_DENIALS = "terraform_lambda_harness_denials"
_PERMISSIONS = "terraform_lambda_harness_permissions"
_WORKER_INPUT = "terraform_lambda_harness"
_RECORDER = "terraform_lambda_harness_coverage"
_FUNCTIONS = "terraform_lambda_harness_functions"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the harness's command-line options."""
    group = parser.getgroup("harness", "Terraform + Lambda on an emulator")
    group.addoption(
        "--backend",
        metavar="NAME",
        help="where the stack runs: auto, a backend by name, or package.module:function",
    )
    group.addoption("--terraform-dir", metavar="DIR", help="your root module")
    group.addoption(
        "--terraform-var",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a variable of the root module. Can be repeated",
    )
    group.addoption(
        "--keep",
        action="store_true",
        help="leave backend and stack running. Your next run with --keep attaches to them",
    )
    group.addoption(
        "--destroy",
        action="store_true",
        help="destroy the stack at the end, even if the emulator ends with the run",
    )
    group.addoption(
        "--no-snapshot",
        action="store_true",
        help="always apply the stack. Neither restore nor save a snapshot",
    )
    group.addoption(
        "--harness-reset",
        choices=("empty", "snapshot"),
        default="empty",
        help="begin each test that uses `stack` with empty buckets, queues and tables, or with everything as "
        "it was applied: empty (default) or snapshot",
    )
    group.addoption(
        "--snapshot-on-failure",
        metavar="FILE",
        help="save the stack at the end if a test fails. Restore it with `harness up --from FILE`",
    )
    group.addoption(
        "--stack-per-worker",
        action="store_true",
        help="with pytest-xdist: give each worker its own stack, in its own account of one shared emulator",
    )
    group.addoption(
        "--artifacts",
        metavar="DIR",
        default="artifacts",
        help="the directory for the logs of tests (artifacts)",
    )
    group.addoption(
        "--artifacts-of",
        choices=["failed", "all", "none"],
        default="failed",
        help="the tests whose logs are kept: emulator, functions, Terraform, hops of events (failed)",
    )
    group.addoption(
        "--harness-report",
        metavar="FILE",
        help="write an HTML report of the run, or with *.zip a record for `harness report` to merge",
    )
    group.addoption(
        "--harness-trace",
        choices=["retain-on-failure", "on", "off"],
        default="off",
        help="write a file for `harness show-trace`: for failed tests, for all, or for none (off)",
    )
    group.addoption(
        "--iac-coverage", action="store_true", help="show which resources of the stack your tests have used"
    )
    group.addoption(
        "--iac-coverage-report",
        metavar="KIND:FILE",
        action="append",
        default=[],
        help="write the coverage to a file too, as html, lcov, cobertura or json. Can be repeated",
    )
    group.addoption(
        "--iac-coverage-fail-under",
        metavar="PERCENT",
        type=float,
        default=0.0,
        help="fail the run if your tests used fewer of the resources that the harness can judge",
    )
    group.addoption(
        "--permissions",
        action="store_true",
        help="show which permissions of the functions' roles your tests have used, and which are missing",
    )
    group.addoption(
        "--permissions-report", metavar="FILE", help="write the permissions to a file too, as JSON"
    )
    group.addoption(
        "--least-privilege",
        action="store_true",
        help="fail the run if a permission of these roles is unused, too wide or missing",
    )
    group.addoption(
        "--debug-function",
        metavar="NAME",
        help=f"make a function wait for your debugger at port {debugger.PORT}, and tests wait for you",
    )
    group.addoption(
        "--request-log",
        metavar="FILE",
        help="write each AWS call that the emulator answered, as JSON lines",
    )
    group.addoption(
        "--request-log-bodies",
        action="store_true",
        help="have the bodies of calls in the request log too, without secrets",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Treat SIGTERM like Ctrl-C, so that everything is released."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    _check_options(config)
    if (given := config.getoption("--request-log")) and not hasattr(config, "workerinput"):
        (config.invocation_params.dir / given).unlink(missing_ok=True)  # of an earlier run
    resources = ExitStack()
    resources.enter_context(sigterm_as_interrupt())
    config.add_cleanup(resources.close)
    if not config.option.help and not config.option.collectonly:
        config.pluginmanager.register(_observer(config), "terraform_lambda_harness_observer")
        config.pluginmanager.register(DenialsRecorder(), _DENIALS)
        if permissions := _permissions(config):
            config.pluginmanager.register(permissions, _PERMISSIONS)
        if found := _recorder(config):
            config.pluginmanager.register(found, _RECORDER)
        if config.pluginmanager.hasplugin("_cov") or functions.under_way():
            has_contexts = config.getoption("cov_context", None) == "test"
            run = getattr(config, "workerinput", {}).get("testrunuid", uuid4().hex)
            config.pluginmanager.register(FunctionRecorder(has_contexts=has_contexts, run=run), _FUNCTIONS)


def _check_options(config: pytest.Config) -> None:
    """Refuse options that exclude each other."""
    if config.getoption("--keep") and config.getoption("--stack-per-worker"):
        raise pytest.UsageError(
            "--keep and --stack-per-worker exclude each other, because only one stack is kept"
        )
    if config.getoption("--harness-reset") == "snapshot" and config.getoption("--no-snapshot"):
        raise pytest.UsageError("--harness-reset=snapshot and --no-snapshot exclude each other")
    if config.getoption("--snapshot-on-failure") and config.getoption("--stack-per-worker"):
        raise pytest.UsageError(
            "--snapshot-on-failure and --stack-per-worker exclude each other, because a snapshot has one "
            "account, that of `harness up`"
        )
    if config.getoption("--debug-function") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--debug-function needs all tests in one process; leave out -n, or set -n0")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
    """Pass a pytest-xdist worker the address of the broker for backend and stack."""
    config: pytest.Config = node.config
    if _BROKER not in config.stash:
        config.stash[_BROKER_CONTEXT] = resources = ExitStack()
        resources.enter_context(_progress_shown(config))
        config.stash[_BROKER] = resources.enter_context(broker.opened())
    node.workerinput[surroundings.ARGUMENTS] = list(map(str, config.invocation_params.args))
    node.workerinput[_WORKER_INPUT] = config.stash[_BROKER].to_plain()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop everything that was started for the workers. An error in it fails the run."""
    try:
        session.config.stash.get(_BROKER_CONTEXT, ExitStack()).close()
    except HarnessError as problem:
        if reporter := _reporter(session.config):
            reporter.write_line(f"ERROR: {problem}", red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print the failure of a shared set-up once, although pytest raises it for each test."""
    report = yield
    problem = call.excinfo.value if call.excinfo and call.when == "setup" else None
    if isinstance(problem, pytest.fail.Exception) and problem.msg:
        known = item.config.stash.setdefault(_PRINTED, [])
        if any(problem is other for other in known):
            report.longrepr = (
                f"{problem.msg.splitlines()[0]} (see the first test above for the whole message)"
            )
        known.append(problem)
    return report


@pytest.fixture(scope="session")
def harness_settings(pytestconfig: pytest.Config) -> Settings:
    """Return the settings of this run. Override the fixture to change them."""
    options = {"HARNESS_BACKEND": "--backend", "HARNESS_TERRAFORM_DIR": "--terraform-dir"}
    chosen = {name: value for name, option in options.items() if (value := pytestconfig.getoption(option))}
    with _plain_errors():
        settings = Settings.from_env({**os.environ, **chosen}, pytestconfig.rootpath)
        given = parse_assignments("--terraform-var", pytestconfig.getoption("--terraform-var"))
    return replace(
        settings,
        variables={**settings.variables, **given},
        destroy=settings.destroy or pytestconfig.getoption("--destroy"),
        request_log_bodies=settings.request_log_bodies or pytestconfig.getoption("--request-log-bodies"),
        snapshots=settings.snapshots and not pytestconfig.getoption("--no-snapshot"),
    )


@pytest.fixture(scope="session")
def _harness_source(pytestconfig: pytest.Config) -> Source:
    """Return the source of backend and stack: started for this run, kept, or shared with other workers."""
    given = getattr(pytestconfig, "workerinput", {})
    if pytestconfig.getoption("--keep"):
        return Kept(is_exclusive=not given)
    if _WORKER_INPUT not in given:
        return Fresh()
    worker = str(given["workerid"]) if pytestconfig.getoption("--stack-per-worker") else ""
    return Shared(broker=broker.Broker.from_plain(given[_WORKER_INPUT]), worker=worker)


@pytest.fixture(scope="session")
def endpoint(
    pytestconfig: pytest.Config, harness_settings: Settings, _harness_source: Source
) -> Iterator[Endpoint]:
    """Start a backend that the whole session shares."""
    context = _harness_source.endpoint(harness_settings)
    with (
        _progress_shown(pytestconfig),
        _entered(pytestconfig, context) as started,
        _functions_measured(pytestconfig, harness_settings, _harness_source, started),
    ):
        size = emulator_log.size(started.log)
        yield started
        denials: DenialsRecorder | None = pytestconfig.pluginmanager.get_plugin(_DENIALS)
        if denials:
            denials.record(started.log, size)
        if given := pytestconfig.getoption("--request-log"):
            with _plain_errors():
                RequestLog.of(started).save(pytestconfig.invocation_params.dir / given)


@pytest.fixture(scope="session")
def _prepared(harness_settings: Settings) -> None:
    """Check the settings and build the Lambda zips before a backend starts."""
    with _plain_errors():
        prepare(harness_settings)
        backends.check_needs(harness_settings)


@pytest.fixture(scope="session")
def deployment(
    request: pytest.FixtureRequest,
    pytestconfig: pytest.Config,
    harness_settings: Settings,
    _harness_source: Source,
    _prepared: None,
    endpoint: Endpoint,
) -> Iterator[Deployment]:
    """Apply the stack, once for the session."""
    with (
        _entered(pytestconfig, _harness_source.deployment(harness_settings, endpoint)) as applied,
        _function_debugged(pytestconfig, harness_settings, applied),
    ):
        if harness_settings.request_log_bodies:
            RequestLog.of(endpoint).hide(surroundings.secrets(harness_settings, applied))
        yield applied
        for name in (_RECORDER, _PERMISSIONS):
            held: CoverageRecorder | PermissionsRecorder | None = pytestconfig.pluginmanager.get_plugin(name)
            if held:
                with _plain_errors():
                    held.record(applied, harness_settings)
        if (file := pytestconfig.getoption("--snapshot-on-failure")) and request.session.testsfailed:
            with _plain_errors():
                snapshot_of(harness_settings, applied).write(pytestconfig.invocation_params.dir / file)


@pytest.fixture
def _stack_alone(
    harness_settings: Settings,
    _harness_source: Source,
    deployment: Deployment,  # noqa: ARG001 - it is to exist by then
) -> Iterator[None]:
    """Give the test the stack for itself among the workers of pytest-xdist."""
    with _harness_source.exclusive(harness_settings):
        yield


@pytest.fixture(scope="session")
def _baseline(
    pytestconfig: pytest.Config, harness_settings: Settings, deployment: Deployment
) -> Baseline | None:
    """Return the state that each test begins with, or None if only data is removed."""
    if pytestconfig.getoption("--harness-reset") != "snapshot":
        return None
    with _plain_errors():
        return baseline_of(harness_settings, deployment)


@pytest.fixture
def stack(deployment: Deployment, _stack_alone: None, _baseline: Baseline | None) -> Deployment:
    """Return the deployment with empty buckets, queues and tables, or as it was applied."""
    if _baseline:
        _baseline.restore()
    else:
        deployment.reset()
    return deployment


@pytest.fixture(scope="module")
def _faults_proxy(
    pytestconfig: pytest.Config, harness_settings: Settings, _harness_source: Source, deployment: Deployment
) -> Iterator[Faults]:
    """Route the functions' calls through a proxy while the tests of a module run."""
    if not _harness_source.is_exclusive:
        pytest.fail(
            "a fault affects everyone who uses the stack; give each worker its own with --stack-per-worker"
        )
    with _entered(pytestconfig, deployment.faults(harness_settings)) as made:
        yield made


@pytest.fixture
def faults(_faults_proxy: Faults) -> Iterator[Faults]:
    """Make the functions' calls fail. No fault outlives the test."""
    _faults_proxy.clear()
    yield _faults_proxy
    _faults_proxy.clear()


@pytest.fixture(autouse=True)
def _backend_judged(request: pytest.FixtureRequest) -> None:
    """Skip a test if the backend lacks a capability, and expect its known differences."""
    if wanted := [name for marker in request.node.iter_markers("requires") for name in marker.args]:
        with _plain_errors(), caller.harness():
            lacking = capabilities.missing(request.getfixturevalue("endpoint"), wanted)
        if lacking:
            pytest.skip("; ".join(lacking))
    for marker in request.node.iter_markers("differs"):
        backend, reason = marker.args
        if request.getfixturevalue("endpoint").backend == backend:
            request.node.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def _observer(config: pytest.Config) -> Observer:
    given = config.getoption("--harness-report")
    wanted = DiagnosisOptions(
        keep=config.getoption("--artifacts-of"),
        folder=config.rootpath / config.getoption("--artifacts"),
        report=config.invocation_params.dir / given if given else None,
        tracing=config.getoption("--harness-trace"),
    )
    return Observer(wanted, config, is_controller=not hasattr(config, "workerinput"))


def _recorder(config: pytest.Config) -> CoverageRecorder | None:
    """Return the recorder of coverage, or None if no option asks for coverage."""
    asked, least = config.getoption("--iac-coverage-report"), config.getoption("--iac-coverage-fail-under")
    if not (config.getoption("--iac-coverage") or asked or least):
        return None
    try:
        kinds = [reports.check(each) for each in asked]
    except HarnessError as problem:
        raise pytest.UsageError(str(problem)) from None
    files = tuple((kind, config.invocation_params.dir / file) for kind, file in kinds)
    return CoverageRecorder(recorder.ReportOptions(reports=files, fail_under=least), config.rootpath)


def _permissions(config: pytest.Config) -> PermissionsRecorder | None:
    """Return the recorder of permissions, or None if no option asks for them."""
    file, is_strict = config.getoption("--permissions-report"), config.getoption("--least-privilege")
    if not (config.getoption("--permissions") or file or is_strict):
        return None
    report = config.invocation_params.dir / file if file else None
    return PermissionsRecorder(config.rootpath, report, is_strict=is_strict)


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Fail with only the message of a harness error, because its traceback does not help a user."""
    message = ""
    try:
        with as_harness_errors():
            yield
    except HarnessError as problem:
        message = problem.text
    if message:  # `from None`: otherwise pytest prints the error again as the context of this failure
        raise pytest.fail.Exception(message, pytrace=False) from None


@contextmanager
def _entered[T](config: pytest.Config, context: AbstractContextManager[T]) -> Iterator[T]:
    """Enter `context`, and fail with the message alone if it raises a harness error.

    At a second Ctrl-C pytest skips the fixtures that it has not torn down yet. They then end with the run.
    """
    with ExitStack() as resources:
        config.add_cleanup(resources.close)
        with _plain_errors():
            entered = resources.enter_context(context)
        yield entered


def _functions_measured(
    config: pytest.Config, settings: Settings, source: Source, started: Endpoint
) -> AbstractContextManager[None]:
    """Return a context in which coverage.py measures the functions, or an empty one without it."""
    recording: FunctionRecorder | None = config.pluginmanager.get_plugin(_FUNCTIONS)
    if recording is None:
        return nullcontext()
    folders = [config.rootpath, *(package.source for package in settings.every_package)]
    return recording.measured(started, settings, folders, is_exclusive=source.is_exclusive)


@contextmanager
def _function_debugged(config: pytest.Config, settings: Settings, applied: Deployment) -> Iterator[None]:
    """Make the function of `--debug-function` wait for a debugger, and tests wait for the function."""
    name = config.getoption("--debug-function")
    if not name:
        yield
        return
    known = [each.values["function_name"] for each in applied.resources("aws_lambda_function")]
    with _plain_errors():
        if name not in known:
            raise SettingsError(
                "--debug-function", expected=f"one of {', '.join(known)}", got=name, known=known
            )
    tell = _teller(config)
    context = debugger.debugged(applied, name, settings, port=debugger.PORT, tell=tell or print)
    with _entered(config, context), polling.without_limits():
        yield


def _reporter(config: pytest.Config) -> Any:  # noqa: ANN401 - pytest does not type it; None without a terminal
    return config.pluginmanager.get_plugin("terminalreporter")


def _teller(config: pytest.Config) -> Callable[[str], None] | None:
    """Return a function that writes a line past pytest's capture, or None without a terminal."""
    reporter = _reporter(config)
    capture: Any = config.pluginmanager.get_plugin("capturemanager")

    def tell(line: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    return tell if reporter and capture else None


@contextmanager
def _progress_shown(config: pytest.Config) -> Iterator[None]:
    """Show the harness's progress in the terminal."""
    tell = _teller(config)
    with progress.shown(tell) if tell else ExitStack():
        yield
