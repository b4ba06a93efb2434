"""The owners of a stack: one run, several workers, or a keeper that outlives the run."""
