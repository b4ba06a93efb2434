"""What runs a function in an interpreter of the function's own: scripts, which nothing imports."""
