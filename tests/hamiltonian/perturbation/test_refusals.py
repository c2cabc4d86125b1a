"""What perturbation theory refuses, and where it warns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.hamiltonian.perturbation import perturbation_levels, splitting_matrix
from topopert.hamiltonian.potentials.polynomial_potential import PolynomialPotential

SETTINGS = {"coupling": 0.1, "latent_dim": 2, "n_levels": 3, "order": 2}


def well(depth: float = 1.0, latent_dim: int = 2) -> tp.WellPotential:
    spec = tp.WellSpec(
        centers=np.eye(latent_dim)[:1], depths=np.array([depth]), widths=np.array([0.8])
    )
    return tp.WellPotential(spec).double()


def anchors() -> tp.AnchorPotential:
    rng = np.random.default_rng(0)
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(5, 3)), values=rng.normal(size=(5, 2)), radius=1.0
    )
    return tp.AnchorPotential(spec)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"order": 3}, "`order` must be 1 or 2"),
        ({"order": 0}, "`order` must be 1 or 2"),
        ({"order": True}, "`order` must be 1 or 2"),
        ({"n_levels": 0}, "n_levels"),
        ({"coupling": -1.0}, "coupling"),
        ({"latent_dim": 3}, "lives in 2"),
        ({"n_levels": 92}, "Ask for n_levels <= 91"),
    ],
)
def test_arguments_out_of_range_are_refused(changed: dict, match: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=match):
        perturbation_levels(well(), **{**SETTINGS, **changed})


def test_more_levels_than_memory_holds_are_refused() -> None:
    with pytest.raises(tp.InvalidInputError, match="splitting_matrix"):
        perturbation_levels(well(latent_dim=60), **{**SETTINGS, "latent_dim": 60, "n_levels": 61})


def test_potentials_of_data_or_batch_have_no_levels() -> None:
    with pytest.raises(tp.InvalidInputError, match="depends on the data"):
        perturbation_levels(anchors(), **SETTINGS)
    with pytest.raises(tp.InvalidInputError, match="interaction"):
        perturbation_levels(tp.SignaturePotential() + well(), **SETTINGS)
    with pytest.raises(tp.InvalidInputError, match="interaction"):
        splitting_matrix(tp.SignaturePotential(), 2)


def test_functions_beyond_three_dimensions_are_refused_with_the_way_out() -> None:
    def function(z: torch.Tensor) -> torch.Tensor:
        return z.square().sum(dim=1)

    for call in (
        lambda: perturbation_levels(function, **{**SETTINGS, "latent_dim": 4}),
        lambda: splitting_matrix(function, 4),
    ):
        with pytest.raises(tp.InvalidInputError, match="PolynomialPotential"):
            call()


@pytest.mark.parametrize("power", [2, 3, 4])
def test_a_potential_that_falls_faster_than_the_prior_rises_is_refused(power: int) -> None:
    steep = PolynomialPotential([[power, 0]], [-6.0])
    with pytest.raises(tp.InvalidInputError, match="no finite integral"):
        perturbation_levels(steep, **SETTINGS)


@pytest.mark.parametrize("latent_dim", [2, 5])
def test_so_is_one_that_falls_only_far_out(latent_dim: int) -> None:
    exponents = np.zeros((1, latent_dim))
    exponents[0, -1] = 4
    falling = PolynomialPotential(exponents, [-0.01])
    with pytest.raises(tp.InvalidInputError, match="no finite integral"):
        perturbation_levels(falling, **{**SETTINGS, "latent_dim": latent_dim})


def test_walls_and_nan_are_refused() -> None:
    with pytest.raises(tp.InvalidInputError, match="steep but finite"):
        perturbation_levels(lambda z: torch.where(z[:, 0] > 1, torch.inf, 0.0), **SETTINGS)
    with pytest.raises(tp.InvalidInputError, match="NaN"):
        perturbation_levels(lambda z: z[:, 0].log(), **SETTINGS)


def test_beyond_the_range_there_is_a_warning_and_then_an_error() -> None:
    """One well of about the prior's width: λ·depth = 1 is silent, 3 warns, 12 is refused."""
    perturbation_levels(well(), **{**SETTINGS, "coupling": 1.0})
    with pytest.warns(tp.TopopertWarning, match="standard deviation"):
        perturbation_levels(well(), **{**SETTINGS, "coupling": 3.0})
    with pytest.raises(tp.InvalidInputError, match="beyond the range"):
        perturbation_levels(well(), **{**SETTINGS, "coupling": 12.0})
