"""The last lines of a run: why tests failed, how to run those again, where their logs are."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from harness.diagnosis import causes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

_MOST_TESTS = 10  # that are named below one cause


def tell(
    failures: Iterable[tuple[str, str]],
    terminal: Any,  # noqa: ANN401 - pytest's, without types
    config: pytest.Config,
    logs: Path | None,
) -> None:
    """Tell the causes, each with its tests; how to run those again; and where their logs are.

    Args:
        failures: Test and cause of each failure.
        terminal: Where to tell it.
        config: The configuration of the run.
        logs: The folder of the logs; None if there are none.
    """
    terminal.section("why")
    for cause, tests in causes.grouped(failures).items():
        terminal.write_line(f"✗ {cause}", red=True)
        for test in tests[:_MOST_TESTS]:
            terminal.write_line(f"    {test}")
        if len(tests) > _MOST_TESTS:
            terminal.write_line(f"    and {len(tests) - _MOST_TESTS} more")
    if config.pluginmanager.has_plugin("lfplugin"):  # not with `-p no:cacheprovider`
        given = [each for each in config.invocation_params.args if each not in {"--lf", "--last-failed"}]
        terminal.write_line(f"again: {shlex.join(['pytest', *given, '--last-failed'])}")
    if logs:
        terminal.write_line(f"logs: {logs}")
