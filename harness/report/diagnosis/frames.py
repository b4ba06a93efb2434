"""Reduce the traceback of a failed test to the user's own lines."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from harness.aws import clients
from harness.errors import HarnessError

if TYPE_CHECKING:
    import pytest

_HIDDEN = frozenset({"harness", "boto3", "botocore", "s3transfer", "urllib3"})
# pytest's name for it: https://docs.pytest.org/en/stable/example/simple.html#writing-well-integrated-assertion-helpers
_MARK = "__tracebackhide__"


def hide() -> None:
    """Have pytest leave the frames of harness and SDK out of a failure that one of them raised on purpose.

    Other errors are bugs of ours and keep all frames. `--full-trace` keeps all frames too.
    """
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in _HIDDEN:
            vars(module).setdefault(_MARK, _is_on_purpose)


def _is_on_purpose(raised: pytest.ExceptionInfo[BaseException]) -> bool:
    return raised.errisinstance((HarnessError, *clients.FAILURES))


def leave_out_progress(config: pytest.Config) -> None:
    """Keep the harness's progress out of the logs of a failed test, because the terminal showed it before."""
    logging_plugin: Any = config.pluginmanager.get_plugin("logging-plugin")
    if logging_plugin is not None:  # `-p no:logging`
        logging_plugin.report_handler.addFilter(_is_no_progress)


def _is_no_progress(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO or record.name.partition(".")[0] != "harness"
