"""Requests to APIs and function URLs on the way."""

from harness.stack.hops.apis.requests import follow, follow_url

__all__ = ["follow", "follow_url"]
