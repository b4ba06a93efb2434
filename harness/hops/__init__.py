"""How far what was sent came: by rules, subscriptions, notifications and mappings to a function, and on."""

from harness.hops.hop import (
    Hop,
    Stack,
    State,
    Trace,
    after,
    failed,
    look,
    looked,
    told,
    told_all,
    told_briefly,
    traced,
)
from harness.hops.trace import Lost, trace_sent

__all__ = [
    "Hop",
    "Lost",
    "Stack",
    "State",
    "Trace",
    "after",
    "failed",
    "look",
    "looked",
    "told",
    "told_all",
    "told_briefly",
    "trace_sent",
    "traced",
]
