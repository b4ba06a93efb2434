"""Coverage of the code of functions: add the lines that ran in their processes to a run of coverage.py.

Python is measured by coverage.py there too, and Node.js by V8.

Functions of an emulator on this machine are measured while a plan is in its folder.
`lambda_process_executor.tools` reads the plan. Their lines are added to the data of the measurement in this
process, such as that of pytest-cov.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import warnings
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from harness.backends import emulator
from harness.base.files import replace_text
from harness.coverage.nodejs import PLUGIN, TRACER, Script, sources_of
from harness.coverage.origins import Origins
from harness.errors import PackageError
from harness.functions import packages

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from coverage import Coverage, CoverageData

    from harness.coverage.nodejs import Range, Source

    type CountedByV8 = Mapping[str, list[list[Range]]]  # each time that V8 was asked, by context
    from harness.settings import Settings
    from harness.values import Endpoint

_CONTEXT = "context"
_OUTPUT = "terraform_lambda_harness_functions"  # the key of a worker's results for the controller
_ALONE = "_stack_alone"


def under_way() -> Coverage | None:
    """Return the measurement of this process, or None if there is none."""
    library = sys.modules.get("coverage")
    return library.Coverage.current() if library else None


@dataclass(slots=True, kw_only=True)
class FunctionCoverage:
    """The part of a measurement that comes from functions.

    Attributes:
        measurement: The measurement of this process.
        folders: The folders with sources, besides those in the measurement.
        bundles: The folder with the sources of each bundle.
        run: A name that all processes of the run share, and no other run has.
        notes: The code that could not be measured, one line each.
    """

    measurement: Coverage
    folders: Iterable[Path]
    bundles: Mapping[Path, Path] = field(default_factory=dict)
    run: str = field(default_factory=lambda: uuid4().hex)
    notes: list[str] = field(default_factory=list)
    _found: Path | None = None

    @contextmanager
    def of(self, endpoint: Endpoint) -> Iterator[None]:
        """Measure the functions at `endpoint` while the context is open."""
        tools = emulator.folder_of(endpoint, emulator.TOOLS)
        if tools is None:
            self.notes.append(f"functions are not measured on the backend {endpoint.backend}")
            yield
            return
        built = [bundle.parent for bundle in self.bundles]
        origins = Origins([*self.folders, *built, *_sources(self.measurement)])
        plan, self._found = tools / f"coverage-{os.getpid()}.json", tools / self.run
        self._found.mkdir(exist_ok=True)
        replace_text(plan, json.dumps(self._plan(origins)))
        try:
            yield
            self._collect(self._found, origins)
        finally:
            plan.unlink(missing_ok=True)
            if not any(tools.glob("coverage-*.json")):  # the last worker
                shutil.rmtree(self._found, ignore_errors=True)
            self._found = None

    def count_for(self, context: str) -> None:
        """Count functions' lines from now on for a context, such as a test, or for none if it is empty."""
        if self._found:
            replace_text(self._found / _CONTEXT, context)

    def _plan(self, origins: Origins) -> dict[str, Any]:
        import coverage  # noqa: PLC0415 # it is there: it measures

        return {
            "run": self.run,
            "library": str(Path(coverage.__file__).parent),
            "branch": bool(self.measurement.get_option("run:branch")),
            "context": self.measurement.get_option("run:context"),
            "names": sorted(origins.names),
        }

    def _collect(self, run: Path, origins: Origins) -> None:
        found = [json.loads(file.read_bytes()) for file in run.glob("*.found")]
        unknown: set[str] = set()
        for each in found:
            places = origins.of(each["files"])
            unknown |= each["files"].keys() - places.keys()
            if "v8" in each:
                self._add_v8(each["v8"], places)
            else:
                self._add(each["data"], places)
        for path in sorted(unknown):
            if file := origins.later_edition(path):
                self.notes.append(f"{path} ran in a function, and is not what {file} is now: left out")

    def _add(self, data: str, places: Mapping[str, Path]) -> None:
        """Add the data of a process, file by file, under the file's path in the project."""
        from coverage import CoverageData  # noqa: PLC0415

        measured, added = CoverageData(no_disk=True), CoverageData(no_disk=True)
        measured.loads(b64decode(data))
        names = self._names(places)
        for context in measured.measured_contexts():
            measured.set_query_context(context)
            added.set_context(context)
            _copy(measured, added, names)
        self._update(added)
        measured.close(force=True)

    def _add_v8(self, counted: Mapping[str, CountedByV8], places: Mapping[str, Path]) -> None:
        """Add what V8 has counted, by file and context, if coverage.py can report it."""
        from coverage import CoverageData  # noqa: PLC0415

        ran = [
            (script, counted[path]) for path in counted.keys() & places for script in self._read(places[path])
        ]
        names = self._names({str(script.file): script.file for script, _ in ran})
        if names and PLUGIN not in _option(self.measurement, "run:plugins"):
            self.notes.append(
                "functions in Node.js are not measured: coverage.py reports them with "
                f'`plugins = ["{PLUGIN}"]`'
            )
            return
        added = CoverageData(no_disk=True)
        for script, by_context in ran:
            name = names.get(str(script.file), "")
            for context, taken in by_context.items() if name else ():
                added.set_context(context)
                self._add_lines(added, name, set().union(*map(script.lines_run, taken)))
        added.add_file_tracers(dict.fromkeys(names.values(), TRACER))
        self._update(added)

    def _read(self, file: Path) -> Sequence[Script | Source]:
        """Return a file that has run, or the sources of a bundle."""
        return sources_of(file, self.bundles[file]) if file in self.bundles else [Script.read(file)]

    def _add_lines(self, added: CoverageData, name: str, lines: set[int]) -> None:
        """Add lines, as arcs if this measurement has those: then it has no other lines."""
        if self.measurement.get_option("run:branch"):
            added.add_arcs({name: [(-1, line) for line in lines]})
        else:
            added.add_lines({name: lines})

    def _names(self, places: Mapping[str, Path]) -> dict[str, str]:
        """Return what this measurement calls those files that it wants."""
        is_wanted = _filter(self.measurement)
        return {path: self._display_name(file) for path, file in places.items() if is_wanted(str(file))}

    def _update(self, added: CoverageData) -> None:
        with warnings.catch_warnings(action="ignore"):  # a warning that nothing of it ran in this process
            self.measurement.get_data().update(added)
        added.close(force=True)

    def _display_name(self, file: Path) -> str:
        return os.path.relpath(file) if self.measurement.get_option("run:relative_files") else str(file)


