"""The program that starts MiniStack. It runs in MiniStack's environment, without the harness."""
