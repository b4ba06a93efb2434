"""Parts of state machines and pipes that MiniStack 1.5.33 leaves out."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from ministack.services import pipes, stepfunctions

if TYPE_CHECKING:
    from collections.abc import Callable

    type Data = dict[str, Any]
    type Answer = tuple[int, dict[str, str], bytes]

_PARAMETERS = ("SourceParameters", "TargetParameters")
_OK = 200


def install() -> None:
    """Evaluate the output of a last state, and keep the parameters of pipes."""
    stepfunctions._apply_output_path = _with_output(stepfunctions._apply_output_path)  # noqa: SLF001 - pinned
    for name in ("_create_pipe", "_update_pipe"):
        setattr(pipes, name, _with_parameters(getattr(pipes, name)))
    pipes._describe_response = _describing_parameters(pipes._describe_response)  # noqa: SLF001


def _with_output(known: Callable[..., Any]) -> Callable[..., Any]:
    """Evaluate the field `Output` of a state `Succeed`, which only JSONata has."""

    @wraps(known)
    def apply(state: Data, data: object, ctx: Data | None = None) -> object:
        if state.get("Type") == "Succeed" and "Output" in state:
            return stepfunctions._apply_jsonata_output(state, data, ctx)  # noqa: SLF001
        return known(state, data, ctx)

    return apply


def _with_parameters(known: Callable[[str, Data], Answer]) -> Callable[[str, Data], Answer]:
    """Keep the parameters of a pipe."""

    @wraps(known)
    def write(name: str, data: Data) -> Answer:
        answer = known(name, data)
        if answer[0] == _OK:
            pipe = pipes._pipes[name]  # noqa: SLF001 - the version is pinned
            pipe |= {each: data[each] for each in _PARAMETERS if data.get(each)}
        return answer

    return write


def _describing_parameters(known: Callable[[Data], Data]) -> Callable[[Data], Data]:
    """Report the parameters of a pipe: Terraform would create it again."""

    @wraps(known)
    def describe(pipe: Data) -> Data:
        return known(pipe) | {name: pipe[name] for name in _PARAMETERS if name in pipe}

    return describe
