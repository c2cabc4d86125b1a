"""What a spectrum cannot tell, and why."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .clusters import BARRIER_ACTIVATION, Clusters, closure_defect
from .loops import Loop, ShallowHole

__all__ = ["about_clusters", "about_levels", "about_loops"]

# Neighbouring levels of a harmonic well are at most 2 apart; the rest is for errors.
_NO_GAP = 2.2
# Modes that close so well may be clusters: two at 2.5 standard deviations have .39, a harmonic
# well's first mode has 2/3.
_NEARLY_CLOSED = 0.45
# In units of T. 600 random points of a torus leave holes of 1.5 T, 2000 of .7 T.
_SURE_BAR = 2.0


def about_levels(
    levels: NDArray[np.float64],
    errors: NDArray[np.float64],
    noise: NDArray[np.bool_],
    activations: NDArray[np.float64],
    n_small: int,
) -> list[str]:
    """What limits the levels themselves.

    Args:
        levels: Ascending, (n,).
        errors: Absolute, (n,).
        noise: Which levels are rounding, (n,).
        activations: In units of T, (n,).
        n_small: Levels above 0 and below the gap.
    """
    found = []
    lost = int(noise[1:].sum())
    if lost:
        found.append(
            f"{_levels(lost)} above the ground {'is' if lost == 1 else 'are'} lost in rounding, "
            "so their barriers have no height. A higher temperature shows it."
        )
    last = len(levels) - 1
    if last > 0 and activations[last] >= BARRIER_ACTIVATION:
        found.append(
            f"the highest level, {last}, is still a barrier, so more clusters may follow. Ask for "
            "more levels."
        )
    if last <= 1:
        found.append(f"{_levels(len(levels))} show no gap. Ask for more levels.")
    for k in range(1, last):
        blurred = errors[k] + errors[k + 1] > levels[k + 1] - levels[k]
        if k == n_small and blurred:
            found.append(
                f"the gap above level {k} is smaller than the errors of its levels, "
                f"{errors[k]:.2g} and {errors[k + 1]:.2g}."
            )
    vague = [k for k in range(1, last + 1) if errors[k] > 0.5 * levels[k] and not noise[k]]
    if vague:
        found.append(
            f"levels {', '.join(map(str, vague))} have errors of more than half of themselves."
        )
    return found


def about_clusters(
    levels: NDArray[np.float64],
    activations: NDArray[np.float64],
    modes: NDArray[np.float64],
    weights: NDArray[np.float64],
    clusters: Clusters,
    loops: Sequence[Loop],
) -> list[str]:
    """Gaps that are none and clusters that are too small.

    Args:
        levels: Ascending, (n,).
        activations: In units of T, (n,).
        modes: At the nodes, (G, n).
        weights: Of the nodes, (G,).
        clusters: What was found.
        loops: What was found; their doublets explain a gap.
    """
    found = []
    for mass in clusters.outlier_masses:
        found.append(
            f"a part with {mass:.2%} of the density lies apart: an outlier or a small cluster."
        )
    first = clusters.n_small + 1
    likely: list[tuple[float, int]] = []
    for k in range(first, len(levels) - 1):
        gap = float(levels[k + 1] / levels[k])
        if gap < max(_NO_GAP, _gap_of_loops(k - clusters.n_small, len(loops))):
            continue
        if closure_defect(modes[:, : k + 1], weights) <= _NEARLY_CLOSED:
            likely.append((gap, k))
    if likely:
        gap, k = max(likely)
        which = f"level {k}" if k == first else f"levels {first} to {k}"
        least = float(activations[first : k + 1].min())
        found.append(
            f"{which} may be of {k + 1} clusters closer than 3.5 standard deviations, or of an "
            f"elongated one: the next level is {gap:.1f} times higher (a gap has 4), the least "
            f"activation energy {least:.2f} T."
        )
    elif first < len(levels) and activations[first] >= BARRIER_ACTIVATION:
        found.append(
            f"level {first} has a barrier of {activations[first]:.2f} T but no gap above it: "
            "clusters that touch, or a rough surface."
        )
    return found


def _gap_of_loops(n_levels: int, n_loops: int) -> float:
    """The largest ratio that n loops have above so many levels: ((m + 1)/m)² and 10 % more."""
    if n_loops == 0:
        return 0.0
    overtone = max(1, n_levels // (2 * n_loops))
    return 1.1 * (1 + 1 / overtone) ** 2


def about_loops(
    loops: Sequence[Loop],
    shallow: Sequence[ShallowHole],
    *,
    temperature: float,
    n_unseen: int,
) -> list[str]:
    """Holes that are shallow or no deeper than chance makes them, and dimensions not seen.

    Args:
        loops: What was found.
        shallow: Holes less deep than T.
        temperature: T.
        n_unseen: Wide axes beyond the three principal ones on which holes were sought.
    """
    found = [
        f"the modes of levels {hole.levels[0]:.4g} and {hole.levels[1]:.4g} go round a hole of "
        f"only {hole.persistence:.2f} nats: a loop thicker than .42 of its radius, or none."
        for hole in shallow
    ]
    for loop in loops:
        if loop.persistence < _SURE_BAR * temperature:
            found.append(
                f"the hole of the loop of levels {loop.levels[0]:.4g} and {loop.levels[1]:.4g} is "
                f"{loop.persistence:.2f} nats deep: few data can leave such a hole by chance."
            )
    if n_unseen:
        found.append(
            f"holes were sought on the first three principal axes; {n_unseen} more are wide "
            "enough to hold a loop that was not seen."
        )
    return found


def _levels(n: int) -> str:
    return "one level" if n == 1 else f"{n} levels"
