"""A client of WebSocket APIs."""
