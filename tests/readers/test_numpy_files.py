"""npy and npz."""

from __future__ import annotations

import re
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest

from topopert.errors import InvalidInputError
from topopert.readers import read_table, table


@pytest.mark.parametrize(
    ("given", "kept"),
    [("f4", "f4"), ("f8", "f8"), (">f8", "f8"), ("f2", "f8"), ("i4", "f8"), ("?", "f8")],
)
@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_come_as_they_were(rng, tmp_path, given, kept, suffix) -> None:
    points = rng.integers(0, 9, size=(20, 3)).astype(given)
    path = tmp_path / f"my data.{suffix}"
    np.save(path, points) if suffix == "npy" else np.savez_compressed(path, points)
    found = read_table(path).points
    assert found.dtype == np.dtype(kept)
    np.testing.assert_array_equal(found, points)
    assert type(found) is np.ndarray
    assert found.flags.writeable


def test_fortran_order_and_later_changes_of_the_file_do_not_matter(rng, tmp_path) -> None:
    points = np.asfortranarray(rng.normal(size=(20, 3)))
    np.save(tmp_path / "a.npy", points)
    found = read_table(tmp_path / "a.npy").points
    np.save(tmp_path / "a.npy", 0 * points)
    np.testing.assert_array_equal(found, points)


def test_several_arrays_are_told_apart_by_name(rng, tmp_path) -> None:
    path = tmp_path / "a.npz"
    points = rng.normal(size=(4, 3))
    np.savez(path, z=points, w=points + 1, kind=np.array(["a", "b", "a", "b"]), age=[1, 2, 3, 4])
    assert np.array_equal(read_table(path, array="w").points, points + 1)
    with pytest.raises(InvalidInputError, match=r"4 arrays, 'z', 'w', 'kind', 'age'.*--array z"):
        read_table(path)
    with pytest.raises(InvalidInputError, match=r"no array 'q'.*'z', 'w'"):
        read_table(path, array="q")
    found = read_table(path, array="z", labels=["kind", "age"])
    assert found.columns["kind"].tolist() == ["a", "b", "a", "b"]
    assert found.columns["age"].tolist() == [1, 2, 3, 4]


def test_labels_are_not_taken_for_the_points(rng, tmp_path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, z=rng.normal(size=(4, 3)), kind=[1, 2, 3, 4], short=[1, 2])
    assert read_table(path, labels=["kind"], array="z").points.shape == (4, 3)
    with pytest.raises(InvalidInputError, match=r"'short' has shape \(2,\)"):
        read_table(path, labels=["kind", "short"])


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_pickled_objects_are_refused_unread(tmp_path, suffix) -> None:
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    path = tmp_path / f"a.{suffix}"
    trap = np.array([[Trap()]], dtype=object)
    np.save(path, trap) if suffix == "npy" else np.savez(path, trap)
    with pytest.raises(InvalidInputError, match="Python objects, which could run code"):
        read_table(path)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_truncated_files_are_refused(rng, tmp_path, suffix, share) -> None:
    path = tmp_path / f"a.{suffix}"
    points = rng.normal(size=(50, 3))
    np.save(path, points) if suffix == "npy" else np.savez(path, points)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InvalidInputError, match=r"a\.np"):
        read_table(path)


def test_a_flipped_bit_anywhere_is_noticed_or_changes_nothing(rng, tmp_path) -> None:
    path = tmp_path / "a.npz"
    points = rng.integers(0, 5, size=(50, 3)).astype(float)
    np.savez_compressed(path, points)
    whole = path.read_bytes()
    for place in range(len(whole)):
        content = bytearray(whole)
        content[place] ^= 1
        path.write_bytes(content)
        with suppress(InvalidInputError):
            np.testing.assert_array_equal(read_table(path).points, points)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5), "(5,), not (N, D)"),
        (np.zeros((5, 8, 8)), "reshape(len(images), -1)"),
        (np.zeros((0, 3)), "(0, 3)"),
        (np.array([["a"]]), "Real numbers are needed"),
        (np.zeros((5, 2), dtype=complex), "complex128"),
        (np.zeros(5, dtype=[("x", "f8")]), "Real numbers"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), "row 2, column '2', holds 'nan'"),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, message) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        read_table(tmp_path / "a.npy")


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_arrays_above_the_stated_size_are_refused(tmp_path, monkeypatch, suffix) -> None:
    monkeypatch.setattr(table, "MAX_CELLS", 10)
    path = tmp_path / f"a.{suffix}"
    np.save(path, np.zeros((6, 2))) if suffix == "npy" else np.savez(path, np.zeros((6, 2)))
    with pytest.raises(InvalidInputError, match="more than 10 numbers"):
        read_table(path)


def test_an_array_above_the_stated_size_is_refused_unread(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(table, "MAX_CELLS", 10)
    np.save(tmp_path / "a.npy", np.zeros((500_000, 2)))
    tracemalloc.start()
    with pytest.raises(InvalidInputError, match="more than 10 numbers"):
        read_table(tmp_path / "a.npy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6
