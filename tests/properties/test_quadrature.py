"""Nodes and weights stand for the standard normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import topopert as tp

RULES = {
    "Gauss-Hermite": lambda: tp.GaussHermite(5),
    "quasi": lambda: tp.QuasiMonteCarlo(256),
    "random": lambda: tp.MonteCarlo(n_nodes=256, generator=torch.Generator().manual_seed(0)),
}


def quasi(n_nodes: int, d: int) -> Tensor:
    return tp.QuasiMonteCarlo(n_nodes).nodes(1, d)[0][:, 0]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_weights_sum_to_one_and_nodes_are_mirrored(name: str, d: int) -> None:
    nodes, weights = RULES[name]().nodes(3, d)
    assert nodes.dtype == weights.dtype == torch.float64
    assert nodes.shape[1] in (1, 3)
    assert nodes.shape[::2] == (len(weights), d)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-12)
    odd = (weights[:, None, None] * nodes**3).sum(dim=0)
    torch.testing.assert_close(odd, torch.zeros_like(odd), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", RULES)
def test_the_same_settings_give_the_same_bits(name: str) -> None:
    first, again = (RULES[name]().nodes(2, 3) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert RULES[name]().is_fixed == (name != "random")


@pytest.mark.parametrize("d", [2, 3, 6, 40])
@pytest.mark.parametrize("n_nodes", [256, 1024])
def test_quasi_random_nodes_have_covariance_one_and_do_not_pile_up(n_nodes: int, d: int) -> None:
    nodes = quasi(n_nodes, d)
    covariance = nodes.T @ nodes / n_nodes
    torch.testing.assert_close(covariance, torch.eye(d, dtype=torch.float64))
    # χ² with d degrees of freedom is above this with probability 1e-5 of a node.
    radius = float(nodes.square().sum(dim=1).max())
    assert radius < d + 2 * np.sqrt(12 * d) + 24


@pytest.mark.parametrize(("n_nodes", "tolerance"), [(1024, 0.25), (4096, 0.12), (16_384, 0.04)])
@pytest.mark.parametrize("d", [3, 4, 6, 10])
def test_products_of_squares_average_to_one(n_nodes: int, tolerance: float, d: int) -> None:
    """Unscrambled points were off by 150, 80 and 40 %: their first node lies in a corner."""
    sq = quasi(n_nodes, d).square()
    for axes in ([0, 1, 2], [-3, -2, -1]):
        assert float(sq[:, axes].prod(dim=1).mean()) == pytest.approx(1, abs=tolerance)
    assert float(sq[:, [0, -1]].prod(dim=1).mean()) == pytest.approx(1, abs=tolerance / 3)


@pytest.mark.parametrize("d", [4, 10, 16])
def test_an_exponential_along_the_diagonal_averages_to_its_moment(d: int) -> None:
    """E exp(aᵀz) = exp(½∣a∣²), a the direction in which unscrambled points had a far node."""
    values = torch.exp(quasi(4096, d).sum(dim=1) / d**0.5)
    assert float(values.mean()) == pytest.approx(np.exp(0.5), rel=5e-3)


@pytest.mark.parametrize("d", [4, 8])
def test_the_default_of_many_dimensions_is_near_for_products(d: int) -> None:
    mean, logvar = torch.zeros(1, d, dtype=torch.float64), torch.zeros(1, d, dtype=torch.float64)
    product = tp.OneBodyPotential(lambda z: z[:, :3].square().prod(dim=1))
    # 128 nodes; the standard error of as many independent ones is .45.
    assert float(product.expectation(mean, logvar)) == pytest.approx(1, abs=0.6)
