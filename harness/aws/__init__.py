"""Calls to an AWS endpoint: clients, logs, inventory."""
