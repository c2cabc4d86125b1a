from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids.grid_spectrum import grid_spectrum
from topopert.hamiltonian.grids.marginal_spectrum import marginal_spectrum
from topopert.hamiltonian.surfaces import MixtureSurface


def turned(means: Tensor, d: int) -> Tensor:
    """The means in the first axes of d dimensions, then turned about."""
    generator = torch.Generator().manual_seed(11)
    q = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64))[0]
    return torch.nn.functional.pad(means, (0, d - means.shape[1])) @ q


def isotropic(means: Tensor, sd: float) -> MixtureSurface:
    return MixtureSurface(means, torch.full_like(means, sd**2))


def ring(n: int) -> Tensor:
    angle = 2 * math.pi * torch.arange(n, dtype=torch.float64) / n
    return 2 * torch.stack([angle.cos(), angle.sin()], dim=1)


def test_a_ring_in_eight_dimensions_has_the_levels_of_the_plane() -> None:
    plane = grid_spectrum(isotropic(ring(60), 0.35), n_levels=9)
    space = marginal_spectrum(isotropic(turned(ring(60), 8), 0.35), n_levels=9)
    # In the plane the levels below 1/sd², those of the other axes, are all there is.
    torch.testing.assert_close(space.levels, plane.levels, rtol=1e-3, atol=1e-10)
    assert space.degeneracies[:7].tolist() == [1, 2, 2, 2, 2, 2, 2]
    assert ((space.levels - plane.levels).abs() <= space.errors + plane.errors)[1:].all()


def test_independent_axes_are_exact_with_all_their_products() -> None:
    sd = torch.tensor([1.0, 1.0, 0.8, 0.5, 2.0], dtype=torch.float64)
    surface = MixtureSurface(torch.zeros(1, 5, dtype=torch.float64), sd.square()[None])
    found = marginal_spectrum(surface, n_levels=12)
    single = 1 / sd.square().numpy()
    sums = [0.0]
    for rate in single:
        sums = [a + rate * k for a in sums for k in range(14)]
    np.testing.assert_allclose(found.levels.numpy(), np.sort(sums)[:12], rtol=2e-3)


def test_an_isotropic_datum_has_binomial_degeneracies() -> None:
    surface = MixtureSurface(torch.zeros(1, 6).double(), torch.ones(1, 6).double())
    found = marginal_spectrum(surface, n_levels=8)
    assert found.degeneracies.tolist() == [1] + [6] * 6 + [21]


def test_clusters_in_eight_dimensions_agree_with_three() -> None:
    generator = torch.Generator().manual_seed(0)
    centers = 2.5 * torch.tensor([[1, 1, 0], [-1, 1, 0], [1, -1, 0], [-1, -1, 1]]).double()
    means = centers.repeat(25, 1)
    means = means + 0.2 * torch.randn(means.shape, generator=generator, dtype=torch.float64)
    flat = grid_spectrum(isotropic(means, 0.7), n_levels=4)
    space = marginal_spectrum(isotropic(turned(means, 8), 0.7), n_levels=4)
    torch.testing.assert_close(space.levels, flat.levels, rtol=2e-2, atol=1e-8)
    assert ((space.levels - flat.levels).abs() <= space.errors + flat.errors)[1:].all()
    assert space.method == "marginal"


@pytest.mark.slow
def test_levels_fall_as_axes_are_added() -> None:
    generator = torch.Generator().manual_seed(1)
    means = torch.randn(60, 5, generator=generator, dtype=torch.float64)
    surface = isotropic(means, 0.8)
    basis = torch.linalg.svd(means - means.mean(dim=0))[2].T
    by_axes = [
        grid_spectrum(surface.projected(basis[:, :m]), n_levels=4).levels[1:] for m in (1, 2, 3)
    ]
    assert (by_axes[1] <= by_axes[0] * (1 + 1e-3)).all()
    assert (by_axes[2] <= by_axes[1] * (1 + 1e-3)).all()
    assert (marginal_spectrum(surface, n_levels=4).levels[1:] <= by_axes[2] * (1 + 5e-3)).all()


def test_two_bent_axes_more_are_not_counted_twice() -> None:
    # cos 2θ and sin 2θ are modes of the first two axes' ring already.
    angle = 2 * math.pi * torch.arange(80, dtype=torch.float64) / 80
    bent = torch.stack(
        [2 * angle.cos(), 2 * angle.sin(), (2 * angle).cos(), (2 * angle).sin()], dim=1
    )
    found = marginal_spectrum(isotropic(bent, 0.3), n_levels=5)
    # The speed along the curve is √8 instead of 2 all round: levels k²/8 on a thin tube, of which
    # three axes give upper bounds. Counted twice, the second doublet would be four levels.
    expected = torch.tensor([0, 1, 1, 4, 4], dtype=torch.float64) / 8
    assert (found.levels >= 0.95 * expected).all()
    assert ((found.levels - expected)[1:] <= 2.5 * found.errors[1:]).all()


def test_modes_compose_with_the_projection_and_are_orthonormal_on_draws() -> None:
    found = marginal_spectrum(isotropic(turned(ring(40), 5), 0.4), n_levels=5)
    sample = found.sample
    torch.testing.assert_close(found.modes(sample.nodes), sample.modes, rtol=0.1, atol=1e-6)
    square = (sample.modes * sample.weights[:, None]).T @ sample.modes
    torch.testing.assert_close(square, torch.eye(5).double(), rtol=0, atol=0.06)
    angle = torch.atan2(
        *(sample.nodes @ torch.linalg.pinv(turned(torch.eye(2).double(), 5))).T[:2]
    )
    phase = torch.atan2(sample.modes[:, 1], sample.modes[:, 2])
    resultants = [abs(torch.exp(1j * (phase + sign * angle)).mean()) for sign in (1, -1)]
    assert max(float(r) for r in resultants) > 0.99


def test_modes_pass_gradcheck_and_states_are_modes_times_root_p() -> None:
    surface = isotropic(turned(ring(12), 4), 0.5)
    found = marginal_spectrum(surface, n_levels=3)
    z = torch.tensor([[0.3, -0.2, 0.5, 1.0], [1.2, 0.1, -0.4, 0.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(found.modes, (z.requires_grad_(),))
    root = torch.exp(-0.5 * surface.energy(z))[:, None]
    torch.testing.assert_close(found.states(z), found.modes(z) * root)


def test_the_same_mixture_gives_the_same_answer() -> None:
    surface = isotropic(turned(ring(20), 4), 0.5)
    a, b = (marginal_spectrum(surface, n_levels=4) for _ in range(2))
    assert torch.equal(a.levels, b.levels)
    assert torch.equal(a.sample.modes, b.sample.modes)
    generator = torch.Generator().manual_seed(5)
    other = marginal_spectrum(surface, n_levels=4, generator=generator)
    assert not torch.equal(a.sample.nodes, other.sample.nodes)
    torch.testing.assert_close(a.levels, other.levels)


def test_one_dimension_is_refused() -> None:
    surface = isotropic(torch.zeros(1, 1).double(), 1.0)
    with pytest.raises(InvalidInputError, match="d ≥ 2"):
        marginal_spectrum(surface, n_levels=2)
