"""The step that a surface allows, and what is said of one that it does not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import topopert as tp
from topopert.hamiltonian.dynamics import overdamped_langevin
from topopert.hamiltonian.surfaces import (
    EnergySurface,
    FunctionSurface,
    MixtureSurface,
    TiltedSurface,
)


def double_well(z: Tensor) -> Tensor:
    return (z[:, 0].square() - 1).square() + 0.5 * z[:, 0]


def default_step(surface: EnergySurface, temperature: float = 1.0) -> float:
    start = torch.zeros(1, surface.latent_dim)
    stream = torch.Generator().manual_seed(0)
    walk = overdamped_langevin(surface, start, 0, temperature=temperature, generator=stream)
    return walk.step_size


def test_the_step_is_a_tenth_of_the_softest_time_that_is_safe() -> None:
    """min(1/κ, w²/T)/10."""
    means = torch.zeros(2, 3, dtype=torch.float64)
    variances = torch.tensor([[1.0, 0.2, 0.5], [0.04, 1.0, 1.0]], dtype=torch.float64)
    assert default_step(MixtureSurface(means, variances)) == pytest.approx(0.004)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))[0]
    full = turn.double() @ torch.diag_embed(variances) @ turn.double().T
    assert default_step(MixtureSurface(means, full)) == pytest.approx(0.004)
    prior = TiltedSurface(double_well, 0.0, 2)
    assert default_step(prior) == pytest.approx(0.1)
    assert default_step(prior, temperature=4.0) == pytest.approx(0.025)
    parabola = FunctionSurface(lambda z: 4.5 * z.square().sum(dim=1), 2)
    assert default_step(parabola) == pytest.approx(1 / 90)
    # Two feature widths from the start z⁴ has curvature 12 · 2² = 48.
    quartic = FunctionSurface(lambda z: z[:, 0] ** 4, 1)
    assert default_step(quartic) == pytest.approx(1 / 480)


def test_default_steps_are_stable_where_walkers_go(generator) -> None:
    quartic = FunctionSurface(lambda z: z.square().square().sum(dim=1), 2)
    start = torch.zeros(2_000, 2, dtype=torch.float64)
    walk = overdamped_langevin(quartic, start, 1500, every=1500, generator=generator)
    expected = math.gamma(0.75) / math.gamma(0.25)  # of z² under e^{−z⁴}
    assert float(walk.points[-1].square().mean()) == pytest.approx(expected, rel=0.07)


def test_a_step_that_is_too_large_is_named_with_one_that_would_do(generator) -> None:
    surface = FunctionSurface(double_well, 1, width=0.5)
    start = torch.full((50, 1), 1.0)
    with pytest.raises(tp.InvalidInputError, match=r"`step_size` 0\.5\. .*step_size=") as raised:
        overdamped_langevin(surface, start, 400, step_size=0.5, generator=generator)
    better = float(str(raised.value).split("`step_size=")[1].split("`")[0])
    walk = overdamped_langevin(surface, start, 400, step_size=better, generator=generator)
    assert walk.points.isfinite().all()


# The second proposes places where the energy is not even asked for.
@pytest.mark.parametrize("step_size", [1e3, 1e16])
def test_metropolis_cannot_run_off_but_says_that_it_hardly_moves(
    generator, step_size: float
) -> None:
    surface = FunctionSurface(lambda z: z.square().sum(dim=1), 1)
    start = torch.zeros(50, 1, dtype=torch.float64)
    with pytest.warns(tp.TopopertWarning, match=r"Only .*walkers hardly move.*step_size=0\.05"):
        walk = overdamped_langevin(
            surface, start, 20, step_size=step_size, metropolis=True, generator=generator
        )
    assert float(walk.acceptance.mean()) < 0.05
    moved = (walk.points[1:] != walk.points[:-1]).any(dim=2).double()
    torch.testing.assert_close(moved.mean(dim=0), walk.acceptance)


def test_energies_that_fall_without_end_are_no_matter_of_the_step(generator) -> None:
    surface = FunctionSurface(lambda z: -z.square().sum(dim=1), 1)
    with pytest.raises(tp.InvalidInputError, match="falls without end"):
        overdamped_langevin(surface, torch.ones(1, 1), 1000, step_size=0.1, generator=generator)


def test_energies_without_a_gradient_are_said(generator) -> None:
    surface = FunctionSurface(lambda z: z.square().sum(dim=1).sqrt(), 1)
    with pytest.raises(tp.InvalidInputError, match="gradient of the energy is not finite"):
        overdamped_langevin(surface, torch.zeros(1, 1), 3, step_size=0.1, generator=generator)


@pytest.mark.parametrize(
    ("start", "options", "match"),
    [
        (torch.zeros(3, 3), {}, r"shape \(B, 2\)"),
        (torch.zeros(2), {}, r"shape \(B, 2\)"),
        (torch.zeros(0, 2), {}, "no rows"),
        (torch.zeros(3, 2, dtype=torch.int64), {}, "floating-point"),
        (torch.tensor([[0.0, 0.0], [math.nan, 0.0]]), {}, "row 1"),
        (torch.zeros(3, 2), {"n_steps": -1}, "n_steps"),
        (torch.zeros(3, 2), {"n_steps": 2.5}, "n_steps"),
        (torch.zeros(3, 2), {"every": 3}, "n_steps=12"),
        (torch.zeros(3, 2), {"every": 0}, "every"),
        (torch.zeros(3, 2), {"temperature": 0.0}, "temperature"),
        (torch.zeros(3, 2), {"temperature": math.inf}, "temperature"),
        (torch.zeros(3, 2), {"step_size": 0.0}, "step_size"),
        (torch.zeros(3, 2), {"step_size": math.nan}, "step_size"),
    ],
)
def test_bad_arguments_are_refused(generator, start: Tensor, options: dict, match: str) -> None:
    surface = TiltedSurface(double_well, 1.0, 2)
    options = {"n_steps": 10, **options}
    with pytest.raises(tp.InvalidInputError, match=match):
        overdamped_langevin(surface, start, generator=generator, **options)
