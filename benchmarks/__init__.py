"""How fast and how dear a read is: `python -m benchmarks` measures, plots and counts the cost."""
