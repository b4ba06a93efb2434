"""`harness invoke --local`: run a handler in the command's own process, and in Python's debugger."""

from __future__ import annotations

import pdb  # noqa: T100 - what `--pdb` asks for
import sys
import traceback
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import TYPE_CHECKING, Any

import click

from harness.errors import HarnessError
from harness.functions import handlers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from harness.stack.deployment import Deployment

_OURS = frozenset({__file__, handlers.__file__})


def invoke(
    deployment: Deployment, function: str, event: object, sources: Sequence[Path], *, debug: bool = False
) -> Any:  # noqa: ANN401 - a handler returns anything
    """Run the handler of a function in this process, and return its result.

    Args:
        deployment: The stack.
        function: The function's name.
        event: Its event.
        sources: The directories to import its modules from, ahead of all others.
        debug: Whether to open the debugger at an error.

    Raises:
        HarnessError: The function is not in Python, or its handler isn't found.
        Exception: Whatever the handler raises.
    """
    config = deployment.client("lambda").get_function_configuration(FunctionName=function)
    logs = (
        nullcontext() if sys.stdout.isatty() else redirect_stdout(sys.stderr)
    )  # the answer goes to the pipe
    with logs:
        try:
            return handlers.run(deployment.endpoint, config, event, sources)
        except HarnessError:
            raise
        except Exception:
            if debug:
                pdb.post_mortem(sys.exc_info()[2])
            raise


@contextmanager
def own_traceback() -> Iterator[None]:
    """Exit with code 1 if a handler raises, and show only its own part of the traceback."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as problem:  # noqa: BLE001 - a handler raises anything
        frames = last = problem.__traceback__
        while last:
            frames = last.tb_next if last.tb_frame.f_code.co_filename in _OURS else frames
            last = last.tb_next
        traceback.print_exception(problem.with_traceback(frames))
        raise click.exceptions.Exit(1) from None
