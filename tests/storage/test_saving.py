from __future__ import annotations

import json
import pickle
import zipfile

import networkx as nx
import numpy as np
import pytest
import torch

import topopert as tp

SIMPLE = ("features_", "covering_radius_", "scale_", "layout_", "layout_distances_")
SIMPLE += ("anchor_distance_", "suggested_latent_dim_", "geometric_only_", "outlier_share_")


@pytest.fixture
def points(rng) -> np.ndarray:
    cloud, _ = tp.datasets.torus(700, ambient_dim=6, noise=0.03, rng=rng)
    return cloud


def test_a_topology_comes_back_whole(points, tmp_path) -> None:
    topology = tp.PersistentTopology(latent_dim=3, n_landmarks=150).fit(points)
    tp.save(topology, tmp_path / "topology.npz")
    again = tp.load(tmp_path / "topology.npz")
    assert again.get_params() == topology.get_params()
    for name in SIMPLE:
        assert getattr(again, name) == getattr(topology, name)
    assert nx.utils.graphs_equal(again.graph_, topology.graph_)
    for a, b in zip(again.diagrams_, topology.diagrams_, strict=True):
        np.testing.assert_array_equal(a.pairs, b.pairs)
        np.testing.assert_array_equal(a.essential, b.essential)
    for ask in (again.transform, again.circular_coordinates, again.components):
        np.testing.assert_array_equal(ask(points), getattr(topology, ask.__name__)(points))
    np.testing.assert_array_equal(again.landmarks_, topology.landmarks_)
    np.testing.assert_array_equal(again.anchors().values, topology.anchors().values)
    np.testing.assert_array_equal(again.wells().depths, topology.wells().depths)


def test_every_fitted_attribute_is_saved(points, tmp_path) -> None:
    topology = tp.PersistentTopology(n_landmarks=60).fit(points)
    tp.save(topology, tmp_path / "topology.npz")
    assert vars(tp.load(tmp_path / "topology.npz")).keys() == vars(topology).keys()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_hamiltonian_comes_back_bit_for_bit(points, tmp_path, generator, dtype) -> None:
    topology = tp.PersistentTopology(latent_dim=3, n_landmarks=60).fit(points)
    field, wells = tp.AnchorPotential(topology.anchors()), tp.WellPotential(topology.wells())
    quartic = tp.PolynomialPotential([[4, 0, 0], [1, 0, 2]], [0.1, -0.3])
    potential = 2.0 * field + 0.5 * wells + quartic
    hamiltonian = tp.Hamiltonian(potential, tp.Adiabatic(30.0, 0.7, 3.0)).to(dtype)
    tp.save(hamiltonian, tmp_path / "hamiltonian.npz")
    again = tp.load(tmp_path / "hamiltonian.npz")
    assert again.coupling == hamiltonian.coupling
    x = torch.from_numpy(points[:20]).to(dtype)
    mean, logvar = torch.randn(2, 20, 3, generator=generator).to(dtype)
    assert torch.equal(
        again.energy(mean, logvar, x, progress=0.2),
        hamiltonian.energy(mean, logvar, x, progress=0.2),
    )
    assert again.state_dict().keys() == hamiltonian.state_dict().keys()


def test_the_same_object_gives_the_same_bytes(points, tmp_path) -> None:
    topology = tp.PersistentTopology(n_landmarks=40).fit(points)
    tp.save(topology, tmp_path / "a.npz")
    tp.save(topology, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def damaged(path, rng) -> dict[str, bytes]:
    whole = path.read_bytes()
    middle = len(whole) // 2
    return {
        "cut short": whole[:middle],
        "empty": b"",
        "one byte changed": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :],
        "text": b"not a file of ours",
        "a pickle": pickle.dumps({"format": "topopert"}),
    }


@pytest.mark.parametrize("how", ["cut short", "empty", "one byte changed", "text", "a pickle"])
def test_a_damaged_file_is_refused(points, tmp_path, rng, how: str) -> None:
    path = tmp_path / "topology.npz"
    tp.save(tp.PersistentTopology(n_landmarks=40).fit(points), path)
    path.write_bytes(damaged(path, rng)[how])
    with pytest.raises(tp.InvalidInputError, match=r"topology\.npz"):
        tp.load(path)


def rewritten(path, change) -> None:
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(content["header.json"])
    change(header, content)
    content["header.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, entry in content.items():
            archive.writestr(name, entry)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda header, content: header.update(version=99), "version 99"),
        (lambda header, content: header.update(format="other"), "not written by topopert"),
        (lambda header, content: header.update(kind="Spectrum"), "'Spectrum'"),
        (lambda header, content: header.pop("numbers"), "incomplete"),
        (lambda header, content: content.pop("edges.npy"), "incomplete"),
        (lambda header, content: header["parameters"].update(n=3), "incomplete"),
    ],
)
def test_a_changed_file_is_refused(points, tmp_path, change, message: str) -> None:
    path = tmp_path / "topology.npz"
    tp.save(tp.PersistentTopology(n_landmarks=40).fit(points), path)
    rewritten(path, change)
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.load(path)


def test_numpys_own_archive_and_missing_files_are_refused(tmp_path) -> None:
    np.savez(tmp_path / "arrays.npz", a=np.zeros(3))
    with pytest.raises(tp.InvalidInputError, match=r"not written by topopert\.save"):
        tp.load(tmp_path / "arrays.npz")
    with pytest.raises(tp.InvalidInputError, match="no file"):
        tp.load(tmp_path / "nothing.npz")
    with pytest.raises(tp.InvalidInputError, match="no file"):
        tp.load(tmp_path)


def test_what_cannot_be_saved_is_refused_and_nothing_is_written(points, tmp_path) -> None:
    topology = tp.PersistentTopology(n_landmarks=40)
    path = tmp_path / "file.npz"
    with pytest.raises(ValueError, match="not fitted"):
        tp.save(topology, path)
    topology.fit(points)
    field = tp.AnchorPotential(topology.anchors())
    with pytest.raises(tp.InvalidInputError, match="is code"):
        tp.save(tp.Hamiltonian(field, coupling=lambda progress: 1.0), path)
    with pytest.raises(tp.InvalidInputError, match="list"):
        tp.save([topology], path)
    with pytest.raises(tp.InvalidInputError, match="lies in no folder"):
        tp.save(topology, tmp_path / "missing" / "file.npz")
    with pytest.raises(tp.InvalidInputError, match="is a folder"):
        tp.save(topology, tmp_path)
    assert list(tmp_path.iterdir()) == []
