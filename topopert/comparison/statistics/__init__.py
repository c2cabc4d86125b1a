"""Figures over seeds with intervals, and tests of arms against each other."""
