"""A good call of every public entry point, to be spoilt argument by argument."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import topopert as tp

__all__ = ["GOOD_CALLS", "RECORDS", "SPOILT"]

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(30, 4))
LATENTS = RNG.normal(size=(3, 30, 2))
MEAN, LOGVAR = torch.from_numpy(RNG.normal(size=(2, 20, 2))).float()
ANCHORS = tp.AnchorSpec(landmarks=POINTS[:8], values=LATENTS[0, :8], radius=2.0)
WELLS = tp.WellSpec(centers=LATENTS[0, :3], depths=np.ones(3), widths=np.ones(3))
DIAGRAM = tp.PersistenceDiagram(
    pairs=np.array([[0.0, 1.0]]), essential=np.array([0.0]), homology_dim=0
)


def quartic() -> tp.PolynomialPotential:
    return tp.PolynomialPotential([[4, 0], [0, 4]], [0.1, 0.1])


def hamiltonian() -> tp.Hamiltonian:
    return tp.Hamiltonian(tp.WellPotential(WELLS), 1.0)


def fitted() -> tp.PersistentTopology:
    return tp.PersistentTopology(n_landmarks=10).fit(POINTS)


def surface() -> Any:
    return tp.posterior_spectrum(MEAN[:, :1], LOGVAR[:, :1], n_levels=3).surface


def attached(**arguments: Any) -> None:
    model = tp.models.MLPVAE(4, 2)
    halves = {"posterior": lambda output: output.chunk(2, dim=-1), "encoder": "encoder"}
    with tp.attach(model, **{**halves, **arguments}):
        model.encoder(torch.from_numpy(POINTS).float())


def topology(points: Any, **parameters: Any) -> None:
    tp.PersistentTopology(**parameters).fit(points)


def transformed(points: Any) -> None:
    fitted().transform(points)


def energy(**arguments: Any) -> None:
    hamiltonian().energy(**arguments)


def field_energy(x: Any, anchors: Any = None) -> None:
    tp.Hamiltonian(tp.AnchorPotential(ANCHORS)).energy(MEAN, LOGVAR, x, anchors=anchors)


def prior(coupling: Any) -> None:
    hamiltonian().prior(coupling=coupling)


def expectation(name: str, **arguments: Any) -> None:
    potentials = {
        "WellPotential": lambda: tp.WellPotential(WELLS),
        "PolynomialPotential": quartic,
        "SignaturePotential": tp.SignaturePotential,
        "OneBodyPotential": lambda: tp.OneBodyPotential(lambda z: z.square().sum(dim=1)),
    }
    potentials[name]().expectation(**arguments)


# name: function, its arguments; a name in brackets is a method or a use of what was made
GOOD_CALLS: dict[str, tuple[Callable[..., Any], Callable[[Path], dict[str, Any]]]] = {
    "Adiabatic": (tp.Adiabatic, lambda _: {"start": 1.0, "off_at": 0.5, "power": 1.0}),
    "AnchorPotential": (tp.AnchorPotential, lambda _: {"anchors": ANCHORS}),
    "ComparisonReport [load]": (tp.ComparisonReport.load, lambda path: {"directory": path}),
    "Constant": (tp.Constant, lambda _: {"value": 1.0}),
    "EnergyLandscape [from_posterior]": (
        tp.EnergyLandscape.from_posterior,
        lambda _: {"mean": MEAN[:5], "logvar": LOGVAR[:5]},
    ),
    "EnergyLandscape [from_potential]": (
        tp.EnergyLandscape.from_potential,
        lambda _: {
            "potential": tp.PolynomialPotential([[4]], [0.1]),
            "coupling": 1.0,
            "latent_dim": 1,
        },
    ),
    "GaussHermite": (tp.GaussHermite, lambda _: {"n_nodes": 3}),
    "Hamiltonian": (tp.Hamiltonian, lambda _: {"potential": quartic(), "coupling": 1.0}),
    "Hamiltonian [energy]": (energy, lambda _: {"mean": MEAN, "logvar": LOGVAR, "progress": 0.5}),
    "Hamiltonian [energy of a field]": (field_energy, lambda _: {"x": MEAN.new_zeros(20, 4)}),
    "Hamiltonian [prior]": (prior, lambda _: {"coupling": 1.0}),
    "MonteCarlo": (tp.MonteCarlo, lambda _: {"n_nodes": 4, "generator": torch.Generator()}),
    "OneBodyPotential": (
        tp.OneBodyPotential,
        lambda _: {"function": lambda z: z.sum(dim=1), "quadrature": tp.GaussHermite(3)},
    ),
    **{
        f"{name} [expectation]": (
            lambda name=name, **arguments: expectation(name, **arguments),
            lambda _: {"mean": MEAN, "logvar": LOGVAR, "x": MEAN.new_zeros(20, 4)},
        )
        for name in (
            "OneBodyPotential",
            "PolynomialPotential",
            "SignaturePotential",
            "WellPotential",
        )
    },
    "PersistentTopology [fit]": (
        topology,
        lambda _: {
            "points": POINTS,
            "latent_dim": 2,
            "max_homology_dim": 1,
            "n_landmarks": 10,
            "significance": 0.05,
            "layout": "auto",
            "outliers": "keep",
        },
    ),
    "PersistentTopology [transform]": (transformed, lambda _: {"points": POINTS}),
    "PolynomialPotential": (
        tp.PolynomialPotential,
        lambda _: {"exponents": [[4, 0]], "coefficients": [0.1]},
    ),
    "QuasiMonteCarlo": (tp.QuasiMonteCarlo, lambda _: {"n_nodes": 4}),
    "SignaturePotential": (tp.SignaturePotential, lambda _: {"max_homology_dim": 0}),
    "TrainingConfig": (
        tp.TrainingConfig,
        lambda _: {
            "n_steps": 3,
            "batch_size": 3,
            "learning_rate": 1e-3,
            "noise_variance": 0.1,
            "likelihood": "gaussian",
        },
    ),
    "WellPotential": (tp.WellPotential, lambda _: {"wells": WELLS}),
    "arrhenius": (
        tp.arrhenius,
        lambda _: {"surface": surface(), "temperatures": [0.5, 1.0], "n_levels": 4},
    ),
    "attach": (attached, lambda _: {"hamiltonian": hamiltonian(), "n_steps": 3}),
    "barcode_comparison": (
        tp.barcode_comparison,
        lambda _: {"spectrum": tp.posterior_spectrum(MEAN[:, :1], LOGVAR[:, :1], n_levels=4)},
    ),
    "bottleneck_distance": (tp.bottleneck_distance, lambda _: {"a": DIAGRAM, "b": DIAGRAM}),
    "calibrate": (
        tp.calibrate,
        lambda _: {
            "points": POINTS,
            "hamiltonian": hamiltonian(),
            "latent_dim": 2,
            "model": None,
            "n_seeds": 3,
            "training": tp.TrainingConfig(n_steps=1),
            "couplings": [1.0],
        },
    ),
    "compare": (
        tp.compare,
        lambda path: {
            "points": POINTS,
            "hamiltonian": hamiltonian(),
            "latent_dim": 2,
            "coupling": None,
            "model": None,
            "n_seeds": 3,
            "controls": (),
            "training": tp.TrainingConfig(n_steps=1),
            "rule": None,
            "directory": None,
            "executor": None,
            "vary": "seed",
            "train": None,
            "seed": 0,
            "on_progress": None,
        },
    ),
    "decode_along": (
        tp.decode_along,
        lambda _: {"decoder": lambda z: z, "points": MEAN, "batch_size": 3},
    ),
    "degeneracy": (tp.degeneracy, lambda _: {"latents": LATENTS, "kl_per_axis": None}),
    "differentiable_levels": (
        tp.differentiable_levels,
        lambda _: {
            "potential": tp.PolynomialPotential([[4]], [0.1]),
            "coupling": 1.0,
            "latent_dim": 1,
            "n_levels": 3,
        },
    ),
    "differentiable_posterior_levels": (
        tp.differentiable_posterior_levels,
        lambda _: {"mean": MEAN[:, :1], "logvar": LOGVAR[:, :1], "n_levels": 3},
    ),
    "energy_barcode": (tp.energy_barcode, lambda _: {"surface": surface(), "spacing": 0.5}),
    "energy_surgery": (
        tp.energy_surgery,
        lambda _: {"mean": MEAN, "logvar": LOGVAR, "bandwidth": None, "n_samples": 64},
    ),
    "excitation_energy": (tp.excitation_energy, lambda _: {"mean": MEAN, "logvar": LOGVAR}),
    "faithfulness": (tp.faithfulness, lambda _: {"points": POINTS, "latents": LATENTS}),
    "gauge_curvature": (tp.gauge_curvature, lambda _: {"mean": MEAN, "anchors": MEAN}),
    "load": (tp.load, lambda path: {"path": path / "saved.npz"}),
    "maxmin_landmarks": (tp.maxmin_landmarks, lambda _: {"points": POINTS, "n": 5}),
    "persistence_diagrams": (
        tp.persistence_diagrams,
        lambda _: {
            "points": POINTS,
            "max_homology_dim": 1,
            "metric": "euclidean",
            "backend": "ripser",
            "dtm_neighbors": None,
        },
    ),
    "perturbation_levels": (
        tp.perturbation_levels,
        lambda _: {
            "potential": quartic(),
            "coupling": 0.1,
            "latent_dim": 2,
            "n_levels": 3,
            "order": 1,
        },
    ),
    "perturbed_excitation_energy": (
        tp.perturbed_excitation_energy,
        lambda _: {"mean": MEAN, "logvar": LOGVAR, "potential": quartic(), "coupling": 0.1},
    ),
    "posterior_spectrum": (
        tp.posterior_spectrum,
        lambda _: {
            "mean": MEAN[:, :1],
            "logvar": LOGVAR[:, :1],
            "n_levels": 3,
            "temperature": 1.0,
            "method": "auto",
            "bandwidth": None,
        },
    ),
    "save": (tp.save, lambda path: {"obj": hamiltonian(), "path": path / "saved.npz"}),
    "spectrum": (
        tp.spectrum,
        lambda _: {
            "potential": tp.PolynomialPotential([[4]], [0.1]),
            "coupling": 0.1,
            "latent_dim": 1,
            "n_levels": 3,
            "temperature": 1.0,
            "method": "auto",
        },
    ),
    "splitting_matrix": (
        tp.splitting_matrix,
        lambda _: {"potential": quartic(), "latent_dim": 2},
    ),
    "wasserstein_distance": (
        tp.wasserstein_distance,
        lambda _: {"a": DIAGRAM, "b": DIAGRAM, "order": 2.0},
    ),
}

# Plain records, which hold what they are given, and what only the library makes.
RECORDS = frozenset(
    {
        "AnchorSpec",
        "Arm",
        "ArrheniusSeries",
        "Attachment",
        "BarcodeComparison",
        "Calibration",
        "DegeneracyMetrics",
        "EnergyBarcode",
        "EnergySurgery",
        "Estimate",
        "FaithfulnessMetrics",
        "FrontPoint",
        "GaugeCurvature",
        "Loop",
        "MergeTree",
        "Mode",
        "PersistenceDiagram",
        "Potential",
        "Progress",
        "Spectrum",
        "SpectrumDescription",
        "TableRow",
        "TopologicalFeature",
        "TrainingRun",
        "TransitionPath",
        "Verdict",
        "VerdictRule",
        "WellSpec",
    }
)

SPOILT: dict[str, Any] = {
    "object": object(),
    "text": "text",
    "bytes": b"bytes",
    "dictionary": {"a": 1},
    "nan": math.nan,
    "inf": -math.inf,
    "huge": 10**400,
    "negative": -3,
    "complex": 1j,
    "nothing in a list": [],
    "ragged": [[1.0], [1.0, 2.0]],
    "no rows": np.zeros((0, 2)),
    "objects": np.array([[{}, 1]] * 5, dtype=object),
    "texts": np.array([["a", "b"]] * 5),
    "dates": np.zeros((5, 2), dtype="M8[s]"),
    "records": np.zeros(5, dtype=[("x", "f8")]),
    "complex numbers": np.ones((5, 2), dtype=complex),
    "not finite": np.full((5, 2), np.nan),
    "four axes": np.zeros((2, 2, 2, 2)),
    "sparse tensor": torch.eye(5).to_sparse(),
    "meta tensor": torch.zeros(5, 2, device="meta"),
    "half of a tensor": torch.zeros(20, 2, dtype=torch.bfloat16)[:, :1],
    "masked": np.ma.masked_greater(POINTS, 1.0),
}
