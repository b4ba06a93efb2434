"""Views that are derived from the records of runs."""
