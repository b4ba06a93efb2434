"""Orders: messages of a queue become items of a table."""
