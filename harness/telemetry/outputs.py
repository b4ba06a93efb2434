"""Which outputs of a root are read by their names, told to whoever listens."""

from __future__ import annotations

from harness.telemetry.signals import Signal

READ = Signal[str]()
