"""Scripts that run functions in the functions' own interpreters. Nothing imports them."""
