"""Snapshots: an applied stack in a file, which the next run restores instead of applying."""

from harness.snapshots.baseline import Baseline
from harness.snapshots.cache import Cache
from harness.snapshots.fingerprints import Fingerprint, backend_fingerprint
from harness.snapshots.snapshot import Snapshot
from harness.snapshots.stack import RestorableStack

__all__ = ["Baseline", "Cache", "Fingerprint", "RestorableStack", "Snapshot", "backend_fingerprint"]
