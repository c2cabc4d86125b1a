"""The signature against a reference by Kruskal and loops, GUDHI's pairs, and its symmetries."""

from __future__ import annotations

import copy
import pickle

import gudhi
import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform

import topopert as tp
from topopert.hamiltonian.potentials.signature_pairs import squared_distances


def clouds(
    rng: np.random.Generator, n: int, *, data_dim: int = 20
) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(rng.normal(size=(n, 2))), torch.from_numpy(
        rng.normal(size=(n, data_dim))
    )


def persistence_edges(dist: np.ndarray, max_homology_dim: int) -> list[tuple[int, int]]:
    edges = list(nx.minimum_spanning_edges(nx.from_numpy_array(dist), data=False))
    if max_homology_dim:
        tree = gudhi.RipsComplex(distance_matrix=dist).create_simplex_tree(max_dimension=2)
        tree.compute_persistence(homology_coeff_field=2)
        loops = tree.flag_persistence_generators()[1]
        for a, b, c, d in loops[0] if loops else []:
            edges += [(a, b), (c, d)]
    return edges


def reference(z: np.ndarray, x: np.ndarray, max_homology_dim: int = 0) -> np.ndarray:
    dist_z, dist_x = (squareform(pdist(cloud)) for cloud in (z, x))
    dist_z, dist_x = dist_z / dist_z.max(), dist_x / dist_x.max()
    shares = np.zeros(len(z))
    for dist in (dist_z, dist_x):
        for i, j in persistence_edges(dist, max_homology_dim):
            term = 0.5 * (dist_x[i, j] - dist_z[i, j]) ** 2
            shares[i] += term / 2
            shares[j] += term / 2
    return shares


@given(n=st.integers(2, 60), data_dim=st.sampled_from([1, 3, 30]), seed=st.integers(0, 2**20))
def test_energies_are_those_of_the_reference(n: int, data_dim: int, seed: int) -> None:
    z, x = clouds(np.random.default_rng(seed), n, data_dim=data_dim)
    np.testing.assert_allclose(
        tp.SignaturePotential()(z, x), reference(z.numpy(), x.numpy()), atol=1e-12
    )


def test_loops_select_the_edges_of_their_birth_and_death(rng) -> None:
    z, x = clouds(rng, 30, data_dim=3)
    found = tp.SignaturePotential(max_homology_dim=1)(z, x)
    np.testing.assert_allclose(found, reference(z.numpy(), x.numpy(), 1), atol=1e-12)
    assert (found >= tp.SignaturePotential()(z, x)).all()


def test_three_points_by_hand() -> None:
    z, x = torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([[0.0], [3.0], [4.0]])
    # Both trees are 0–1–2, both longest distances 4: each edge differs by ½, in either selection.
    term = 0.5 * 0.5**2
    torch.testing.assert_close(tp.SignaturePotential()(z, x), torch.tensor([term, 2 * term, term]))


@pytest.mark.parametrize("max_homology_dim", [0, 1])
def test_an_isometric_or_rescaled_copy_of_the_data_has_energy_zero(rng, max_homology_dim) -> None:
    _, x = clouds(rng, 25)
    turn = torch.linalg.qr(torch.from_numpy(rng.normal(size=(20, 20)))).Q
    energy = tp.SignaturePotential(max_homology_dim)(0.3 * x @ turn + 5, x)
    torch.testing.assert_close(energy, torch.zeros_like(energy), atol=1e-24, rtol=0)


@pytest.mark.parametrize("max_homology_dim", [0, 1])
def test_the_whole_gauge_group_leaves_the_interaction_unchanged(rng, max_homology_dim) -> None:
    z, x = torch.from_numpy(rng.normal(size=(40, 3))), torch.from_numpy(rng.normal(size=(40, 5)))
    potential = tp.SignaturePotential(max_homology_dim)
    turn = torch.linalg.qr(torch.from_numpy(rng.normal(size=(3, 3)))).Q
    mirror = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))
    assert torch.linalg.det(turn) * torch.linalg.det(turn @ mirror) < 0
    for gauge in (turn, turn @ mirror):
        torch.testing.assert_close(potential(z @ gauge, x), potential(z, x), rtol=1e-9, atol=0)


def test_neither_unit_matters(rng) -> None:
    z, x = (value.float() for value in clouds(rng, 40))
    expected = tp.SignaturePotential()(z, x)
    torch.testing.assert_close(tp.SignaturePotential()(1e-6 * z, 1e-22 * x), expected)
    torch.testing.assert_close(tp.SignaturePotential()(1e6 * z, 1e22 * x), expected)


