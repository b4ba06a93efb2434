"""What the harness tells of its own work while it works."""
