"""A rule for the signs of modes."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

__all__ = ["mode_signs"]

# A moment below this share of its bound is taken for 0, by symmetry.
_NONE = 1e-3


def mode_signs(
    nodes: NDArray[np.float64], weights: NDArray[np.float64], modes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sign ±1 of each mode that makes its first moment of a list positive, (K,).

    The list: the mean of f z₁, …, f z_d, then of f z_i z_j and of f³, as far as symmetry does not
    make it 0; else f is positive at the first node where it is nearly greatest in size.

    Args:
        nodes: (G, d).
        weights: Σ = 1, (G,).
        modes: Σ weights · f² = 1, (G, K).
    """
    away = nodes - weights @ nodes
    away = away / np.sqrt(weights @ away**2)
    weighted = weights[:, None] * modes
    # One axis's products at a time: in d = 128 there are 8256.
    products = (away[:, [i]] * away[:, i:] for i in range(nodes.shape[1]))
    moments = [
        (statistics / np.sqrt(weights @ statistics**2)).T @ weighted
        for statistics in itertools.chain([away], products)
    ]
    moments = np.vstack([*moments, (weights @ modes**3)[None]])  # (d + d(d + 1)/2 + 1, K)
    # Where p is small a mode may be large and is known badly.
    trusted = np.where((weights > 1e-6 * weights.max())[:, None], np.abs(modes), 0.0)
    first = (trusted >= 0.9 * trusted.max(axis=0)).argmax(axis=0)
    last = modes[first, np.arange(modes.shape[1])]
    chosen = np.where(np.abs(moments) > _NONE, moments, 0.0)
    candidates = np.vstack([chosen, last])
    decisive = (candidates != 0).argmax(axis=0)
    signs = np.sign(candidates[decisive, np.arange(modes.shape[1])])
    return np.where(signs == 0, 1.0, signs)
