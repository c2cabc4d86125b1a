"""From a model's posterior to its surface: widths, weights, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.hamiltonian.surfaces import posterior_surface


def test_equal_rows_are_one_component_of_more_weight(rng) -> None:
    mean, logvar = rng.normal(size=(5, 2)), rng.uniform(-3, 0, size=(5, 2))
    rows = [0, 0, 0, 1, 2, 3, 4, 4]
    surface = posterior_surface(mean[rows], logvar[rows])
    assert surface.n_components == 5
    z = rng.normal(size=(7, 2))
    density = np.exp(-0.5 * (z[:, None] - mean[rows]) ** 2 / np.exp(logvar[rows]))
    density = (density / np.sqrt(2 * math.pi * np.exp(logvar[rows]))).prod(axis=2).mean(axis=1)
    found = surface.energy(torch.from_numpy(z))
    np.testing.assert_allclose(found, -np.log(density), rtol=1e-12)


def test_tensors_of_any_type_are_taken(rng) -> None:
    mean, logvar = rng.normal(size=(5, 2)), rng.uniform(-3, 0, size=(5, 2))
    z = torch.zeros(1, 2, dtype=torch.float64)
    single = posterior_surface(torch.from_numpy(mean).float(), torch.from_numpy(logvar).float())
    assert single.energy(z).dtype == torch.float64
    exact = posterior_surface(mean, logvar).energy(z)
    torch.testing.assert_close(single.energy(z), exact, rtol=1e-5, atol=1e-5)


def test_a_deterministic_code_is_told_its_bandwidth(rng) -> None:
    mean = rng.normal(size=(4000, 2)) * [2.0, 1.0]
    with pytest.warns(tp.TopopertWarning, match=r"Silverman's bandwidth 0\.39"):
        surface = posterior_surface(mean, None)
    # (4/((d + 2) N))^(1/(d + 4)) times the root mean square of 2 and 1
    expected = (1 / 4000) ** (1 / 6) * math.sqrt(2.5)
    np.testing.assert_allclose(surface.standard_deviations, expected, rtol=0.03)
    chosen = posterior_surface(mean, None, bandwidth=0.1)
    np.testing.assert_allclose(chosen.standard_deviations, 0.1)


@pytest.mark.parametrize(
    ("mean", "logvar", "options", "match"),
    [
        (np.ones((4, 2)), None, {}, "are one point"),
        (np.ones((1, 2)), None, {}, "are one point"),
        (np.eye(2), np.full((2, 2), -np.inf), {}, "σ = 0"),
        (np.eye(2), np.full((2, 2), -500.0), {}, "out of range"),
        (np.eye(2), np.full((2, 2), np.nan), {}, "logvar"),
        (np.array([[0.0, math.nan]]), np.zeros((1, 2)), {}, "mean"),
        (np.eye(2), np.zeros((2, 3)), {}, "shape of `mean`"),
        (np.eye(2), np.zeros((2, 2)), {"bandwidth": 0.1}, "only with `logvar=None`"),
        (np.eye(2), None, {"bandwidth": 0.0}, "bandwidth"),
        (np.zeros((0, 2)), np.zeros((0, 2)), {}, "mean"),
        (np.zeros(3), np.zeros(3), {}, "mean"),
    ],
)
def test_what_is_no_posterior_is_refused(mean, logvar, options, match: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=match):
        posterior_surface(mean, logvar, **options)
