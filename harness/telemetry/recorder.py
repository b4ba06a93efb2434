"""A base of plugins that gather something in each process of a run, and tell it at the end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from harness.telemetry import sections
from harness.telemetry.sections import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Recorder(ABC):
    """A plugin of its own, in the controller and in each worker of pytest-xdist.

    Attributes:
        title: The heading below which it is told.
        page: The file of a page with more of it; empty if there is none.
    """

    title: ClassVar[str]
    page: str = ""

    @abstractmethod
    def to_json(self) -> str:
        """Return what was gathered in this process."""

    @abstractmethod
    def merge(self, gathered: str) -> None:
        """Take in what `to_json` has returned in another process."""

    @abstractmethod
    def lines(self) -> Sequence[str]:
        """Return what was gathered, as a person reads it."""

    @abstractmethod
    def write_files(self) -> Iterable[str]:
        """Write the files that are wanted, and yield a line about each."""

    @property
    @abstractmethod
    def shortcomings(self) -> Sequence[str]:
        """What fails a run that has passed otherwise, in a line each."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401 - pytest-xdist has no types
        """Take in what a worker has gathered; one that crashed tells nothing."""
        if gathered := getattr(node, "workeroutput", {}).get(self._key):
            self.merge(gathered)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Hand what a worker has gathered to the controller; there, fail a run that falls short."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[self._key] = self.to_json()
        elif self.shortcomings and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's, without types
        """Tell what was gathered, and write the files."""
        lines = self.lines()
        sections.TOLD.send(Section(title=self.title, text="\n".join(lines), page=self.page))
        terminalreporter.section(self.title)
        for line in lines:
            terminalreporter.write_line(line)
        for line in self.write_files():
            terminalreporter.write_line(line)
        for each in self.shortcomings:
            terminalreporter.write_line(each, red=True)

    @property
    def _key(self) -> str:
        """Under which a worker hands it to the controller."""
        return f"terraform_lambda_harness: {self.title}"
