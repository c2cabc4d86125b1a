from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from topopert.errors import InvalidInputError
from topopert.hamiltonian.grids.level_gradients import (
    differentiable_levels,
    differentiable_posterior_levels,
)


class Wells(nn.Module):
    """−Σ aⱼ exp(−∣z − cⱼ∣²/2s²) with learned depths and width."""

    def __init__(self, depths: tuple[float, ...], width: float, d: int) -> None:
        super().__init__()
        self.depths = nn.Parameter(torch.tensor(depths, dtype=torch.float64))
        self.width = nn.Parameter(torch.tensor(width, dtype=torch.float64))
        centers = torch.tensor([[1.0, 0.5, 0.0], [-1.0, 0.0, 0.4]], dtype=torch.float64)
        self.centers = centers[: len(depths), :d]

    def forward(self, z: Tensor) -> Tensor:
        sq_dist = (z[:, None] - self.centers).square().sum(dim=-1)
        return -(self.depths * torch.exp(-0.5 * sq_dist / self.width**2)).sum(dim=1)


def test_oscillators_slopes_are_whole_numbers() -> None:
    coupling = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    levels = differentiable_levels(
        lambda z: 0.5 * z.square().sum(dim=1), coupling=coupling, latent_dim=2, n_levels=6
    )
    slopes = [torch.autograd.grad(e, coupling, retain_graph=True)[0].item() for e in levels]
    assert slopes == pytest.approx([0, 1, 1, 2, 2, 2], abs=2e-7)
    torch.testing.assert_close(
        levels.detach(),
        2.3 * torch.tensor([0, 1, 1, 2, 2, 2], dtype=torch.float64),
        rtol=1e-6,
        atol=0,
    )


@pytest.mark.parametrize(("d", "accuracy"), [(1, 3e-6), (2, 1e-5)])
def test_slopes_agree_with_differences(d: int, accuracy: float) -> None:
    wells = Wells((1.0, 2.0), 0.6, d)
    coupling = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)

    def levels(depths: Tensor, width: Tensor, strength: Tensor) -> Tensor:
        with torch.no_grad():
            wells.depths.copy_(depths)
            wells.width.copy_(width)
        return differentiable_levels(wells, coupling=strength, latent_dim=d, n_levels=4)

    point = (wells.depths.detach().clone(), wells.width.detach().clone(), coupling)
    found = levels(*point)
    direction = (torch.tensor([0.3, -0.7], dtype=torch.float64), 0.2, 0.5)
    along = []
    for k in range(1, 4):
        slopes = torch.autograd.grad(
            found[k], [wells.depths, wells.width, coupling], retain_graph=True
        )
        along.append(sum(float((s * v).sum()) for s, v in zip(slopes, direction, strict=True)))
    step = 2e-3
    base = [p.detach() for p in point]
    ahead, behind = (
        levels(*(p + sign * step * v for p, v in zip(base, direction, strict=True))).detach()
        for sign in (1, -1)
    )
    differences = ((ahead - behind) / (2 * step))[1:].tolist()
    assert along == pytest.approx(differences, rel=accuracy, abs=accuracy)


def test_posterior_slopes_agree_with_differences() -> None:
    generator = torch.Generator().manual_seed(2)
    draw = {"generator": generator, "dtype": torch.float64}
    mean = torch.randn(15, 2, **draw).requires_grad_()
    logvar = torch.full((15, 2), -1.0, dtype=torch.float64, requires_grad=True)
    found = differentiable_posterior_levels(mean, logvar, n_levels=4)
    slopes = torch.autograd.grad(found[2], [mean, logvar])
    ways = [torch.randn(15, 2, **draw) for _ in range(2)]
    along = sum(float((s * v).sum()) for s, v in zip(slopes, ways, strict=True))
    step = 1e-3
    ahead, behind = (
        differentiable_posterior_levels(
            mean.detach() + sign * step * ways[0],
            logvar.detach() + sign * step * ways[1],
            n_levels=4,
        )[2].item()
        for sign in (1, -1)
    )
    assert along == pytest.approx((ahead - behind) / (2 * step), rel=1e-4)


@pytest.mark.slow
def test_slopes_in_three_dimensions_agree_with_differences() -> None:
    wells = Wells((1.0, 2.0), 0.8, 3)

    def levels(coupling: Tensor | float) -> Tensor:
        return differentiable_levels(wells, coupling=coupling, latent_dim=3, n_levels=3)

    coupling = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(levels(coupling)[1], coupling)
    difference = (levels(1.01)[1] - levels(0.99)[1]).item() / 0.02
    assert float(slope) == pytest.approx(difference, rel=2e-3)


def test_a_groups_levels_share_the_slope_of_their_mean() -> None:
    stretch = nn.Parameter(torch.tensor([1.0, 1.0], dtype=torch.float64))
    levels = differentiable_levels(
        lambda z: 0.5 * (stretch * z.square()).sum(dim=1), coupling=1.0, latent_dim=2, n_levels=2
    )
    # Only one of the doublet was asked for; the mean is over both.
    (slope,) = torch.autograd.grad(levels[1], stretch)
    torch.testing.assert_close(slope, torch.full_like(slope, 0.5), rtol=0, atol=1e-6)


def test_a_wells_depth_is_trained_to_a_wanted_gap() -> None:
    wells = Wells((1.5, 1.5), 0.4, 1)
    optimizer = torch.optim.SGD([wells.depths], lr=8.0)
    gap = torch.tensor(0.0)
    for _ in range(15):
        optimizer.zero_grad()
        gap = differentiable_levels(wells, coupling=1.0, latent_dim=1, n_levels=2)[1]
        (gap - 0.5).square().backward()
        optimizer.step()
    assert float(gap.detach()) == pytest.approx(0.5, abs=0.01)


def test_four_dimensions_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="d ≤ 3"):
        differentiable_levels(lambda z: z[:, 0], coupling=0.1, latent_dim=4, n_levels=2)


@pytest.mark.parametrize("coupling", [torch.ones(2), -1.0, torch.tensor(-1.0)])
def test_couplings_that_are_none_are_refused(coupling: object) -> None:
    with pytest.raises(InvalidInputError, match="coupling"):
        differentiable_levels(lambda z: z[:, 0], coupling=coupling, latent_dim=1, n_levels=2)
