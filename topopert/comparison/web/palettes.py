"""Colours that are told apart with any colour vision."""

from __future__ import annotations

from topopert._lazy import require

__all__ = ["ARMS", "CATEGORIES", "CYCLE", "HOMOLOGY", "MISSING", "SYMBOLS", "gradient"]

# Okabe and Ito (2008), after a grey for the baseline.
ARMS = ("#555555", "#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")
# As in `plotting`'s diagrams.
HOMOLOGY = ("#0072b2", "#d55e00", "#009e73")
# Petroff, Accessible color sequences for data visualization (2021): ten.
CATEGORIES = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
# From the eleventh category on the colours come again with another shape.
SYMBOLS = ("circle", "x", "triangle-up")
# Every 16th colour of romaO, Crameri, Scientific colour maps (2018): its ends meet, and it has no
# near-white as twilight has, which a white page would swallow.
CYCLE = (
    "#733957",
    "#7e3942",
    "#8b4433",
    "#99582c",
    "#aa752f",
    "#bd9842",
    "#cfbc66",
    "#d6d790",
    "#cbe1b3",
    "#afdcc8",
    "#8bcbcf",
    "#68b1cb",
    "#5393bf",
    "#4f75ac",
    "#595891",
    "#674372",
    "#733957",
)
MISSING = "#d0d0d0"


def gradient(*, n_colours: int, cyclic: bool) -> tuple[str, ...]:
    """Colours from low to high as CSS writes them: viridis or, if cyclic, the cycle."""
    scale = list(CYCLE) if cyclic else "Viridis"
    return tuple(require("plotly.colors", extra="html").sample_colorscale(scale, n_colours))
