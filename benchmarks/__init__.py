"""The speed and the cost of a read: `python -m benchmarks` measures, plots and counts the cost."""
