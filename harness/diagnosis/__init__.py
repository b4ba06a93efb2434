"""What a failed test leaves behind: hops, logs, the report."""
