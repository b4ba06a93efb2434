"""Evidence about failed tests: hops, logs, the report."""
