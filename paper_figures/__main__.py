"""Every figure and table of README and of the paper, from the cache or from nothing.

`python -m paper_figures [--recompute]`; what takes its time is kept in `cache/`, and figures,
results and texts are written from there.
"""

from __future__ import annotations

import os
import shutil
import sys
import time

from . import lifting_table, readme_figures
from .cache import CACHE
from .produce import produce, write_paper

FIGURES = (
    "fig1_degeneracy",
    "fig2_level_splitting",
    "fig3_potential",
    "fig4_lifting",
    "fig5_gauge_orbit",
    "fig6_adiabatic",
    "fig7_barcode",
    "fig8_landscape",
    "fig9_dissipation",
    "fig10_symmetries",
    "fig11_cost",
    "fig12_axes",
)


def main() -> None:
    if sys.argv[1:] not in ([], ["--recompute"]):
        sys.exit("usage: python -m paper_figures [--recompute]")
    if "--recompute" in sys.argv[1:]:
        shutil.rmtree(CACHE, ignore_errors=True)
    begun = time.perf_counter()
    steps = [("tables", lifting_table.tabulate), ("demo", readme_figures.draw_demo)]
    steps += [(name, lambda name=name: produce(name)) for name in FIGURES]
    steps.append(("paper", write_paper))
    for name, step in steps:
        started = time.perf_counter()
        step()
        print(f"{name}: {time.perf_counter() - started:.1f} s", flush=True)
    print(f"all: {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    # Before the first import of torch in the workers, which inherit it: two of them on two cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
