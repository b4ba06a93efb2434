"""What starts MiniStack: the directory is run as a program, in an environment that the harness is not in."""
