"""One look for all figures: sizes, colours, markers. Nothing global is touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from topopert.storage import replacing

COLUMN, PAGE = 3.4, 7.0  # widths in inches

# Okabe and Ito's colours, told apart with any colour vision; a marker each besides.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, RED, PINK, GREY = "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F"

ARMS = {
    "baseline": (GREY, "o"),
    "perturbed": (RED, "D"),
    "shuffled": (SKY, "v"),
    "pca": (GREEN, "s"),
    "constant": (BLUE, "^"),
    "finetuned": (PINK, "P"),
    "landscape": (ORANGE, "h"),
    "signature": (BLACK, "X"),
}

_RC = {
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,
    "svg.hashsalt": "topopert",
    "savefig.dpi": 200,
    "figure.dpi": 200,
}


@contextmanager
def style() -> Iterator[None]:
    """Inside, figures are drawn and saved in this look."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()  # whatever the user's own settings are
        mpl.rcParams.update(_RC)
        yield


def save(figure: Any, path: Path) -> None:
    """Write the figure as `.pdf` and `.png`; the same figure gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path.with_suffix(".pdf")) as file:
        figure.savefig(file, format="pdf", metadata={"CreationDate": None})
    with replacing(path.with_suffix(".png")) as file:
        figure.savefig(file, format="png", metadata={"Software": None})


def letter(ax: Any, text: str, title: str = "") -> None:
    """The panel's letter in bold and its title, above the axes on the left."""
    ax.set_title(f"$\\mathbf{{{text}}}$  {title}" if title else f"$\\mathbf{{{text}}}$")


def interval(ax: Any, x: Any, y: Any, low: Any, high: Any, **style: Any) -> Any:
    """Points with horizontal intervals [low, high]."""
    x, low, high = (np.asarray(value, dtype=float) for value in (x, low, high))
    reach = np.stack([np.maximum(x - low, 0), np.maximum(high - x, 0)])
    return ax.errorbar(x, y, xerr=reach, linestyle="none", elinewidth=0.7, **style)


def scientific(value: float) -> str:
    """A small positive number for the text, to one digit: 3·10⁻¹¹."""
    mantissa, exponent = f"{value:.0e}".split("e")
    digits = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{digits}" if mantissa == "1" else f"{mantissa}·10{digits}"
