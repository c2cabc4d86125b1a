"""The table of coverage in `statistics/pair_estimate.py`, made anew by `make intervals`."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

import topopert.comparison.statistics.pair_estimate as pair_estimate

from .measure import METHODS, OURS, coverage
from .scenes import SCENES

START, END = "Made by `make intervals`:\n", "End of what `make intervals` made."
N_SEEDS = (5, 10, 20)
N_REPEATS = 3000

TEMPLATE = """
Per cent of {n_repeats} nominal 95 % intervals that hold the true value (standard error {error})
and the median factor between their ends; last, per cent of ours that end below it.

{tables}

"""


def rows(n_seeds: int) -> list[tuple[str, ...]]:
    columns = [
        coverage(scene, n_seeds=n_seeds, n_repeats=N_REPEATS)
        for scene in tqdm(SCENES, desc=f"{n_seeds} seeds")
    ]
    header = (f"{n_seeds} seeds", *SCENES)
    return [
        header,
        *(
            (method, *(f"{100 * c[method].covered:.1f} ×{c[method].factor:.3g}" for c in columns))
            for method in METHODS
        ),
        ("  upper end too low", *(f"{100 * c[OURS].too_low:.1f}" for c in columns)),
    ]


def aligned(table: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )
    return "\n".join(f"    {line}" for line in lines)


def main() -> None:
    tables = "\n\n".join(aligned(rows(n_seeds)) for n_seeds in N_SEEDS)
    error = f"{100 * (0.93 * 0.07 / N_REPEATS) ** 0.5:.1f}"
    text = TEMPLATE.format(n_repeats=N_REPEATS, error=error, tables=tables)
    print(text)
    source = Path(pair_estimate.__file__)
    before, rest = source.read_text().split(START)
    _, after = rest.split(END)
    source.write_text(f"{before}{START}{text}{END}{after}")


if __name__ == "__main__":
    main()
