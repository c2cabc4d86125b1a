"""h5ad, written by anndata."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from topopert.errors import InvalidInputError
from topopert.readers import read_table, table

anndata = pytest.importorskip("anndata")
h5py = pytest.importorskip("h5py")
pd = pytest.importorskip("pandas")

pytestmark = pytest.mark.integration


@pytest.fixture
def cells(rng):
    counts = rng.poisson(1.0, size=(30, 8)).astype(np.float32)
    made = anndata.AnnData(
        counts,
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical(["B", "T", None] * 10),
                "age": np.arange(30) / 2,
                "batch": ["x", "y"] * 15,
            },
            index=[f"cell {k}" for k in range(30)],
        ),
    )
    made.layers["log"] = np.log1p(counts)
    made.obsm["X_pca"] = rng.normal(size=(30, 2))
    made.obsm["frame"] = pd.DataFrame({"a": np.arange(30.0)}, index=made.obs_names)
    return made


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_x_is_read_dense_or_sparse(cells, tmp_path, form) -> None:
    counts = cells.X
    cells.X = form(counts)
    cells.write_h5ad(tmp_path / "my cells.h5ad")
    found = read_table(tmp_path / "my cells.h5ad").points
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, counts)


def test_layers_embeddings_and_observations_by_name(cells, tmp_path) -> None:
    path = tmp_path / "a.h5ad"
    cells.write_h5ad(path)
    np.testing.assert_array_equal(read_table(path, layer="log").points, cells.layers["log"])
    found = read_table(path, obsm="X_pca", labels=["cell_type", "age", "batch"])
    np.testing.assert_array_equal(found.points, cells.obsm["X_pca"])
    assert found.columns["cell_type"].tolist() == ["B", "T", ""] * 10
    np.testing.assert_array_equal(found.columns["age"], np.arange(30) / 2)
    assert found.columns["batch"].tolist() == ["x", "y"] * 15
    assert read_table(path, obsm="frame").points[:, 0].tolist() == list(range(30))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": "counts"}, r"no 'counts' in layers. It has the layers 'log'"),
        ({"obsm": "X_umap"}, r"no 'X_umap' in obsm.*'X_pca', 'frame'|'frame', 'X_pca'"),
        ({"labels": ["site"]}, r"\(obs\) has no column 'site'.*'cell_type', 'age', 'batch'"),
        ({"layer": "log", "obsm": "X_pca"}, "Give one of them"),
    ],
)
def test_names_that_are_not_there_are_refused_with_those_that_are(
    cells, tmp_path, options, message
) -> None:
    cells.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InvalidInputError, match=message):
        read_table(tmp_path / "a.h5ad", **options)


def test_without_x_the_other_parts_are_named(cells, tmp_path) -> None:
    cells.X = None
    cells.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(InvalidInputError, match=r"no X\. It has the layers 'log'.*--obsm NAME"):
        read_table(tmp_path / "a.h5ad")
    assert read_table(tmp_path / "a.h5ad", layer="log").points.shape == (30, 8)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.95])
def test_truncated_files_are_refused(cells, tmp_path, share) -> None:
    path = tmp_path / "a.h5ad"
    cells.write_h5ad(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InvalidInputError, match="cannot be read as h5ad"):
        read_table(path)


def test_a_sparse_matrix_is_not_made_dense_above_the_stated_size(
    cells, tmp_path, monkeypatch
) -> None:
    cells.X = sparse.csr_matrix(cells.X)
    cells.write_h5ad(tmp_path / "a.h5ad")
    monkeypatch.setattr(table, "MAX_CELLS", 100)
    with pytest.raises(InvalidInputError, match="more than 100 numbers"):
        read_table(tmp_path / "a.h5ad")


def test_an_encoding_that_anndata_has_no_reader_for_is_refused(cells, tmp_path) -> None:
    path = tmp_path / "a.h5ad"
    cells.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        file["X"].attrs["encoding-version"] = "9"
    with pytest.raises(InvalidInputError, match="cannot be read as h5ad"):
        read_table(path)
