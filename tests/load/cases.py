"""The sizes that are tried, by name."""

from __future__ import annotations

import contextlib
import shutil
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

import topopert as tp

from .data import empty_file, torus_file

__all__ = ["CASES", "Case"]

MILLION = 1_000_000
FEW_STEPS = tp.TrainingConfig(n_steps=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A size and what is done with it."""

    title: str
    run: Callable[[Path], str]  # in a folder; says what came of it
    most_mb: float  # memory that it may take


def _mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def _points(n_points: int, n_features: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.torus(n_points, ambient_dim=n_features, noise=0.05, rng=rng).points


def _compared(points: Any, folder: Path, **settings: Any) -> str:
    """A comparison and all that is done with its report."""
    shutil.rmtree(folder, ignore_errors=True)
    with warnings.catch_warnings():
        # What few steps leave is not what a user should know of.
        warnings.simplefilter("ignore", tp.TopopertWarning)
        report = tp.compare(points, training=FEW_STEPS, directory=folder, **settings)
        again = tp.ComparisonReport.load(folder)
        assert str(again) == str(report)
        again.to_html(folder / "report.html")
    names = ("arrays.npz", "report.html")
    sizes = [f"{name} {(folder / name).stat().st_size / 1e6:.0f} MB" for name in names]
    runs = sum(path.stat().st_size for path in (folder / "runs").iterdir()) / 1e6
    return ", ".join([*sizes, f"runs {runs:.0f} MB"])


def _hundred_seeds(folder: Path) -> str:
    return _compared(_points(5000, 10), folder / "out", n_seeds=100)


def _million_rows(folder: Path) -> str:
    path = torus_file(folder / "million.npy", MILLION, 20)
    return _compared(_mapped(path), folder / "out", n_seeds=3, controls=())


def _tenth_of_a_million(folder: Path) -> str:
    path = torus_file(folder / "tenth.npy", MILLION // 10, 20)
    return _compared(_mapped(path), folder / "out", n_seeds=3, controls=())


def _million_rows_defaults(folder: Path) -> str:
    path = torus_file(folder / "million.npy", MILLION, 20)
    return _compared(_mapped(path), folder / "out")


def _million_rows_command(folder: Path) -> str:
    from topopert.cli import main

    path = torus_file(folder / "million.npy", MILLION, 20)
    shutil.rmtree(folder / "out", ignore_errors=True)
    arguments = [str(path), "--steps", "20", "--seeds", "3", "--controls", "none"]
    sys.argv = ["topopert", "compare", *arguments, "--out", str(folder / "out")]
    with contextlib.suppress(SystemExit):
        main()
    pictures = len(list((folder / "out").glob("*.png")))
    return f"{pictures} pictures, {tp.ComparisonReport.load(folder / 'out').verdict}"


def _million_rows_topology(folder: Path) -> str:
    path = torus_file(folder / "million.npy", MILLION, 20)
    points = _mapped(path)
    topology = tp.PersistentTopology(latent_dim=3).fit(points)
    anchors = topology.transform(points)
    return f"layout {topology.layout_}, anchors {anchors.shape}"


def _million_rows_metrics(folder: Path) -> str:
    path = torus_file(folder / "million.npy", MILLION, 20)
    points = _mapped(path)
    latents = np.stack([points[:, k : k + 2] for k in range(10)])
    found = tp.degeneracy(latents), tp.faithfulness(points, latents)
    return f"cka {found[0].cka}, trustworthiness {found[1].trustworthiness}"


def _latents_of_100_seeds(folder: Path) -> str:
    latents = np.random.default_rng(0).normal(size=(100, 1000, 128))
    return f"disparity {tp.degeneracy(latents).disparity}"


def _latent_dim_128(folder: Path) -> str:
    points = np.random.default_rng(0).normal(size=(1500, 256))
    return _compared(points, folder / "out", latent_dim=128)


def _potentials_in_128(folder: Path) -> str:
    """Topology, all potentials, priors and spectra of potentials in so many dimensions."""
    generator = torch.Generator().manual_seed(0)
    points = np.random.default_rng(0).normal(size=(1500, 256))
    topology = tp.PersistentTopology(latent_dim=128).fit(points)
    field = tp.AnchorPotential(topology.anchors())
    wells = tp.WellPotential(topology.wells())
    x = torch.from_numpy(points[:256]).float()
    mean = torch.randn(256, 128, generator=generator)
    logvar = torch.full_like(mean, -2.0)
    said = []
    for potential in (field, wells, tp.SignaturePotential(), 0.5 * field + wells):
        energy = tp.Hamiltonian(potential, coupling=1.0).energy(mean, logvar, x)
        assert torch.isfinite(energy).all()
    asked: dict[str, Callable[[], Any]] = {
        "prior of the field": lambda: (
            tp.Hamiltonian(field, coupling=1.0).prior(x).sample((4,), generator=generator)
        ),
        "prior of wells": lambda: (
            tp.Hamiltonian(wells, coupling=1.0).prior().sample((64,), generator=generator)
        ),
        "splitting matrix": lambda: tp.splitting_matrix(wells, 128),
        "perturbation levels": lambda: tp.perturbation_levels(
            wells, coupling=0.1, latent_dim=128, n_levels=6, order=1
        ),
        "spectrum": lambda: tp.spectrum(wells, coupling=0.1, latent_dim=128, n_levels=6),
        "gauge curvature": lambda: tp.gauge_curvature(mean, mean),
    }
    for name, ask in asked.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", tp.TopopertWarning)
                ask()
        except tp.TopopertError as err:
            said.append(f"{name} refused: {err}")
        else:
            said.append(f"{name} done")
    return "; ".join(said)


def _posterior_in_128(folder: Path) -> str:
    """Levels and landscape of a trained model's latents."""
    generator = torch.Generator().manual_seed(0)
    # Two clusters: what a VAE's aggregated posterior is like. One well for each of many points far
    # from all others, as random means in so many dimensions are, takes minutes.
    mean = 0.3 * torch.randn(256, 128, generator=generator)
    mean[:, 0] += torch.where(torch.arange(256) % 2 == 0, 2.0, -2.0)
    logvar = torch.full_like(mean, -0.1)
    levels = tp.posterior_spectrum(mean, logvar, n_levels=6).levels
    minima = tp.EnergyLandscape.from_posterior(mean, logvar).minima
    return f"{len(levels)} levels, {len(minima)} minima"


def _features_20_000(folder: Path) -> str:
    path = torus_file(folder / "wide.npy", 2000, 20_000, "float32")
    return _compared(_mapped(path), folder / "out", n_seeds=3)


def _features_20_000_defaults(folder: Path) -> str:
    path = torus_file(folder / "wide.npy", 2000, 20_000, "float32")
    return _compared(_mapped(path), folder / "out")


def _features_20_000_topology(folder: Path) -> str:
    path = torus_file(folder / "tall_and_wide.npy", 10_000, 20_000, "float32")
    points = _mapped(path)
    indices, radius = tp.maxmin_landmarks(points, 400)
    topology = tp.PersistentTopology(latent_dim=3).fit(points)
    assert set(topology.landmarks_) == set(indices)
    return f"radius {radius:.3g}, layout {topology.layout_}, {topology.transform(points).shape}"


def _too_large(folder: Path) -> str:
    points = _mapped(empty_file(folder / "empty.npy", MILLION, 200_000))
    try:
        tp.compare(points)
    except tp.InvalidInputError as err:
        return str(err)
    raise AssertionError("it was not refused")


def _too_many_latents(folder: Path) -> str:
    points = _mapped(torus_file(folder / "million_128.npy", MILLION, 16))
    try:
        tp.compare(points, latent_dim=16, n_seeds=10_000)
    except tp.InvalidInputError as err:
        return str(err)
    raise AssertionError("it was not refused")


CASES = MappingProxyType(
    {
        "hundred_seeds": Case(
            title="100 seeds, 4 arms, 5000 × 10", run=_hundred_seeds, most_mb=1500
        ),
        "tenth_of_a_million": Case(
            title="10⁵ × 20 mapped, 3 seeds, 2 arms", run=_tenth_of_a_million, most_mb=650
        ),
        "million_rows": Case(
            title="10⁶ × 20 mapped, 3 seeds, 2 arms", run=_million_rows, most_mb=1100
        ),
        "million_rows_defaults": Case(
            title="10⁶ × 20 mapped, 10 seeds, 4 arms", run=_million_rows_defaults, most_mb=2000
        ),
        "million_rows_command": Case(
            title="10⁶ × 20, `topopert compare`, 3 seeds", run=_million_rows_command, most_mb=2000
        ),
        "million_rows_topology": Case(
            title="10⁶ × 20 mapped, topology", run=_million_rows_topology, most_mb=1000
        ),
        "million_rows_metrics": Case(
            title="10⁶ × 20 and 10 latents, metrics", run=_million_rows_metrics, most_mb=2500
        ),
        "latents_of_100_seeds": Case(
            title="100 latents 1000 × 128, metrics", run=_latents_of_100_seeds, most_mb=2000
        ),
        "latent_dim_128": Case(
            title="d = 128, 10 seeds, 4 arms, 1500 × 256", run=_latent_dim_128, most_mb=2000
        ),
        "potentials_in_128": Case(
            title="d = 128, potentials, priors, spectra", run=_potentials_in_128, most_mb=2000
        ),
        "posterior_in_128": Case(
            title="d = 128, a posterior's levels and landscape",
            run=_posterior_in_128,
            most_mb=2000,
        ),
        "features_20_000": Case(
            title="2000 × 20 000, 3 seeds, 4 arms", run=_features_20_000, most_mb=2500
        ),
        "features_20_000_defaults": Case(
            title="2000 × 20 000, 10 seeds, 4 arms", run=_features_20_000_defaults, most_mb=4000
        ),
        "features_20_000_topology": Case(
            title="10 000 × 20 000 mapped, topology", run=_features_20_000_topology, most_mb=2000
        ),
        "too_large": Case(title="10⁶ × 200 000 mapped", run=_too_large, most_mb=600),
        "too_many_latents": Case(
            title="10⁶ × 16, d = 16, 10 000 seeds", run=_too_many_latents, most_mb=600
        ),
    }
)
