"""On how many directions a tilted surface really depends."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from topopert.hamiltonian.potentials.quadrature import GaussHermite, QuasiMonteCarlo
from topopert.hamiltonian.surfaces import TiltedSurface

__all__ = ["Subspace", "active_subspace", "axis_subspace", "terms_energy"]

# Relative sizes that count as 0 where a potential computes in double precision, and in single.
_NULL = {torch.float64: 1e-9}
_NULL_SINGLE = 3e-5
_NULL_CENTERS = 1e-6  # wells keep their centres in single precision, unless told otherwise
# Draws of the prior, and the same twice as far out.
_STRETCHES = (1.0, 2.0)
_PER_UNKNOWN = 4
_HERMITE_NODES = (1, 48, 24)  # along each axis of a space of rank 1, 2, 3
# Beyond, rotations are not looked for: there are d(d − 1)/2.
_MAX_ROTATION_DIM = 24


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subspace:
    """Orthonormal bases of a space and its complement."""

    parallel: Tensor  # (d, r)
    complement: Tensor  # (d, d − r)

    @property
    def rank(self) -> int:
        """Dimension r."""
        return self.parallel.shape[1]


def active_subspace(surface: TiltedSurface) -> Subspace | None:
    """The least space S with V(z) = V(Pz), P the projector on S, for a surface without wells.

    It is the range of E[∇V ∇Vᵀ] over fixed draws; that V depends on nothing else is then checked
    on others.

    Returns:
        None if the check fails: V bends where no draw was.
    """
    d = surface.latent_dim
    z = _draws(surface, 2 * _PER_UNKNOWN * d)
    space = _split(_terms_gradient(surface, z), _null(surface))
    fresh = _fresh(surface, d)
    flat = fresh @ space.parallel @ space.parallel.T
    if not _equal(surface, fresh, flat):
        return None
    return Subspace(parallel=_canonical(surface, space.parallel), complement=space.complement)


def _canonical(surface: TiltedSurface, basis: Tensor) -> Tensor:
    """The principal axes of E₀[∇V ∇Vᵀ] within a space: they turn with V, so that levels do not."""
    rank = basis.shape[1]
    if not 1 < rank <= len(_HERMITE_NODES):
        return basis
    nodes, weights = GaussHermite(_HERMITE_NODES[rank - 1]).nodes(1, rank)
    nodes, weights = nodes[:, 0].to(basis.device), weights.to(basis.device)
    slope = _terms_gradient(surface, nodes @ basis.T) @ basis
    return basis @ torch.linalg.eigh(slope.T @ (weights[:, None] * slope)).eigenvectors


def axis_subspace(surface: TiltedSurface) -> Subspace | None:
    """The least space S found such that U depends on Pz and ∣z − Pz∣ alone.

    Wells bring the span of their centres: off it they depend on the distance only, and do depend
    on it, for their widths are finite. For other terms the infinitesimal rotations A with
    (Az)·∇V = 0 everywhere are sought; those of the complement of S must be all of them.

    Returns:
        None if the terms allow no such space.
    """
    d = surface.latent_dim
    own = surface.centers.detach().new_zeros(0, d)
    if surface.terms:
        fixed = _fixed_axes(surface)
        if fixed is None:
            return None
        own = fixed.T
    centers = surface.centers.detach()[surface.depths.detach() != 0]
    if len(centers):
        centers = centers / centers.norm(dim=1).amax().clamp(min=1e-300)
    return _split(torch.cat([centers, own]), _NULL_CENTERS)


def terms_energy(surface: TiltedSurface, z: Tensor) -> Tensor:
    """λV of the terms that are not wells, (B,)."""
    total = z.new_zeros(len(z))
    for term in surface.terms:
        total = total + term.factor * term.potential(z.to(term.dtype)).to(z.dtype)
    return total


def _fixed_axes(surface: TiltedSurface) -> Tensor | None:
    """The axes (d, r) that no rotation which leaves the terms as they are moves."""
    d = surface.latent_dim
    active = active_subspace(surface)
    if d > _MAX_ROTATION_DIM:
        return None if active is None else active.parallel
    a, b = torch.triu_indices(d, d, offset=1, device=surface.device)
    z = _draws(surface, _PER_UNKNOWN * len(a))
    slope = _terms_gradient(surface, z)
    turned = z[:, a] * slope[:, b] - z[:, b] * slope[:, a]  # ∇V · A_ab z, (n, d(d − 1)/2)
    size = float((z.square().sum(dim=1) * slope.square().sum(dim=1)).sum().sqrt())
    still = _split(turned, _null(surface), size).complement  # coefficients of rotations, (·, q)
    moved = torch.zeros(d, d, dtype=z.dtype, device=z.device)
    for coefficients in still.T:
        rotation = torch.zeros_like(moved)
        rotation[a, b], rotation[b, a] = coefficients, -coefficients
        moved += rotation @ rotation.T
    space = _split(moved, 1e-6)  # its `parallel` is what the rotations move
    m = space.rank
    fixed, moving = space.complement, space.parallel
    # A product of rotations of smaller spaces is not the rotations of all of their sum.
    whole = still.shape[1] == m * (m - 1) // 2
    fresh = _fresh(surface, d)
    draw = torch.randn(m, m, dtype=z.dtype, generator=torch.Generator().manual_seed(1))
    turn = torch.linalg.qr(draw.to(z.device)).Q if m else draw.to(z.device)
    rotated = fresh @ (fixed @ fixed.T) + fresh @ moving @ turn @ moving.T
    if whole and m > 1 and _equal(surface, fresh, rotated):
        return fixed
    return None if active is None else active.parallel


def _split(rows: Tensor, null: float, size: float = 0.0) -> Subspace:
    """The span of rows (n, d) and the rest.

    Singular values below `null`, relative to the greatest or to a size that is given, are 0.
    """
    d = rows.shape[1]
    eye = torch.eye(d, dtype=rows.dtype, device=rows.device)
    # Zero rows make the right singular vectors complete.
    _, values, vectors = torch.linalg.svd(torch.cat([rows, 0 * eye]), full_matrices=False)
    rank = int((values > null * max(float(values[0]), size)).sum())
    if rank == 0:
        return Subspace(parallel=eye[:, :0], complement=eye)
    return Subspace(parallel=vectors[:rank].T, complement=vectors[rank:].T)


def _terms_gradient(surface: TiltedSurface, z: Tensor) -> Tensor:
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        total = terms_energy(surface, z).sum()
        if not total.requires_grad:
            return torch.zeros_like(z)
        (slope,) = torch.autograd.grad(total, z, allow_unused=True)
    return torch.zeros_like(z) if slope is None else slope.detach()


def _draws(surface: TiltedSurface, n: int) -> Tensor:
    """Fixed draws of the prior, evenly spread, some further out, (n', d)."""
    d = surface.latent_dim
    n_nodes = 1 << max(7, (n - 1).bit_length(), (4 * d - 1).bit_length())
    nodes = QuasiMonteCarlo(n_nodes).nodes(1, d)[0][:, 0].to(surface.device)
    return torch.cat([stretch * nodes for stretch in _STRETCHES])


def _fresh(surface: TiltedSurface, d: int) -> Tensor:
    stream = torch.Generator().manual_seed(2)
    return 1.5 * torch.randn(512, d, dtype=torch.float64, generator=stream).to(surface.device)


def _equal(surface: TiltedSurface, z: Tensor, other: Tensor) -> bool:
    """Whether V is the same to rounding."""
    with torch.no_grad():
        one, two = terms_energy(surface, z), terms_energy(surface, other)
    return bool(((one - two).abs() <= _null(surface) * (1 + one.abs().max())).all())


def _null(surface: TiltedSurface) -> float:
    return max((_NULL.get(term.dtype, _NULL_SINGLE) for term in surface.terms), default=1e-9)
