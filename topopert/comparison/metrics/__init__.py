"""Differences between the latents of runs, and of each run's to the data."""