class FunctionRecorder:
    """Measures functions in a run under coverage.py, as a plugin in the controller and in each worker.

    Args:
        has_contexts: Whether to keep the lines of tests apart, as with `--cov-context=test`.
        run: A name that all workers of the run share, and no other run has.
    """

    def __init__(self, *, has_contexts: bool, run: str) -> None:
        self._has_contexts = has_contexts
        self._run = run
        self._is_exclusive = True
        self._measured: FunctionCoverage | None = None
        self._notes: list[str] = []

    @contextmanager
    def measured(
        self, endpoint: Endpoint, settings: Settings, folders: Iterable[Path], *, is_exclusive: bool
    ) -> Iterator[None]:
        """Measure the functions at `endpoint` while the context is open.

        Args:
            endpoint: The endpoint of the functions.
            settings: Name the packages of the functions.
            folders: The folders with their sources.
            is_exclusive: Whether no tests of other processes use them.
        """
        measurement = under_way()
        if measurement is None:
            yield
            return
        self._is_exclusive = is_exclusive
        self._measured = FunctionCoverage(
            measurement=measurement,
            folders=folders,
            bundles=self._bundles(measurement, settings),
            run=self._run,
        )
        with self._measured.of(endpoint):
            yield
        self._notes += self._measured.notes

    def _bundles(self, measurement: Coverage, settings: Settings) -> dict[Path, Path]:
        """Return the bundles of those present sources that are wanted, each with the folder of these."""
        found: dict[Path, Path] = {}
        is_wanted = _filter(measurement)
        for package in settings.every_package:
            entry = package.source / package.entry
            if not package.entry or not is_wanted(str(entry)):
                continue
            try:
                found |= {bundle: package.source for _, bundle in packages.sources(settings, package)}
            except PackageError as problem:
                self._notes.append(f"{os.path.relpath(entry)} is not measured: {problem}")
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None]:
        """Count functions' lines for the set-up of a test."""
        with self._counted(item, "setup"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None]:
        """Count functions' lines for a test."""
        with self._counted(item, "run"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None]:
        """Count functions' lines for the teardown of a test."""
        with self._counted(item, "teardown"):
            return (yield)

    @contextmanager
    def _counted(self, item: pytest.Item, phase: str) -> Iterator[None]:
        """Name the test, as pytest-cov does, unless another worker's may run in the same stack."""
        is_alone = phase == "run" and _ALONE in getattr(item, "fixturenames", ())
        if not (self._has_contexts and self._measured and (self._is_exclusive or is_alone)):
            yield
            return
        self._measured.count_for(f"{item.nodeid}|{phase}")
        try:
            yield
        finally:
            self._measured.count_for("")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
        """Take the results of a worker."""
        self._notes += getattr(node, "workeroutput", {}).get(_OUTPUT, [])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass a worker's results to the controller."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_OUTPUT] = self._notes

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's, without types
        """Print the code that could not be measured."""
        for note in dict.fromkeys(self._notes):
            terminalreporter.write_line(f"coverage: {note}")


def _copy(measured: CoverageData, added: CoverageData, names: Mapping[str, str]) -> None:
    """Copy the lines of one context, under the new name of each file."""
    if measured.has_arcs():
        added.add_arcs({name: measured.arcs(path) or () for path, name in names.items()})
    else:
        added.add_lines({name: measured.lines(path) or () for path, name in names.items()})


def _sources(measurement: Coverage) -> list[Path]:
    """Return the folders that a measurement is limited to, or none."""
    named = [*_option(measurement, "run:source"), *_option(measurement, "run:source_pkgs")]
    return [folder.resolve() for name in named for folder in _folders(name)]


def _folders(source: str) -> list[Path]:
    if Path(source).is_dir():
        return [Path(source)]
    try:
        spec = importlib.util.find_spec(source)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    return [Path(each) for each in spec.submodule_search_locations or [spec.origin or ""]]


def _filter(measurement: Coverage) -> Any:  # noqa: ANN401
    """Return a check of whether a measurement wants a file, by its sources, includes and omits."""
    from coverage.files import GlobMatcher, prep_patterns  # noqa: PLC0415

    sources = _sources(measurement)
    included, omitted = _option(measurement, "run:include"), _option(measurement, "run:omit")

    def is_wanted(file: str) -> bool:
        if sources and not any(Path(file).is_relative_to(source) for source in sources):
            return False
        if included and not GlobMatcher(prep_patterns(included)).match(file):
            return False
        return not (omitted and GlobMatcher(prep_patterns(omitted)).match(file))

    return is_wanted


def _option(measurement: Coverage, name: str) -> list[str]:
    value = measurement.get_option(name)
    return list(value) if isinstance(value, list) else []
