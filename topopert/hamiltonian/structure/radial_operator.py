"""H on the states of one angular momentum, where U depends on r coordinates and a radius."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import bernoulli, comb

__all__ = ["PointValues", "RadialGrid", "RadialOperator", "radial_grid", "radial_operator"]

# The first derivative between nodes, from 2, 4 and 6 of them.
_DIFFERENCES = {
    1: np.array([1.0]),
    2: np.array([27.0, -1.0]) / 24,
    3: np.array([2250.0, -125.0, 9.0]) / 1920,
}
# Powers of the radius up to which the sum over nodes is corrected at the axis: beyond, its error
# is of order 8, and the corrected weights would turn negative.
_CORRECTED = 5
# Nats by which the nodes of a high-order difference may be lighter than those next to the face.
_LIGHTEST = 6.0

# Values at points (G, r + 1) whose last coordinate is the radius, (G,).
PointValues = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RadialGrid:
    """Nodes in r coordinates and the radius ρ = (j + ½)h, with U/T where it is needed."""

    axes: list[NDArray[np.float64]]  # r + 1 arrays, the radius last
    spacing: float
    energy: NDArray[np.float64]  # U/T from its minimum, over the box
    pull: NDArray[np.float64]  # (∂U/∂ρ)/(Tρ), over the box
    face_energies: list[NDArray[np.float64]]  # between nodes along each axis, the last at ρ = jh
    offset: float


def radial_grid(
    energy: PointValues,
    pull: PointValues,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    spacing: float,
) -> RadialGrid:
    """The energies on a grid.

    Args:
        energy: U/T.
        pull: (∂U/∂ρ)/(Tρ).
        low: Where the box begins along the r coordinates, (r,).
        high: Where it ends along them and the radius, (r + 1,).
        spacing: h.
    """
    axes = []
    for begin, end in zip(low, high[:-1], strict=True):
        count = _whole((end - begin) / spacing) + 1
        axes.append(0.5 * (begin + end) + spacing * (np.arange(count) - 0.5 * (count - 1)))
    axes.append(spacing * (np.arange(_whole(high[-1] / spacing)) + 0.5))
    values = _on(axes, energy)
    offset = float(values.min())
    faces = []
    for axis in range(len(axes)):
        shifted = list(axes)
        shifted[axis] = axes[axis][:-1] + 0.5 * spacing
        faces.append(_on(shifted, energy) - offset)
    return RadialGrid(
        axes=axes,
        spacing=spacing,
        energy=values - offset,
        pull=_on(axes, pull),
        face_energies=faces,
        offset=offset,
    )


def _whole(ratio: float) -> int:
    """The next whole number, the same for a rotated copy whose ratio is off by rounding."""
    return math.ceil(ratio - 1e-6)


def _on(axes: list[NDArray[np.float64]], function: PointValues) -> NDArray[np.float64]:
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return function(points.reshape(-1, len(axes))).reshape(points.shape[:-1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RadialOperator:
    """The quotient ∫(∣∇g∣² + l(∂U/∂ρ)/(Tρ) g²)w / ∫g²w of states g(z∥, ρ) Y_l, w = pρ^{m+2l−1}."""

    kept: NDArray[np.bool_]  # over the box
    mass: NDArray[np.float64]  # quadrature of w, sum not normalised, (G,)
    faces: list[tuple[sparse.csr_array, NDArray[np.float64], NDArray[np.float64]]]
    bend: NDArray[np.float64]  # l(∂U/∂ρ)/(Tρ), (G,)
    energy: NDArray[np.float64]  # U/T, (G,)

    @property
    def matrix(self) -> sparse.csc_array:
        """M^{−½}(ΣDᵀWD + M·bend)M^{−½}: symmetric, of no negative part but that of the bend."""
        root = 1 / np.sqrt(self.mass)
        total = sparse.diags_array(self.bend).tocsr()
        for difference, weight, _ in self.faces:
            scaled = sparse.diags_array(np.sqrt(weight)) @ difference @ sparse.diags_array(root)
            total = total + scaled.T @ scaled
        return sparse.csc_array(total)

    def heating(self, modes: NDArray[np.float64], levels: NDArray[np.float64]) -> NDArray:
        """The derivatives of the levels of βU/T in β at β = 1, (K,).

        Args:
            modes: g, with Σ mass · g² = 1, (G, K).
            levels: (K,).
        """
        total = self.mass * self.bend @ modes**2
        total = total - (self.mass * self.bend * self.energy) @ modes**2
        total = total + levels * ((self.mass * self.energy) @ modes**2)
        for difference, weight, energy in self.faces:
            total = total - (weight * energy) @ (difference @ modes) ** 2
        return total


def radial_operator(grid: RadialGrid, *, n_axes: int, degree: int, cut: float) -> RadialOperator:
    """The operator of angular momentum l.

    A state is f = g(z∥, ρ)Y(z⊥) with Y a harmonic polynomial of degree l. As Y is harmonic and
    homogeneous, ∫∣∇f∣²p = ∫(∣∇g∣² + g² ∇U·∇Y/(TY))Y²p by parts, and ∇U·∇Y/Y = l(∂U/∂ρ)/ρ. So
    there is no singular term, and g is smooth and even in ρ. Derivatives are taken between the
    nodes, to order 6: the form is a sum of squares, and 0 for a constant g at l = 0, whatever U
    is. Sums over nodes are exact to that order in smooth g, at the axis by corrected weights.

    Args:
        grid: Energies.
        n_axes: m, the dimension of z⊥.
        degree: l.
        cut: Nodes are kept where the weight w is above e^{−cut} of its greatest.
    """
    power = n_axes + 2 * degree - 1
    radius = grid.axes[-1]
    h = grid.spacing
    steps = np.arange(len(radius))
    # In units of the greatest radius: high powers stay in range.
    top = len(radius)
    at_nodes = ((steps + 0.5) / top) ** power + _corrections(power, top, nodes=True)
    at_faces = (steps[1:] / top) ** power + _corrections(power, top, nodes=False)
    with np.errstate(divide="ignore"):
        log_weight = power * np.log((steps + 0.5) / top) - grid.energy
    kept = log_weight >= log_weight.max() - cut
    index = np.full(kept.shape, -1, dtype=np.int64)
    index[kept] = np.arange(int(kept.sum()))
    log_weight = np.where(kept, log_weight, -np.inf)
    mass = at_nodes * np.exp(-grid.energy)
    faces = []
    last = kept.ndim - 1
    for axis, energy in enumerate(grid.face_energies):
        weight = (at_faces if axis == last else at_nodes) * np.exp(-energy)
        faces.append(
            _axis_faces(index, weight, energy, axis, h, log_weight, mirrored=axis == last)
        )
    return RadialOperator(
        kept=kept,
        mass=mass[kept],
        faces=faces,
        bend=degree * grid.pull[kept],
        energy=grid.energy[kept],
    )


def _axis_faces(
    index: NDArray[np.int64],
    weight: NDArray[np.float64],
    energy: NDArray[np.float64],
    axis: int,
    spacing: float,
    log_weight: NDArray[np.float64],
    *,
    mirrored: bool,
) -> tuple[sparse.csr_array, NDArray[np.float64], NDArray[np.float64]]:
    """Differences along an axis, and the weight and energy of each face between two nodes."""
    place = np.moveaxis(index, axis, 0)  # (n, …)
    n_nodes = int(index.max()) + 1
    pad = np.full((3, *place.shape[1:]), -1, dtype=np.int64)
    # Even in ρ: behind the axis stand the same values once more.
    before = place[2::-1] if mirrored else pad
    if mirrored and len(place) < 3:
        before = np.concatenate([pad[: 3 - len(place)], place[::-1]])
    padded = np.concatenate([before, place, pad])
    n_faces = len(place) - 1
    ahead = [padded[4 + k : 4 + k + n_faces] for k in range(3)]  # the nodes after a face
    behind = [padded[3 - k : 3 - k + n_faces] for k in range(3)]
    whole = [(ahead[k] >= 0) & (behind[k] >= 0) for k in range(3)]
    # A node that weighs nothing beside its neighbours would be free to cancel their differences.
    weights = np.concatenate([log_weight[index >= 0], [-np.inf]])
    heavy = np.maximum(weights[ahead[0]], weights[behind[0]]) - _LIGHTEST
    for k in (1, 2):
        whole[k] &= np.minimum(weights[ahead[k]], weights[behind[k]]) > heavy
    reach = whole[0].astype(int)
    reach += whole[0] & whole[1]
    reach += whole[0] & whole[1] & whole[2]
    used = reach > 0
    number = np.full(used.shape, -1, dtype=np.int64)
    number[used] = np.arange(int(used.sum()))
    rows, columns, values = [], [], []
    for order, coefficients in _DIFFERENCES.items():
        here = reach == order
        for k, value in enumerate(coefficients / spacing):
            rows += [number[here], number[here]]
            columns += [ahead[k][here], behind[k][here]]
            values += [np.full(int(here.sum()), value), np.full(int(here.sum()), -value)]
    difference = sparse.csr_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))),
        shape=(int(used.sum()), n_nodes),
    )
    of_face = [np.moveaxis(part, axis, 0)[used] for part in (weight, energy)]
    return difference, of_face[0], of_face[1]


def _corrections(power: int, top: int, *, nodes: bool) -> NDArray[np.float64]:
    """What is added to ρ^a at the first three nodes or faces, in units of the greatest radius.

    Σ_j (j + x)^a G((j + x)²) exceeds the integral by Σ_k G_k ζ(−a − 2k, x), x = ½ at nodes and
    x = 1 at faces, where G begins with ρ² as g is even. For even a these vanish.

    References:
        Navot, An extension of the Euler–Maclaurin summation formula to functions with a branch
        singularity, J. Math. Phys. 40 (1961).
    """
    corrections = np.zeros(top if nodes else top - 1)
    if power % 2 == 0 or power > _CORRECTED or len(corrections) < 3:
        return corrections
    places = np.arange(3) + (0.5 if nodes else 1.0)
    first = 0 if nodes else 2
    exponents = first + 2 * np.arange(3)
    excess = np.array([_zeta(power + int(e), 0.5 if nodes else 1.0) for e in exponents])
    corrections[:3] = np.linalg.solve(places ** exponents[:, None], -excess) / float(top) ** power
    return corrections


def _zeta(n: int, x: float) -> float:
    """Hurwitz's ζ(−n, x) = −B_{n+1}(x)/(n + 1)."""
    numbers = bernoulli(n + 1)
    k = np.arange(n + 2)
    return float(-(comb(n + 1, k) * numbers * x ** (n + 1 - k)).sum() / (n + 1))
