"""The state of a stack after its apply, for tests to begin with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from harness.errors import BackendError
from harness.stack.snapshots import fingerprints, state
from harness.stack.snapshots.cache import Cache
from harness.stack.snapshots.fingerprints import Fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.settings import Settings
    from harness.values import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The state.

    Attributes:
        endpoint: The emulator that the stack is on.
        content: The state in the emulator's own format.
    """

    endpoint: Endpoint
    content: bytes = field(repr=False)

    @classmethod
    def of(cls, settings: Settings, endpoint: Endpoint, zips: Mapping[str, str]) -> Self:
        """Read the baseline of the stack at `endpoint` from its snapshot. `zips` are its zips' variables.

        Raises:
            BackendError: There is no snapshot of this very stack.
        """
        inputs = Fingerprint.of(settings, zips)
        place = fingerprints.place_fingerprint(endpoint, settings)
        found = Cache.of(settings).nearest(place, inputs.as_note())
        if found is None or Fingerprint.from_note(found.inputs) != inputs:
            raise BackendError(
                endpoint.backend,
                "expected a snapshot of this stack, as it was applied, to begin each test with, found none; "
                "see above why none was taken, or leave out --harness-reset=snapshot",
            )
        here = state.address_of(endpoint)
        return cls(endpoint=endpoint, content=state.replace_address(found.state, found.address, here))

    def restore(self) -> None:
        """Give the emulator this state: whatever tests have made, changed or deleted is as it was.

        Raises:
            BackendError: The emulator does not accept it.
        """
        state.put(self.endpoint, self.content)
