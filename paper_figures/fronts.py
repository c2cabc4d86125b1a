"""The front of lifting against −ELBO on every data set, and the default coupling that it gives.

The data are not those of the tables: other draws, other splits, other seeds. Run by `make fronts`.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from dataclasses import asdict
from pathlib import Path

import numpy as np

import topopert as tp
from topopert.comparison.calibration import CANDIDATES

from .cases import CASES, Case

CACHE = Path(__file__).parent / "cache" / "fronts"
SEED = 100  # the tables have 0
N_SEEDS = 6


def front(case: Case) -> dict[str, dict]:
    """Each coupling's figures on a data set, from the cache if they are there."""
    path = CACHE / f"{case.name.replace(' ', '_').replace(',', '')}.json"
    if not path.exists():
        points = case.load(np.random.default_rng(SEED)).points
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", tp.TopopertWarning)
            result = tp.calibrate(points, latent_dim=case.latent_dim, n_seeds=N_SEEDS, seed=SEED)
        record = {
            repr(point.coupling): {
                "disparity": point.disparity,
                "invariant_disparity": point.invariant_disparity,
                "neg_elbo": point.neg_elbo,
                "elbo_loss": asdict(point.elbo_loss),
            }
            for point in (result.baseline, *result.front)
        }
        record["spread"] = {"elbo": result.elbo_spread}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1) + "\n")
        print(f"{case.name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
        print(result, file=sys.stderr, flush=True)
    return json.loads(path.read_text())


def main() -> None:
    fronts = {case.name: front(case) for case in CASES}
    print(f"{'coupling':<40} geometric mean ratio   loss in spreads: mean, worst")
    for coupling in map(repr, CANDIDATES):
        ratios, losses = [], []
        for record in fronts.values():
            base = record["Constant(value=0.0)"]
            ratios.append(record[coupling]["disparity"] / base["disparity"])
            losses.append(record[coupling]["elbo_loss"]["value"] / record["spread"]["elbo"])
        mean_ratio = float(np.exp(np.mean(np.log(ratios))))
        print(f"{coupling:<40} {mean_ratio:.5f}   {np.mean(losses):+.2f}, {max(losses):+.2f}")


if __name__ == "__main__":
    main()
