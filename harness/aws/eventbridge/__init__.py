"""Sending events, matching patterns, and how far an event came."""
