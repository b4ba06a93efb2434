"""An emulator's request log: each AWS call that it has answered, with its caller.

And the events that functions were invoked with, for `harness invoke --last-failed`.
"""

from harness.aws.calls.call import Call, calls_in
from harness.aws.calls.log import RequestLog

__all__ = ["Call", "RequestLog", "calls_in"]
