"""`topopert diagrams`."""

from __future__ import annotations

import numpy as np
import pytest

import topopert as tp


def test_bars_features_and_dimension_are_told_and_kept(topopert, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = topopert("diagrams", "figure_eight", "--landmarks", "100", "--out", "a/b")
    assert code == 0, err
    points = tp.datasets.figure_eight(rng=np.random.default_rng(0)).points
    topology = tp.PersistentTopology(n_landmarks=100).fit(points)
    with np.load(tmp_path / "a/b/diagrams.npz") as kept:
        assert sorted(kept.files) == ["H0", "H1"]
        assert np.array_equal(kept["H1"], topology.diagrams_[1].pairs)
        assert np.array_equal(kept["H0"][:1], [[0, np.inf]])
        assert np.array_equal(kept["H0"][1:], topology.diagrams_[0].pairs)
    loaded = tp.load(tmp_path / "a/b/topology.npz")
    np.testing.assert_array_equal(loaded.transform(points), topology.transform(points))
    marked = [line for line in out.splitlines() if line.startswith("* H1")]
    assert len(marked) == 2
    for line, feature in zip(marked, topology.features_, strict=True):
        assert f"p = {feature.p_value:.2g}" in line
    assert f"covering radius {topology.covering_radius_:.4g}" in out
    assert "suggested latent dimension: 2" in out
    assert (tmp_path / "a/b/diagrams.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "a/b/diagrams.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.filterwarnings("default::topopert.TopopertWarning")
def test_too_small_a_latent_space_is_said_in_one_line(topopert, tmp_path) -> None:
    code, _, err = topopert("diagrams", "linked_circles", "--latent-dim", "1", "--out", tmp_path)
    assert code == 0
    (line,) = err.splitlines()
    assert line.startswith("topopert: note: ")


@pytest.mark.parametrize(
    "args", [("circle", "--max-homology-dim", "3"), ("circle", "--landmarks", "1"), ("a.csv",)]
)
def test_bad_input_is_one_line(topopert, tmp_path, args) -> None:
    code, out, err = topopert("diagrams", *args, "--out", tmp_path / "out")
    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1


def test_a_place_that_cannot_be_written_is_refused(topopert, tmp_path) -> None:
    (tmp_path / "file").touch()
    code, _, err = topopert("diagrams", "circle", "--out", tmp_path / "file")
    assert code == 2
    assert "cannot be made" in err


def test_a_disk_that_is_full_is_one_line(topopert, tmp_path, monkeypatch) -> None:
    def full(*args, **kwargs) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    code, _, err = topopert("diagrams", "circle", "--out", tmp_path)
    assert code == 2
    (line,) = err.splitlines()
    assert line.startswith(
        f"topopert: {tmp_path / 'diagrams.npz'} cannot be written: No space left"
    )
