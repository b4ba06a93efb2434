"""Follow an event or message through rules, subscriptions, notifications and mappings to functions and on."""

from harness.stack.hops.hop import (
    Hop,
    Hops,
    Stack,
    State,
    Trace,
    after,
    failure_in,
    format_briefly,
    format_hops,
    format_traces,
    glance_all,
    look,
    observe,
    trace_all,
)
from harness.stack.hops.trace import LossCheck, collect_sent, trace_sent

__all__ = [
    "Hop",
    "Hops",
    "LossCheck",
    "Stack",
    "State",
    "Trace",
    "after",
    "collect_sent",
    "failure_in",
    "format_briefly",
    "format_hops",
    "format_traces",
    "glance_all",
    "look",
    "observe",
    "trace_all",
    "trace_sent",
]
