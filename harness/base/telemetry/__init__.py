"""The harness's reports about its own work, as it happens."""
