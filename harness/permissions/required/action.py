"""An action on a resource that a call or a feature needed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredAction:
    """An action that a call or a feature needed.

    Attributes:
        actions: The action. If there are several, one suffices, and the first is the usual one.
        resource: The ARN of the resource. `*` for no specific one, empty if unknown.
        why: The call or feature that needed it, such as `s3:PutObject by function:writer`.
        is_sure: Whether it was certainly needed.
        is_behind: Whether AWS asks for it behind the scenes: emulators ask only for that of a call itself.
        is_denied: Whether the call was refused.
        via: The service through which it was asked for, as in `kms:ViaService`.
        region: The region.
    """

    actions: tuple[str, ...]
    resource: str
    why: str
    is_sure: bool = True
    is_behind: bool = False
    is_denied: bool = False
    via: str = ""
    region: str = ""

    @property
    def action(self) -> str:
        """The usual action."""
        return self.actions[0]
