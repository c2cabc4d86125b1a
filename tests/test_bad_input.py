"""Bad input meets a clear error at the boundary, before any long work."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import torch

import topopert as tp
from topopert.comparison.runs import tasks
from topopert.models import MLPVAE

RNG = np.random.default_rng(0)
GOOD = RNG.normal(size=(30, 4))

BAD_POINTS = {
    "one-dimensional": (GOOD[:, 0], "1D array"),
    "images": (GOOD.reshape(30, 2, 2), "one row"),
    "two points": (GOOD[:2], "minimum of 3"),
    "empty": (GOOD[:0], "minimum of 3"),
    "no features": (GOOD[:, :0], r"0 feature\(s\)"),
    "NaN": (np.where(GOOD > 1, np.nan, GOOD), "NaN"),
    "infinite": (np.where(GOOD > 1, np.inf, GOOD), "infinity"),
    "constant": (np.ones((30, 4)), "equal"),
    "complex": (GOOD + 1j, "Complex"),
    "text": (np.array([["a", "b", "c"]] * 30), "convert"),
    "objects": (np.array([[{}, 1, 2]] * 30, dtype=object), "cannot be used"),
    "ragged": ([[1.0, 2.0], [3.0]] * 3, "cannot be used"),
    "sparse": (scipy.sparse.csr_array(GOOD), "[Ss]parse"),
    "masked": (np.ma.masked_greater(GOOD, 1.0), "masked"),
    "three-dimensional tensor": (torch.zeros(30, 2, 2), "one row"),
    "sparse tensor": (torch.zeros(30, 4).to_sparse(), "to_dense"),
    "too large to square": (GOOD * 1e200, "out of range"),
    "too small to square": (GOOD * 1e-200, "out of range"),
    "a string": ("points.npy", "cannot be used"),
    "nothing": (None, "cannot be used"),
}


NOT_FOR_FUNCTIONS = ("constant", "two points", "too large to square", "too small to square")


@pytest.mark.parametrize("name", BAD_POINTS)
def test_topology_refuses(name: str) -> None:
    points, message = BAD_POINTS[name]
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.PersistentTopology(latent_dim=1).fit(points)


@pytest.mark.parametrize("name", BAD_POINTS)
def test_comparison_refuses(name: str) -> None:
    points, message = BAD_POINTS[name]
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.compare(points, latent_dim=1)


@pytest.mark.parametrize("name", [n for n in BAD_POINTS if n not in NOT_FOR_FUNCTIONS])
def test_functions_refuse(name: str) -> None:
    points, _ = BAD_POINTS[name]
    with pytest.raises(tp.InvalidInputError):
        tp.persistence_diagrams(points)
    with pytest.raises(tp.InvalidInputError):
        tp.maxmin_landmarks(points, 5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent_dim": 5}, r"n_features=4"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"latent_dim": 1.5}, "latent_dim"),
        ({"max_homology_dim": 3}, "0, 1 or 2"),
        ({"n_landmarks": 2}, "n_landmarks"),
        ({"significance": 0.0}, "significance"),
        ({"significance": float("nan")}, "significance"),
        ({"layout": "umap"}, "'cohomology', 'geodesic', 'pca'"),
    ],
)
def test_topology_refuses_settings(settings: dict, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.PersistentTopology(**settings).fit(GOOD)


def no_training(*args, **kwargs):
    raise AssertionError("training started before the arguments were checked")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent_dim": 5}, "latent_dim=5"),
        ({"n_seeds": 2}, "n_seeds"),
        ({"controls": ("shuffled", "random")}, "'random'"),
        ({"controls": "shuffled"}, "sequence"),
        ({"controls": ("pca", "pca")}, "twice"),
        ({"seed": -1}, "seed"),
        ({"hamiltonian": 3.0}, "Hamiltonian"),
        ({"coupling": -1.0}, "coupling"),
        ({"model": torch.nn.Linear}, "encode"),
        ({"model": lambda: None}, "factory"),
        ({"model": MLPVAE(4, 2)}, "factory"),
        ({"model": lambda i, d: MLPVAE(i, d + 1)}, "mean must have shape"),
        ({"training": tp.TrainingConfig(noise_variance=1e9)}, "noise_variance"),
        ({"training": {"n_steps": 5}}, "TrainingConfig"),
        ({"rule": 3}, "VerdictRule"),
        ({"on_progress": 3}, "on_progress"),
        ({"controls": None}, "sequence"),
        ({"model": lambda i, d: MLPVAE(i, d).double()}, "float32"),
    ],
)
def test_comparison_refuses_settings_before_training(monkeypatch, settings, message) -> None:
    monkeypatch.setattr(tasks, "train_ensemble", no_training)
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.compare(GOOD, **settings)


def test_anchors_of_another_dimension_are_refused_before_training() -> None:
    topology = tp.PersistentTopology(latent_dim=3).fit(GOOD)
    hamiltonian = tp.Hamiltonian(tp.AnchorPotential(topology.anchors()), 1.0)
    with pytest.raises(tp.InvalidInputError, match="latent_dim=2"):
        tp.compare(GOOD, hamiltonian, latent_dim=2)


def test_transform_refuses_other_features_and_an_unfitted_estimator() -> None:
    with pytest.raises(ValueError, match="not fitted"):
        tp.PersistentTopology().transform(GOOD)
    topology = tp.PersistentTopology().fit(GOOD)
    with pytest.raises(tp.InvalidInputError, match="3 features"):
        topology.transform(GOOD[:, :3])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((4, 4)), "diagonal"),
        (np.triu(np.ones((4, 4)), 1), "symmetric"),
        (np.eye(4) - np.ones((4, 4)), "negative"),
        (np.zeros((4, 3)), "square"),
    ],
)
def test_matrices_that_are_no_distances_are_refused(matrix, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.persistence_diagrams(matrix, metric="precomputed")


@pytest.mark.parametrize(
    "settings",
    [
        {"max_homology_dim": 3},
        {"max_homology_dim": -1},
        {"metric": "taxi"},
        {"backend": "dionysus"},
    ],
)
def test_diagrams_refuse_settings(settings: dict) -> None:
    with pytest.raises(tp.InvalidInputError, match=next(iter(settings))):
        tp.persistence_diagrams(GOOD, **settings)


def test_diagrams_of_too_many_points_are_refused_at_once() -> None:
    with pytest.raises(tp.InvalidInputError, match="maxmin_landmarks"):
        tp.persistence_diagrams(np.zeros((5001, 2)))


def test_integers_booleans_and_half_precision_are_read_as_numbers() -> None:
    whole = RNG.integers(0, 50, size=(40, 3))
    expected = tp.PersistentTopology().fit_transform(whole.astype(float))
    np.testing.assert_allclose(tp.PersistentTopology().fit_transform(whole), expected)
    np.testing.assert_allclose(
        tp.PersistentTopology().fit_transform(whole.astype(np.float16)), expected, atol=1e-4
    )
    bits = RNG.random((40, 6)) > 0.5
    assert np.isfinite(tp.PersistentTopology().fit_transform(bits)).all()


def test_degenerate_but_honest_data_are_served() -> None:
    line = np.linspace(0, 1, 50)[:, None] * [1.0, 2.0, 3.0]
    anchors = tp.PersistentTopology().fit_transform(line)
    assert np.isfinite(anchors).all()
    assert tp.PersistentTopology(latent_dim=1).fit_transform(np.arange(5.0)[:, None]).shape == (
        5,
        1,
    )
    three = tp.PersistentTopology().fit_transform(GOOD[:3])
    assert np.isfinite(three).all()
