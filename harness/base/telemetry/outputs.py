"""The outputs of a root that are read, reported to listeners: each by its name, or all at once."""

from __future__ import annotations

from harness.base.telemetry.signals import Signal

ALL = "*"  # the name under which a read of all outputs is reported
READ = Signal[str]()
