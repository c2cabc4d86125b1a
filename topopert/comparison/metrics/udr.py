"""Unsupervised disentanglement ranking: are two runs' axes the same, up to order and sign?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .disparity import over_pairs

__all__ = ["unsupervised_disentanglement"]


def unsupervised_disentanglement(
    latents: NDArray[np.float64], informative: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The pairwise score UDR_S, from Spearman's correlations of axes, shape (K, K).

    With R the absolute correlations of the informative axes a of one run and b of the other,
    `(Σ_b max_a R² / Σ_a R + Σ_a max_b R² / Σ_b R) / (number of a + number of b)`. It is 1 if every
    informative axis is like one axis of the other run and like no second one, and 0 if no axis is
    informative. The paper scores a model by the median over its pairs.

    On n rows the chance correlations, about .8/√n each, add up in the sums: equal runs of d
    independent axes score about 1 / (1 + .8 (d − 1) / √n).

    Args:
        latents: Shape (K, n, d).
        informative: Which axes of each run carry something, shape (K, d).

    References:
        Duan, Matthey, Saraiva, Watters, Burgess, Lerchner, Higgins, Unsupervised model selection
        for variational disentangled representation learning (2020), section 4.
    """
    ranks = rankdata(latents, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(ranks, axis=1, keepdims=True)
    ranks /= np.maximum(norms, np.finfo(float).tiny)
    ranks *= informative[:, None, :]  # uninformative axes are like nothing
    strength = over_pairs(ranks, _strength)  # (K, K)
    n_informative = informative.sum(axis=1)
    return strength / np.maximum(n_informative[:, None] + n_informative, 1)


def _strength(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """The two sums of the score, from the axes' correlations, shape (k, K, d, d)."""
    similarity = np.abs(products)
    strength = np.zeros(similarity.shape[:2])
    for axis in (2, 3):
        total = similarity.sum(axis=axis)
        share = similarity.max(axis=axis) ** 2 / np.where(total > 0, total, 1.0)
        strength += share.sum(axis=2)
    return strength