def test_energies_move_with_their_samples(rng) -> None:
    z, x = clouds(rng, 30)
    order = torch.from_numpy(rng.permutation(30))
    potential = tp.SignaturePotential()
    torch.testing.assert_close(potential(z[order], x[order]), potential(z, x)[order])


@pytest.mark.parametrize("max_homology_dim", [0, 1])
def test_gradients_are_those_of_finite_differences(rng, max_homology_dim: int) -> None:
    z, x = clouds(rng, 12, data_dim=8)
    potential = tp.SignaturePotential(max_homology_dim)
    inputs = (z.requires_grad_(), x.requires_grad_())
    assert torch.autograd.gradcheck(potential, inputs)
    # Lengths in the data are read without autograd where the data need no gradient.
    expected = torch.autograd.grad(potential(z, x).sum(), z)[0]
    found = torch.autograd.grad(potential(z, x.detach()).sum(), z)[0]
    torch.testing.assert_close(found, expected)


def test_coinciding_codes_and_data_have_finite_gradients(rng) -> None:
    z, x = clouds(rng, 12)
    z[3:6], x[5:8] = z[3], x[5]
    z.requires_grad_()
    energy = tp.SignaturePotential()(z, x)
    energy.sum().backward()
    assert energy.isfinite().all()
    assert z.grad.isfinite().all()
    assert z.grad.any(dim=1).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 2, 9])
def test_codes_that_all_coincide_have_the_datas_energy_and_no_gradient(rng, n, dtype) -> None:
    x = clouds(rng, n)[1].to(dtype)
    z = torch.full((n, 2), 0.7, dtype=dtype, requires_grad=True)
    energy = tp.SignaturePotential()(z, x)
    energy.sum().backward()
    assert not z.grad.any()
    dist = squareform(pdist(x)) if n > 1 else np.zeros((1, 1))
    relative = dist / (dist.max() or 1.0)
    # The codes' own tree is any: its first edges are taken, those of the point 0.
    edges = [*persistence_edges(relative, 0), *[(0, k) for k in range(1, n)]]
    expected = sum(0.5 * relative[i, j] ** 2 for i, j in edges)
    assert energy.sum().item() == pytest.approx(expected, rel=1e-5)


def test_data_that_all_coincide_pull_the_codes_together(rng) -> None:
    z, x = clouds(rng, 10)
    energy = tp.SignaturePotential()(z, torch.ones_like(x))
    assert (energy > 0).all()


def test_two_points_always_agree(rng) -> None:
    # Their one distance is the longest, in either cloud.
    assert not tp.SignaturePotential(1)(*clouds(rng, 2)).any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_types_follow_the_codes(rng, dtype: torch.dtype) -> None:
    z, x = clouds(rng, 50)
    z, x = z.to(dtype), x.to(dtype)
    energy = tp.SignaturePotential()(z, x)
    assert energy.dtype == torch.float32
    np.testing.assert_allclose(
        energy, reference(z.double().numpy(), x.double().numpy()), rtol=1e-4, atol=1e-7
    )


@pytest.mark.parametrize("axes", [3, 20])
def test_distances_are_exact_also_within_tight_clusters_far_from_the_origin(rng, axes) -> None:
    points = rng.normal(size=(60, axes))
    points[:20] = 1 + 1e-9 * points[:20]
    points[20:23] = points[20]
    found = squared_distances(points)
    expected = pdist(points) ** 2
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), rtol=1e-9)


def test_selection_survives_an_outlier(rng) -> None:
    # Beside it all other distances vanish in the matrix product.
    z, x = clouds(rng, 40)
    x[0] = 1e12
    np.testing.assert_allclose(
        tp.SignaturePotential()(z, x), reference(z.numpy(), x.numpy()), rtol=1e-6
    )


def test_expectation_is_the_value_at_the_mean(rng) -> None:
    z, x = clouds(rng, 20)
    logvar = torch.from_numpy(rng.normal(size=(20, 2)))
    potential = tp.SignaturePotential()
    torch.testing.assert_close(potential.expectation(z, logvar, x), potential(z, x))


