"""Talking to an endpoint of AWS: clients, logs, what is there."""
