"""What is saved, copied or pickled comes back with every bit; what cannot be says so."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.hamiltonian import hamiltonian_from_state, hamiltonian_state, posterior_surface
from topopert.hamiltonian.perturbation import perturbation_levels
from topopert.topology import topology_from_state, topology_state

from .scenes import cloud, data, landscape, posterior, potential

KINDS = ("field", "wells", "polynomial", "signature", "sum")
COUPLINGS = (0.0, tp.Constant(0.1), tp.Adiabatic(3.0), tp.Adiabatic(1 / 3, 0.7, 2.5))


def bits(value: Any) -> Any:
    """A record as plain values, arrays as their bytes."""
    if isinstance(value, torch.Tensor):
        value = value.detach().numpy()
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if dataclasses.is_dataclass(value):
        return [bits(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, (tuple, list)):
        return [bits(item) for item in value]
    return value


def energies(hamiltonian: tp.Hamiltonian) -> Any:
    mean, logvar = posterior(2)
    return bits([hamiltonian.energy(mean, logvar, data(), progress=p) for p in (0.0, 0.3, 1.0)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coupling", COUPLINGS, ids=str)
def test_a_saved_hamiltonian_is_the_same_to_the_bit(kind: str, coupling, tmp_path) -> None:
    hamiltonian = tp.Hamiltonian(potential(kind, 2), coupling)
    tp.save(hamiltonian, tmp_path / "hamiltonian.npz")
    again = tp.load(tmp_path / "hamiltonian.npz")
    assert isinstance(again, tp.Hamiltonian)
    assert again.coupling == hamiltonian.coupling
    assert energies(again) == energies(hamiltonian)
    tp.save(again, tmp_path / "again.npz")
    one, two = (tmp_path / name for name in ("hamiltonian.npz", "again.npz"))
    assert one.read_bytes() == two.read_bytes()
    assert energies(hamiltonian_from_state(*hamiltonian_state(hamiltonian))) == energies(again)


@pytest.mark.parametrize("max_homology_dim", [0, 1, 2])
@pytest.mark.parametrize("layout", ["geodesic", "pca"])
def test_a_saved_topology_is_the_same_to_the_bit(max_homology_dim, layout, tmp_path) -> None:
    points = cloud()
    settings = {"max_homology_dim": max_homology_dim, "layout": layout, "n_landmarks": 25}
    topology = tp.PersistentTopology(2, **settings).fit(points)
    tp.save(topology, tmp_path / "topology.npz")
    again = tp.load(tmp_path / "topology.npz")
    assert isinstance(again, tp.PersistentTopology)
    other = topology_from_state(*topology_state(topology))
    for copied in (again, other, copy.deepcopy(topology), pickle.loads(pickle.dumps(topology))):
        for name in ("diagrams_", "features_", "scale_", "landmarks_", "covering_radius_"):
            assert bits(getattr(copied, name)) == bits(getattr(topology, name)), name
        assert bits([copied.anchors(), copied.wells()]) == bits(
            [topology.anchors(), topology.wells()]
        )
        assert bits(copied.transform(points)) == bits(topology.transform(points))
    tp.save(again, tmp_path / "again.npz")
    one, two = (tmp_path / name for name in ("topology.npz", "again.npz"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_copies_of_a_hamiltonian_are_its_equals_and_share_nothing(kind: str) -> None:
    hamiltonian = tp.Hamiltonian(potential(kind, 2), tp.Adiabatic(2.0))
    expected = energies(hamiltonian)
    for other in (copy.deepcopy(hamiltonian), pickle.loads(pickle.dumps(hamiltonian))):
        assert energies(other) == expected
        for buffer in other.buffers():
            buffer.zero_()
        assert energies(hamiltonian) == expected


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "signature"])
def test_a_state_dict_carries_a_potential_over(kind: str) -> None:
    own = potential(kind, 2)
    state = {name: value.clone() for name, value in own.state_dict().items()}
    other = copy.deepcopy(own)
    for buffer in other.buffers():
        buffer.zero_()
    other.load_state_dict(state)
    mean, logvar = posterior(2)
    assert torch.equal(
        other.expectation(mean, logvar, data()), own.expectation(mean, logvar, data())
    )
    assert bits(list(own.state_dict().values())) == bits(list(state.values()))


def test_a_polynomial_takes_the_degree_of_what_it_loads() -> None:
    low = tp.PolynomialPotential([[1, 0], [0, 1]], [1.0, 1.0])
    high = tp.PolynomialPotential([[7, 0], [0, 3]], [0.5, 2.0])
    hamiltonian = tp.Hamiltonian(0.5 * low)
    hamiltonian.load_state_dict(tp.Hamiltonian(0.5 * high).state_dict())
    mean, logvar = posterior(2)
    torch.testing.assert_close(
        hamiltonian.energy(mean, logvar), 0.5 * high.expectation(mean, logvar)
    )


def records() -> dict[str, Any]:
    rng, points = np.random.default_rng(0), cloud()
    topology = tp.PersistentTopology(2, n_landmarks=25).fit(points)
    runs = rng.normal(size=(3, 40, 2))
    return {
        "Adiabatic": tp.Adiabatic(2.0, 0.3, 2.0),
        "AnchorSpec": topology.anchors(),
        "Constant": tp.Constant(0.3),
        "DegeneracyMetrics": tp.degeneracy(runs),
        "Estimate": tp.Estimate(1.0, 0.5, 2.0),
        "FaithfulnessMetrics": tp.faithfulness(points, runs),
        "GaugeCurvature": tp.gauge_curvature(runs[0], runs[1]),
        "GaussHermite": tp.GaussHermite(3),
        "PersistenceDiagram": topology.diagrams_[1],
        "QuasiMonteCarlo": tp.QuasiMonteCarlo(64),
        "RunStreams": tp.rng.spawn_runs(0, 2)[1],
        "TopologicalFeature": topology.features_,
        "TrainingConfig": tp.TrainingConfig(n_steps=3),
        "VerdictRule": tp.VerdictRule(largest_ratio=0.4),
        "WellSpec": topology.wells(),
    }


def test_records_come_back_from_a_copy_and_a_pickle() -> None:
    for name, record in records().items():
        for other in (copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
            assert bits(other) == bits(record), name


def test_records_cannot_be_changed() -> None:
    for name, record in records().items():
        if not isinstance(record, tuple):
            first = dataclasses.fields(record)[0].name
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(record, first, None)
            assert not hasattr(record, "__dict__"), name


def test_a_landscape_is_copied_with_its_minima() -> None:
    own = tp.EnergyLandscape.from_potential(landscape(), coupling=2.0, latent_dim=2)
    z = posterior(2)[0]
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert torch.equal(other.minima, own.minima)
        assert torch.equal(other.energy(z), own.energy(z))


def test_a_prior_is_copied_with_its_constant() -> None:
    own = tp.Hamiltonian(landscape(), 2.0).prior()
    z = posterior(2)[0]
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert torch.equal(other.log_prob(z), own.log_prob(z))


def double_well(z: torch.Tensor) -> torch.Tensor:
    """Of barrier 30: the first excited level is below what a grid's digits hold."""
    return 30.0 * (z[:, 0].square() - 1).square()


