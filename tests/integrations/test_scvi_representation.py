"""Principal components of counts; these tests need no scvi-tools."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

import topopert as tp

log_normalised_components = tp.integrations.scvi.log_normalised_components


@pytest.fixture
def counts(rng):
    return rng.poisson(rng.gamma(0.5, 2.0, size=(60, 25)) + 0.2).astype(np.float32)


def test_components_are_those_of_the_covariance(counts) -> None:
    logs = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True))
    logs = logs - logs.mean(axis=0)
    found = log_normalised_components(counts, 4)
    variances = np.sort(np.linalg.eigvalsh(logs.T @ logs))[::-1][:4]
    np.testing.assert_allclose((found**2).sum(axis=0), variances, rtol=1e-4)
    np.testing.assert_allclose(found.T @ found, np.diag(variances), atol=1e-4 * variances[0])
    left = logs - found @ np.linalg.lstsq(found, logs, rcond=None)[0]
    assert (left**2).sum() == pytest.approx((logs**2).sum() - variances.sum(), rel=1e-4)


def test_depth_of_sequencing_plays_no_part(counts, rng) -> None:
    depth = rng.integers(1, 6, size=(60, 1))
    found = log_normalised_components(counts * depth, 3)
    np.testing.assert_allclose(found, log_normalised_components(counts, 3), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_counts_give_the_same(counts, kind) -> None:
    found = log_normalised_components(kind(counts), 5)
    np.testing.assert_allclose(found, log_normalised_components(counts, 5), rtol=1e-4, atol=1e-4)


def test_no_more_components_than_there_are(counts) -> None:
    assert log_normalised_components(counts[:6], 30).shape == (6, 5)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x - 1, "negative"),
        (lambda x: np.where(x > 2, np.nan, x), "NaN"),
        (lambda x: x * (np.arange(len(x)) > 2)[:, None], "3 of 60 cells have no counts"),
    ],
)
def test_what_are_no_counts_is_refused(counts, spoil, message) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        log_normalised_components(spoil(counts), 3)
