"""An applied stack: its resources, the ways between them, and what tests ask of it."""
