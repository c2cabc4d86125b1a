"""Sizes at the edge, each in a process of its own: `python -m tests.load`."""