def wells() -> tp.WellPotential:
    """Two in four dimensions, with rotations of two axes as symmetry."""
    centers = np.array([[1.0, 0, 0, 0], [-1.5, 0.5, 0, 0]])
    spec = tp.WellSpec(centers=centers, depths=np.array([1.0, 2.0]), widths=np.ones(2))
    return tp.WellPotential(spec).double()


def quartic() -> tp.PolynomialPotential:
    """Of one axis of four."""
    return tp.PolynomialPotential([[4, 0, 0, 0]], [0.1]).double()


SPECTRA = {
    "grid": lambda: tp.posterior_spectrum(*posterior(1), n_levels=4),
    "marginal": lambda: tp.posterior_spectrum(*posterior(5), n_levels=4, method="marginal"),
    "ritz": lambda: tp.posterior_spectrum(*posterior(5), n_levels=3, method="ritz"),
    "structure": lambda: tp.spectrum(quartic(), coupling=1.0, latent_dim=4, n_levels=4),
    "structure with wells": lambda: tp.spectrum(wells(), coupling=1.0, latent_dim=4, n_levels=4),
    "grid, kramers": lambda: tp.spectrum(double_well, coupling=1.0, latent_dim=1, n_levels=4),
    "perturbation": lambda: perturbation_levels(
        quartic(), coupling=0.1, latent_dim=4, n_levels=4, order=2
    ),
}


@pytest.mark.parametrize("name", SPECTRA)
def test_a_spectrum_is_copied_with_its_states(name: str) -> None:
    own = SPECTRA[name]()
    assert own.method.startswith(name.removesuffix(" with wells"))
    z = torch.linspace(-1, 1, 4 * own.surface.latent_dim).reshape(4, -1).double()
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert torch.equal(other.levels, own.levels)
        assert torch.equal(other.modes(z), own.modes(z))
        assert torch.equal(other.states(z), own.states(z))
        assert str(other.describe()) == str(own.describe())


def test_surfaces_are_copied() -> None:
    mean, logvar = posterior(2)
    own = posterior_surface(mean, logvar)
    for other in (copy.deepcopy(own), pickle.loads(pickle.dumps(own))):
        assert torch.equal(other.energy(mean), own.energy(mean))
