"""Laws of couplings, streams, the objective's terms, surfaces and walks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import topopert as tp
from topopert import models
from topopert.hamiltonian import (
    EnergySurface,
    FunctionSurface,
    TiltedSurface,
    checked_coupling,
    coupling_at,
    overdamped_langevin,
    posterior_surface,
    sample_surface,
    underdamped_langevin,
)

from .scenes import cloud, landscape, posterior, smooth

SHARES = st.floats(0, 1)
WALKS = {
    "overdamped": overdamped_langevin,
    "underdamped": lambda *a, **k: underdamped_langevin(*a, friction=1.0, **k),
}


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def surface(name: str) -> EnergySurface:
    mean, logvar = posterior(2, n=12)
    made = {
        "function": lambda: FunctionSurface(smooth, 2),
        "mixture": lambda: posterior_surface(mean, logvar),
        "tilted": lambda: TiltedSurface(landscape(), 0.7, 2),
    }
    return made[name]()


@given(
    start=st.floats(0, 1e6), off_at=st.floats(1e-3, 1), power=st.floats(0.1, 9), p=SHARES, q=SHARES
)
def test_an_adiabatic_coupling_falls_to_zero_and_stays(start, off_at, power, p, q) -> None:
    coupling = tp.Adiabatic(start, off_at, power)
    early, late = sorted((p, q))
    assert 0 <= coupling(late) <= coupling(early) <= coupling(0.0) == start
    assert coupling(off_at) == coupling(1.0) == 0.0
    assert coupling_at(checked_coupling(coupling), p) == coupling(p)
    assert checked_coupling(coupling) is coupling


@given(value=st.floats(0, 1e9), p=SHARES)
def test_a_number_is_a_constant_coupling(value: float, p: float) -> None:
    assert checked_coupling(value) == tp.Constant(value)
    assert coupling_at(tp.Constant(value), p) == value


@given(factor=st.floats(0, 1e3), progress=SHARES)
def test_energy_is_linear_in_the_coupling(factor: float, progress: float) -> None:
    mean, logvar = posterior(2)
    plain = landscape().expectation(mean, logvar)
    for coupling in (factor, lambda p: factor * p):
        found = tp.Hamiltonian(landscape(), coupling).energy(mean, logvar, progress=progress)
        strength = factor if coupling == factor else factor * progress
        torch.testing.assert_close(found, strength * plain)


@given(seed=st.integers(0, 2**40), n=st.integers(1, 6))
def test_streams_of_one_seed_are_distinct(seed: int, n: int) -> None:
    runs, more = tp.rng.spawn_runs(seed, n), tp.rng.spawn_runs(seed, n + 1)
    states = [(r.init, r.order_seed, r.noise_seed, r.sample_seed) for r in more]
    assert [(r.init, r.order_seed, r.noise_seed, r.sample_seed) for r in runs] == states[:n]
    assert len({number for state in states for number in state}) == 4 * len(states)
    first = tp.rng.spawn_generators(seed, n)
    for one, two in zip(first, tp.rng.spawn_generators(seed, n + 1), strict=False):
        assert one.integers(2**60) == two.integers(2**60)


@given(seed=st.integers(0, 2**30))
def test_weights_follow_their_seed_alone(seed: int) -> None:
    before = torch.get_rng_state()
    made = []
    for own in (seed, seed, seed + 1):
        with tp.rng.seeded_init(own):
            made.append(models.MLPVAE(3, 2, hidden=(4,)).state_dict())
    assert torch.equal(torch.get_rng_state(), before)
    one, same, other = made
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 9))
def test_the_misfit_has_no_unit_and_a_draw_is_affine_in_its_noise(
    factor: float, seed: int
) -> None:
    x, decoded = (posterior(4, seed=seed)[k] for k in (0, 1))
    plain = models.gaussian_reconstruction(x, decoded, 0.3)
    scaled = models.gaussian_reconstruction(factor * x, factor * decoded, 0.3 * factor**2)
    torch.testing.assert_close(scaled, plain)
    torch.testing.assert_close(models.gaussian_reconstruction(x, x, 0.3), 0 * plain)
    # A learned variance of the same value is the same misfit.
    learned = torch.full_like(x, math.log(0.3))
    torch.testing.assert_close(
        models.reconstruction(x, (decoded, learned), likelihood="gaussian", noise_variance=1.0),
        plain,
    )
    torch.testing.assert_close(
        models.log_scale((decoded, learned)), torch.full_like(plain, 2 * math.log(0.3))
    )
    assert torch.equal(models.reparameterize(x, decoded, torch.zeros_like(x)), x)
    drawn = models.reparameterize(x, decoded, factor * torch.ones_like(x))
    torch.testing.assert_close(drawn - x, factor * (0.5 * decoded).exp())


@pytest.mark.parametrize("name", ["function", "mixture", "tilted"])
@given(seed=st.integers(0, 99))
@settings(max_examples=8)
def test_derivatives_of_surfaces_are_of_one_function(name: str, seed: int) -> None:
    own, z = surface(name), posterior(2, n=5, seed=seed)[0]
    given_z, order = z.clone(), torch.from_numpy(np.random.default_rng(seed).permutation(5))
    found = own.derivatives(z)
    torch.testing.assert_close(own.energy(z[order]), found.energy[order])
    torch.testing.assert_close(own.gradient(z), found.gradient)
    energy, gradient = own.energy_and_gradient(z)
    torch.testing.assert_close(energy, found.energy)
    torch.testing.assert_close(gradient, found.gradient)
    torch.testing.assert_close(found.hessian, found.hessian.mT)
    step = 1e-4 * torch.from_numpy(np.random.default_rng(seed).normal(size=(5, 2)))
    ahead, behind = own.energy(z + step), own.energy(z - step)
    slope = (found.gradient * step).sum(dim=1)
    torch.testing.assert_close((ahead - behind) / 2, slope, rtol=1e-5, atol=1e-10)
    bent = torch.einsum("bi,bij,bj->b", step, found.hessian, step)
    torch.testing.assert_close(ahead + behind - 2 * energy, bent, rtol=1e-3, atol=1e-13)
    assert torch.equal(z, given_z)


@pytest.mark.parametrize("name", ["function", "mixture", "tilted"])
def test_a_tempered_surface_is_flatter_by_its_temperature(name: str) -> None:
    own, z = surface(name), posterior(2)[0]
    torch.testing.assert_close(own.tempered(2.5).energy(z), own.energy(z) / 2.5)


@pytest.mark.parametrize("name", WALKS)
def test_walks_begin_at_their_start_and_leave_it_alone(name: str) -> None:
    start = posterior(2)[0]
    kept = start.clone()
    walk = WALKS[name](surface("mixture"), start, 7, generator=generator())
    assert walk.points.shape == (8, 6, 2)
    assert torch.equal(walk.points[0], kept)
    assert torch.equal(start, kept)
    assert walk.points[0].data_ptr() != start.data_ptr()
    assert (walk.times.diff() > 0).all()


def test_draws_of_a_surface_follow_their_generator() -> None:
    own = surface("mixture")
    one, two = (sample_surface(own, 9, generator=generator()) for _ in range(2))
    assert one.shape == (9, 2)
    assert torch.equal(one, two)


@given(seed=st.integers(0, 99), cut=st.integers(1, 11))
def test_decoding_does_not_depend_on_the_batches(seed: int, cut: int) -> None:
    z = posterior(3, n=12, seed=seed)[0]
    whole = tp.decode_along(lambda codes: torch.tanh(codes), z)
    assert torch.equal(tp.decode_along(lambda codes: torch.tanh(codes), z, batch_size=cut), whole)
    assert torch.equal(whole, torch.tanh(z))


def test_data_stay_as_they_were_through_the_whole_of_stage_one_and_three() -> None:
    points, runs = cloud(), np.random.default_rng(0).normal(size=(3, 40, 2))
    kept, kept_runs = points.copy(), runs.copy()
    tp.persistence_diagrams(points)
    tp.maxmin_landmarks(points, 5)
    topology = tp.PersistentTopology(2, n_landmarks=20).fit(points)
    anchors = topology.transform(points)
    tp.degeneracy(runs)
    tp.faithfulness(points, runs)
    tp.gauge_curvature(anchors, runs[0])
    tp.energy_surgery(anchors, 0 * anchors, n_samples=256)
    np.testing.assert_array_equal(points, kept)
    np.testing.assert_array_equal(runs, kept_runs)
    # Nor does what came out hang on what went in.
    values = topology.anchors().landmarks.copy()
    points[:] = 7
    np.testing.assert_array_equal(topology.anchors().landmarks, values)
    np.testing.assert_array_equal(topology.transform(kept), anchors)
