"""A base for plugins that gather something in each process of a run, and report it at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from harness.base.telemetry import sections
from harness.base.telemetry.sections import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Recorder(ABC):
    """A plugin that gathers in the controller and in each worker of pytest-xdist.

    Attributes:
        title: The heading of its report.
        page: The file of a page with more of it. Empty if there is none.
    """

    title: ClassVar[str]
    page: str = ""

    @abstractmethod
    def to_json(self) -> str:
        """Return everything gathered in this process."""

    @abstractmethod
    def merge(self, gathered: str) -> None:
        """Take in the result of `to_json` in another process."""

    @abstractmethod
    def lines(self) -> Sequence[str]:
        """Return the report, for a person."""

    @abstractmethod
    def write_files(self) -> Iterable[str]:
        """Write the files that are wanted, and yield a line about each."""

    @property
    @abstractmethod
    def shortcomings(self) -> Sequence[str]:
        """The reasons to fail a run that has passed otherwise, one line per reason."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
        """Take in what a worker has gathered, unless it has crashed."""
        if gathered := getattr(node, "workeroutput", {}).get(self._key):
            self.merge(gathered)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Pass the gathered values to the controller, which fails a run that falls short."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[self._key] = self.to_json()
        elif self.shortcomings and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's, without types
        """Print the report, and write the files."""
        lines = self.lines()
        sections.READY.send(Section(title=self.title, text="\n".join(lines), page=self.page))
        terminalreporter.section(self.title)
        for line in lines:
            terminalreporter.write_line(line)
        for line in self.write_files():
            terminalreporter.write_line(line)
        for each in self.shortcomings:
            terminalreporter.write_line(each, red=True)

    @property
    def _key(self) -> str:
        """The key under which a worker passes it to the controller."""
        return f"terraform_lambda_harness: {self.title}"
