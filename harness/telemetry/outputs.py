"""The outputs of a root that are read by name, reported to listeners."""

from __future__ import annotations

from harness.telemetry.signals import Signal

READ = Signal[str]()
