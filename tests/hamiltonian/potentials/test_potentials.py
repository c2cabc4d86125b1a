"""Energies and closed-form expectations against independent computations."""

from __future__ import annotations

import copy
import itertools

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.hamiltonian.potentials.anchor_potential import spring_energy
from topopert.hamiltonian.potentials.well_potential import well_energy

D = 2


def anchor_spec(rng: np.random.Generator) -> tp.AnchorSpec:
    return tp.AnchorSpec(
        landmarks=rng.normal(size=(12, 5)), values=rng.normal(size=(12, D)), radius=2.0
    )


def well_spec(rng: np.random.Generator) -> tp.WellSpec:
    return tp.WellSpec(
        centers=rng.normal(size=(4, D)),
        depths=rng.uniform(0.5, 2, size=4),
        widths=rng.uniform(0.3, 1.5, size=4),
    )


def potentials(rng: np.random.Generator) -> dict[str, tp.Potential]:
    anchors = tp.AnchorPotential(anchor_spec(rng)).double()
    wells = tp.WellPotential(well_spec(rng)).double()
    return {"anchors": anchors, "wells": wells, "sum": 2 * anchors + 0.5 * wells}


def batch(rng: np.random.Generator, n: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    mean, logvar = rng.normal(size=(n, D)), rng.uniform(-3, 1, size=(n, D))
    x = rng.normal(size=(n, 5))
    return torch.from_numpy(mean), torch.from_numpy(logvar), torch.from_numpy(x)


def quadrature(potential: tp.Potential, mean, logvar, x) -> torch.Tensor:
    """E_q[V] by a tensor product of Gauss–Hermite nodes."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    total = torch.zeros(len(mean), dtype=mean.dtype)
    for (a, u), (b, v) in itertools.product(zip(nodes, weights, strict=True), repeat=2):
        z = mean + (0.5 * logvar).exp() * torch.tensor([a, b], dtype=mean.dtype)
        total += u * v * potential(z, x)
    return total


@pytest.mark.parametrize("name", ["anchors", "wells", "sum"])
def test_expectation_is_the_gaussian_average(rng, name: str) -> None:
    potential = potentials(rng)[name]
    mean, logvar, x = batch(rng)
    torch.testing.assert_close(
        potential.expectation(mean, logvar, x), quadrature(potential, mean, logvar, x)
    )


def test_spring_constant_is_one_half() -> None:
    mean, anchors = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 4.0]])
    assert spring_energy(mean, None, anchors).item() == 12.5  # ½ · 5²
    assert spring_energy(mean, torch.zeros(1, 2), anchors).item() == 13.5  # + ½ Σσ²


def test_a_well_has_its_depth_at_its_centre() -> None:
    center, depth, width = torch.zeros(1, 3), torch.tensor([2.0]), torch.tensor([0.5])
    at_center = well_energy(torch.zeros(1, 3), None, center, depth, width)
    assert at_center.item() == -2.0
    one_width = well_energy(torch.tensor([[0.5, 0.0, 0.0]]), None, center, depth, width)
    assert one_width.item() == pytest.approx(-2 * np.exp(-0.5))
    # under the prior: a (s²/(1+s²))^{d/2}
    averaged = well_energy(torch.zeros(1, 3), torch.ones(1, 3), center, depth, width)
    assert averaged.item() == pytest.approx(-2 * 0.2**1.5)


@pytest.mark.parametrize("name", ["anchors", "wells", "sum"])
def test_gradients_are_those_of_finite_differences(rng, name: str) -> None:
    potential = potentials(rng)[name]
    mean, logvar, x = batch(rng, 3)
    inputs = (mean.requires_grad_(), logvar.requires_grad_())
    assert torch.autograd.gradcheck(lambda m, v: potential.expectation(m, v, x), inputs)


@pytest.mark.parametrize("name", ["anchors", "wells", "sum"])
def test_potential_survives_state_dict_and_deepcopy(rng, name: str) -> None:
    potential = potentials(rng)[name]
    mean, logvar, x = batch(rng)
    expected = potential.expectation(mean, logvar, x)
    other = potentials(np.random.default_rng(99))[name]
    other.load_state_dict(potential.state_dict())
    torch.testing.assert_close(other.expectation(mean, logvar, x), expected)
    torch.testing.assert_close(copy.deepcopy(potential).expectation(mean, logvar, x), expected)


def test_anchors_given_once_equal_anchors_from_x(rng) -> None:
    potential = potentials(rng)["anchors"]
    mean, logvar, x = batch(rng)
    given = potential.expectation(mean, logvar, anchors=potential.anchors(x))
    torch.testing.assert_close(given, potential.expectation(mean, logvar, x))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.float64, torch.float64), (torch.bfloat16, torch.float32)],
)
def test_energies_follow_the_posteriors_type(rng, dtype, expected) -> None:
    mean, logvar, x = (t.to(dtype) for t in batch(rng))
    potential = tp.AnchorPotential(anchor_spec(rng))
    assert potential.extension.landmarks.dtype == torch.get_default_dtype()
    assert potential.expectation(mean, logvar, x).dtype == expected


def test_rotation_costs_what_the_singular_values_say(rng) -> None:
    """Along the gauge orbit the curvature in the plane (1, 2) is s₁ + s₂ (theory, section 4)."""
    mean = torch.from_numpy(rng.normal(size=(400, 2)) * [1.5, 0.7])
    anchors = mean + 0.1 * torch.from_numpy(rng.normal(size=(400, 2)))
    left, _, right = torch.linalg.svd(mean.T @ anchors / 400)
    aligned = mean @ left @ right  # the best orthogonal map
    s = torch.linalg.svdvals(aligned.T @ anchors / 400)

    def energy(angle: float) -> float:
        c, s_ = np.cos(angle), np.sin(angle)
        turned = aligned @ torch.tensor([[c, s_], [-s_, c]], dtype=torch.float64)
        return spring_energy(turned, None, anchors).mean().item()

    h = 1e-3
    curvature = (energy(h) - 2 * energy(0.0) + energy(-h)) / h**2
    assert curvature == pytest.approx(float(s.sum()), rel=1e-5)
    assert energy(0.0) < energy(0.5)
    mirrored = spring_energy(aligned @ _reflection(s, aligned, anchors), None, anchors).mean()
    assert mirrored.item() - energy(0.0) == pytest.approx(2 * float(s[1]), rel=1e-9)


def _reflection(s, aligned, anchors) -> torch.Tensor:
    """Flip the axis of the smallest singular value: the best improper map."""
    _, _, right = torch.linalg.svd(aligned.T @ anchors / len(anchors))
    return right.T @ torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64)) @ right


@pytest.mark.parametrize(
    "call",
    [
        lambda v, m, s, x: v.expectation(m, s),
        lambda v, m, s, x: v.expectation(m, s, x, anchors=m),
        lambda v, m, s, x: v.expectation(m, s[:3], x),
        lambda v, m, s, x: v.expectation(m[0], s[0], x),
        lambda v, m, s, x: v.expectation(m.long(), s, x),
        lambda v, m, s, x: v.expectation(m, s, x[:, :3]),
        lambda v, m, s, x: v.expectation(m, s, x[:2]),
        lambda v, m, s, x: v.expectation(m, s, anchors=m[:, :1]),
    ],
)
def test_wrong_shapes_are_refused(rng, call) -> None:
    with pytest.raises(tp.InvalidInputError):
        call(potentials(rng)["anchors"], *batch(rng))


def test_a_landscape_keeps_the_symmetry_of_its_wells_and_no_other(rng) -> None:
    """V∘R = V for the R ∈ O(d) that map the wells to wells (theory, section 4)."""
    corners = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    square = tp.WellSpec(centers=corners, depths=np.ones(4), widths=np.full(4, 0.7))
    wells = tp.WellPotential(square).double()
    z = torch.from_numpy(rng.normal(size=(50, 2)))
    isotropic = torch.full_like(z, -1.0)  # a posterior that no rotation changes
    quarter = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=z.dtype)
    mirror = torch.tensor([[1.0, 0.0], [0.0, -1.0]], dtype=z.dtype)
    half_quarter = torch.tensor([[1.0, 1.0], [-1.0, 1.0]], dtype=z.dtype) / 2**0.5
    for gauge in (quarter, mirror, quarter @ mirror):
        torch.testing.assert_close(wells(z @ gauge), wells(z))
        torch.testing.assert_close(
            wells.expectation(z @ gauge, isotropic), wells.expectation(z, isotropic)
        )
    assert (wells(z @ half_quarter) - wells(z)).abs().max() > 0.1
    # The one-body average over the batch falls with it: the continuous gauge is lifted.
    assert (wells(z @ half_quarter).mean() - wells(z).mean()).abs() > 1e-3


def test_one_well_at_the_origin_lifts_nothing(rng) -> None:
    single = tp.WellSpec(centers=np.zeros((1, 3)), depths=np.ones(1), widths=np.ones(1))
    wells = tp.WellPotential(single).double()
    z = torch.from_numpy(rng.normal(size=(20, 3)))
    turn = torch.linalg.qr(torch.from_numpy(rng.normal(size=(3, 3)))).Q
    torch.testing.assert_close(wells(z @ turn), wells(z))
