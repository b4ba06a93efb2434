"""Snapshots: an applied stack in a file, which the next run restores instead of applying."""

from harness.stack.snapshots.baseline import Baseline
from harness.stack.snapshots.cache import Cache
from harness.stack.snapshots.fingerprints import Fingerprint, backend_fingerprint
from harness.stack.snapshots.snapshot import Snapshot
from harness.stack.snapshots.stack import RestorableStack

__all__ = ["Baseline", "Cache", "Fingerprint", "RestorableStack", "Snapshot", "backend_fingerprint"]
