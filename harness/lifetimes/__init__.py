"""Who holds a stack, and for how long."""
