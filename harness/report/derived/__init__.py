"""What is derived from what runs have recorded."""
