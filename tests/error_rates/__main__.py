"""The table of error rates in `topology/significance.py`, made anew by `make significance`."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

import topopert.topology.significance as significance

from .clouds import AWKWARD, SHAPES, STRUCTURELESS
from .rates import Size, false_positives, power

START, END = "Made by `make significance`:\n", "End of what `make significance` made."
# H2 takes few landmarks. All points are landmarks, or one in 3 to 25 of them.
SMALL = (*(Size(n, n, 2) for n in (15, 30, 60, 80)), Size(1500, 60, 2))
LARGE = tuple(Size(n, m, 1) for n, m in ((150, 150), (400, 400), (2000, 150), (3000, 400)))
AWKWARD_SIZES = (Size(100, 100, 1), Size(600, 200, 1))
N_SMALL, N_LARGE, N_AWKWARD = 40, 25, 100  # clouds of each size
NOISES = (0.001, 0.05, 0.1)  # without any, all points of a cluster are one
N_RUNS, N_JOBS = 25, 2

TEMPLATE = """
{n_clouds} clouds of each kind, {n_small} of them with H2, of the last four {n_awkward} without;
15 to 3000 points, 15 to 400 landmarks; in brackets 95 % intervals.

{false_positives}

Share in % of {n_runs} runs that find exactly the classes there are and, after ≥, at least those;
noise for each coordinate in R¹⁰ relative to the RMS radius.

{power}

"""


def false_positive_rows() -> list[tuple[str, ...]]:
    rows = [("% of clouds with a class in", "H0", "H1", "H2", "any")]
    for kind in tqdm(STRUCTURELESS, desc="structureless"):
        small = false_positives(kind, SMALL, n_clouds=N_SMALL, n_jobs=N_JOBS)
        large = false_positives(kind, LARGE, n_clouds=N_LARGE, n_jobs=N_JOBS)
        h0, h1, either = (a.pooled(b) for a, b in zip((*small[:2], small[3]), large, strict=True))
        rows.append((kind, *(f"{rate:.1f}" for rate in (h0, h1, small[2], either))))
    for kind in tqdm(AWKWARD, desc="awkward"):
        h0, h1, either = false_positives(kind, AWKWARD_SIZES, n_clouds=N_AWKWARD, n_jobs=N_JOBS)
        rows.append((kind, f"{h0:.1f}", f"{h1:.1f}", "", f"{either:.1f}"))
    return rows


def power_rows() -> list[tuple[str, ...]]:
    rows = [("noise", *(f"{100 * noise:g} %" for noise in NOISES))]
    for name, shape in tqdm(SHAPES.items(), desc="power"):
        rates = [power(name, noise=noise, n_runs=N_RUNS, n_jobs=N_JOBS) for noise in NOISES]
        betti = " + ".join(f"{b} H{dim}" for dim, b in enumerate(shape.betti) if b)
        cells = (
            f"{exactly:.0f}"
            + (f" ≥ {100 * at_least.n_hits / N_RUNS:.0f}" if at_least != exactly else "")
            for exactly, at_least in rates
        )
        rows.append((f"{name} ({betti})", *cells))
    return rows


def aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(f"    {line}" for line in lines)


def main() -> None:
    source = Path(significance.__file__)
    n_small, n_large = N_SMALL * len(SMALL), N_LARGE * len(LARGE)
    text = TEMPLATE.format(
        n_clouds=n_small + n_large,
        n_small=n_small,
        n_awkward=N_AWKWARD * len(AWKWARD_SIZES),
        n_runs=N_RUNS,
        false_positives=aligned(false_positive_rows()),
        power=aligned(power_rows()),
    )
    before, rest = source.read_text().split(START)
    _, after = rest.split(END)
    source.write_text(f"{before}{START}{text}{END}{after}")


if __name__ == "__main__":
    main()