@pytest.mark.parametrize("max_homology_dim", [0, 1])
def test_vmap_gives_each_batch_its_own_energies_and_gradients(rng, max_homology_dim) -> None:
    z, x = (
        torch.from_numpy(rng.normal(size=(3, 15, 2))),
        torch.from_numpy(rng.normal(size=(3, 15, 9))),
    )
    potential = tp.SignaturePotential(max_homology_dim)
    expected = torch.stack([potential(a, b) for a, b in zip(z, x, strict=True)])
    torch.testing.assert_close(torch.vmap(potential)(z, x), expected)
    shared = torch.stack([potential(a, x[0]) for a in z])
    torch.testing.assert_close(torch.vmap(potential, in_dims=(0, None))(z, x[0]), shared)

    def total(codes: torch.Tensor, data: torch.Tensor) -> torch.Tensor:
        return potential(codes, data).sum()

    gradients = torch.vmap(torch.func.grad(total))(z, x)
    first = torch.func.grad(total)(z[0], x[0])
    torch.testing.assert_close(gradients[0], first)
    assert gradients.abs().sum() > 0


def test_a_batch_with_a_nan_has_no_number_for_an_energy(rng) -> None:
    z, x = clouds(rng, 10)
    z[4, 1] = torch.nan
    assert tp.SignaturePotential()(z, x).isnan().all()
    with pytest.raises(tp.InvalidInputError, match=r"`mean` holds nan in row 4"):
        tp.Hamiltonian(tp.SignaturePotential()).energy(z, None, x)


def test_it_adds_to_a_field_and_survives_copies(rng) -> None:
    z, x = clouds(rng, 10)
    wells = tp.WellSpec(centers=rng.normal(size=(3, 2)), depths=np.ones(3), widths=np.ones(3))
    both = 3 * tp.SignaturePotential(1) + tp.WellPotential(wells)
    expected = 3 * tp.SignaturePotential(1)(z, x) + tp.WellPotential(wells)(z)
    for potential in (both, copy.deepcopy(both), pickle.loads(pickle.dumps(both))):
        torch.testing.assert_close(potential(z, x), expected)
    assert both.scope == "batch"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "pass `x`"),
        ({"anchors": torch.zeros(10, 2)}, "no `anchors`"),
        ({"x": torch.zeros(9, 3)}, "10 rows"),
        ({"x": torch.zeros(10, 3, 3)}, "flatten"),
        ({"x": torch.zeros(10, 3).long()}, r"x\.float"),
        ({"x": torch.zeros(10, 3, device="meta")}, "meta"),
        ({"x": "points"}, "`x`"),
    ],
)
def test_wrong_data_are_refused(arguments, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.SignaturePotential()(torch.zeros(10, 2), **arguments)


@pytest.mark.parametrize("value", [-1, 3, 0.5, "H1"])
def test_a_dimension_out_of_range_is_refused(value) -> None:
    with pytest.raises(tp.InvalidInputError, match="max_homology_dim"):
        tp.SignaturePotential(value)


# Over 2 s: the compiler is imported.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the compiler's own
def test_a_compiled_loop_gives_the_same_energies_and_gradients(rng) -> None:
    z, x = clouds(rng, 12)
    z.requires_grad_()
    potential = tp.SignaturePotential()
    compiled = torch.compile(lambda z, x: potential(2 * z, x).sum(), backend="eager")
    found, expected = compiled(z, x), potential(2 * z, x).sum()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(
        torch.autograd.grad(found, z)[0], torch.autograd.grad(expected, z)[0]
    )


def test_it_is_saved_with_its_setting_and_has_no_prior_per_sample(rng, tmp_path) -> None:
    z, x = clouds(rng, 20)
    hamiltonian = tp.Hamiltonian(2 * tp.SignaturePotential(1), tp.Adiabatic(3.0))
    tp.save(hamiltonian, tmp_path / "signature")
    loaded = tp.load(tmp_path / "signature")
    expected = hamiltonian.energy(z, None, x, progress=0.1)
    torch.testing.assert_close(loaded.energy(z, None, x, progress=0.1), expected)
    with pytest.raises(tp.InvalidInputError, match="interaction"):
        hamiltonian.prior(x, coupling=1.0)


@pytest.mark.slow
def test_a_comparison_takes_it_and_trains_all_seeds_at_once(rng, caplog) -> None:
    caplog.set_level("INFO", logger="topopert.models")
    report = tp.compare(
        rng.normal(size=(80, 6)),
        tp.Hamiltonian(tp.SignaturePotential(), tp.Adiabatic(10.0)),
        latent_dim=2,
        n_seeds=3,
        controls=("constant",),
        training=tp.TrainingConfig(n_steps=20, batch_size=32),
    )
    assert "one by one" not in caplog.text
    baseline, perturbed = (report.arms[name].latents for name in ("baseline", "perturbed"))
    assert not np.allclose(baseline, perturbed)
