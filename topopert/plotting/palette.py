"""Okabe and Ito's palette by name: told apart with any colour vision."""

from __future__ import annotations

__all__ = ["BLUE", "GREEN", "GREY", "INK", "ORANGE", "PURPLE", "SKY", "SMALL", "VERMILLION"]

BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
INK, GREY = "0.15", "0.6"  # what is drawn, and what it is drawn over
SMALL = 7.5  # points: the least type that a column's width of 3.4 inches leaves legible
