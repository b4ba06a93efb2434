"""Requests to APIs and function URLs on the way."""

from harness.hops.apis.requests import follow, follow_url

__all__ = ["follow", "follow_url"]
