"""The request log of an emulator: each AWS call that it has answered, and who made it."""

from harness.calls.call import Call, calls_in
from harness.calls.log import RequestLog

__all__ = ["Call", "RequestLog", "calls_in"]
