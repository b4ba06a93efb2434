"""Your functions: their zips, the programs that run them, and their handlers in this process."""
