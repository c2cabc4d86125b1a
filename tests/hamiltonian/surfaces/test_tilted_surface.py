"""U = ½∣z∣² + λV against the potentials themselves, and what has no surface."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import topopert as tp
from topopert.hamiltonian.surfaces import EnergySurface, FunctionSurface, TiltedSurface


def wells(rng: np.random.Generator, d: int) -> tp.WellPotential:
    spec = tp.WellSpec(
        centers=rng.normal(size=(4, d)),
        depths=rng.uniform(0.5, 2, 4),
        widths=rng.uniform(0.4, 1, 4),
    )
    return tp.WellPotential(spec).double()


def bump(z: Tensor) -> Tensor:
    return torch.cos(2 * z[:, 0]) + z.square().sum(dim=1).square() / 10


@pytest.mark.parametrize("d", [1, 2, 5])
def test_energy_adds_the_prior_and_the_potential(rng, d: int) -> None:
    well = wells(rng, d)
    potential = 2 * well + tp.OneBodyPotential(bump) - well / 4
    z = torch.from_numpy(rng.normal(size=(9, d)))
    expected = 0.5 * z.square().sum(dim=1) + 0.7 * potential(z)
    torch.testing.assert_close(TiltedSurface(potential, 0.7, d).energy(z), expected)
    torch.testing.assert_close(
        TiltedSurface(bump, tp.Constant(0.7), d).energy(z),
        0.5 * z.square().sum(dim=1) + 0.7 * bump(z),
    )


@pytest.mark.parametrize("d", [1, 2, 5])
def test_closed_derivatives_of_wells_are_those_of_autograd(rng, d: int) -> None:
    surface = TiltedSurface(wells(rng, d), 1.3, d)
    z = torch.from_numpy(rng.normal(size=(9, d)))
    own, automatic = surface.derivatives(z), EnergySurface.derivatives(surface, z)
    for name in ("energy", "gradient", "hessian"):
        torch.testing.assert_close(
            getattr(own, name), getattr(automatic, name), rtol=1e-11, atol=1e-11
        )
    torch.testing.assert_close(surface.gradient(z), own.gradient)


def test_without_coupling_it_is_the_prior(rng) -> None:
    z = torch.from_numpy(rng.normal(size=(9, 3)))
    found = TiltedSurface(wells(rng, 3), 0.0, 3).derivatives(z)
    torch.testing.assert_close(found.energy, 0.5 * z.square().sum(dim=1))
    torch.testing.assert_close(found.gradient, z)


def test_functions_that_do_not_bend_have_derivatives_of_zero() -> None:
    z = torch.ones(3, 2, dtype=torch.float64)
    found = FunctionSurface(lambda z: z.new_zeros(len(z)), 2).derivatives(z)
    assert not found.gradient.any()
    assert not found.hessian.any()


def test_what_has_no_surface_is_refused(rng) -> None:
    well = wells(rng, 2)
    with pytest.raises(tp.InvalidInputError, match="lives in 2 dimensions"):
        TiltedSurface(well, 1.0, 3)
    with pytest.raises(tp.InvalidInputError, match="coupling"):
        TiltedSurface(well, -1.0, 2)
    with pytest.raises(tp.InvalidInputError, match="latent_dim"):
        TiltedSurface(well, 1.0, 0)
    with pytest.raises(tp.InvalidInputError, match="interaction"):
        TiltedSurface(tp.SignaturePotential(), 1.0, 2)
    anchors = tp.AnchorSpec(landmarks=np.eye(3), values=np.eye(3)[:, :2], radius=1.0)
    with pytest.raises(tp.InvalidInputError, match=r"n · \(1 \+ λκ\)"):
        TiltedSurface(tp.AnchorPotential(anchors), 1.0, 2)
    with pytest.raises(tp.InvalidInputError, match="NaN"):
        TiltedSurface(lambda z: z[:, 0].log(), 1.0, 2).energy(-torch.ones(2, 2).double())
    with pytest.raises(tp.InvalidInputError, match="function"):
        FunctionSurface(3, 2)
    with pytest.raises(tp.InvalidInputError, match="width"):
        FunctionSurface(bump, 2, width=0.0)
