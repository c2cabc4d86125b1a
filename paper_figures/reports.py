"""The comparison behind the tables: ten data sets, ten seeds, every arm; kept once trained."""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

import topopert as tp
from topopert.storage import read_archive

from .cache import CACHE, key_of
from .cases import CASES, Case

__all__ = [
    "CONTROLS",
    "N_SEEDS",
    "SEED",
    "all_reports",
    "anchors_of",
    "model_inputs",
    "report_folder",
    "report_of",
    "trained_models",
]

HERE = Path(__file__).parent
CONTROLS = ("shuffled", "pca", "constant", "finetuned", "landscape", "signature")
N_SEEDS, SEED = 10, 0


def report_of(case: Case, *, folder: Path | None = None, **settings: Any) -> tp.ComparisonReport:
    """The report of a data set with the library's defaults, trained if it is not there.

    Args:
        case: The data set.
        folder: Where reports are kept; None is the cache.
        **settings: For `topopert.compare`, in place of the paper's own.
    """
    settings = {"n_seeds": N_SEEDS, "controls": CONTROLS, "seed": SEED, **settings}
    kept = report_folder(case, settings, folder)
    if not (kept / "report.json").exists():
        print(f"{case.name}: training, some minutes", file=sys.stderr, flush=True)
        started = time.perf_counter()
        points = case.load(np.random.default_rng(SEED)).points
        with warnings.catch_warnings():
            # Latent spaces too small for a class are meant to be.
            warnings.simplefilter("ignore", tp.TopopertWarning)
            tp.compare(
                points, latent_dim=case.latent_dim, directory=kept, executor="loky", **settings
            )
        seconds = time.perf_counter() - started
        print(f"{case.name}: trained in {seconds:.0f} s", file=sys.stderr, flush=True)
    return tp.ComparisonReport.load(kept)


def report_folder(case: Case, settings: dict[str, Any], folder: Path | None = None) -> Path:
    """Where a report is kept: named by the data set, by what makes it and by the settings."""
    key = key_of(HERE / "cases.py", {key: repr(value) for key, value in settings.items()})
    folder = CACHE / "reports" if folder is None else folder
    return folder / f"{case.slug}-{key[:12]}"


def all_reports() -> dict[str, tp.ComparisonReport]:
    """The reports of all data sets, in the order of the tables."""
    return {case.name: report_of(case) for case in CASES}


def trained_models(case: Case, arm: str, n_models: int) -> list[torch.nn.Module]:
    """The first models of an arm, as they were at the end of training.

    Args:
        case: The data set.
        arm: Name of the arm.
        n_models: How many of its seeds.
    """
    report = report_of(case)
    folder = report_folder(case, {"n_seeds": N_SEEDS, "controls": CONTROLS, "seed": SEED})
    (chunk,) = (folder / "runs").glob(f"{arm}-000-*.npz")
    _, arrays = read_archive(chunk)
    state = {k.removeprefix("state/"): v for k, v in arrays.items() if k.startswith("state/")}
    models = []
    for seed in range(n_models):
        model = tp.models.MLPVAE(report.settings["n_features"], case.latent_dim)
        model.load_state_dict(
            {name: torch.from_numpy(v[seed].copy()) for name, v in state.items()}
        )
        models.append(model.eval())
    return models


def model_inputs(case: Case) -> torch.Tensor:
    """The held-out rows as the models see them, (N_test, D)."""
    report = report_of(case)
    points = case.load(np.random.default_rng(SEED)).points
    center = points[report.train_rows].mean(axis=0, dtype=np.float64)
    inside = (points[report.test_rows] - center) / report.settings["data_scale"]
    return torch.as_tensor(inside, dtype=torch.float32)


def anchors_of(case: Case) -> np.ndarray:
    """The anchors of the held-out rows, from the topology of the training rows, (N_test, d)."""
    report = report_of(case)
    points = case.load(np.random.default_rng(SEED)).points
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.TopopertWarning)
        topology = tp.PersistentTopology(latent_dim=case.latent_dim)
        return topology.fit(points[report.train_rows]).transform(points[report.test_rows])
