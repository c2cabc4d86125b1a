"""A Gaussian mixed with Student distributions at modes, to draw from in place of a tilt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .tilt import Tilt

__all__ = ["Mixture", "adapted_mixture"]

# Heavy tails: a well is wider than the parabola at its bottom.
_DOF = 4
_N_STARTS = 128
_N_DESCENTS = 150
_PILOT = 4096
_ENTRIES = 1 << 21  # of matrices held at once when drawing
_BASE_WEIGHT = 0.1  # at least: it bounds the weights by e^{−min E}/0.1 wherever E is bounded


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mixture:
    """Σₖ αₖ qₖ for each of b data: q₀ a Gaussian, the others multivariate Student with 4 degrees.

    References:
        Owen & Zhou, Safe and effective importance sampling, J. Amer. Stat. Assoc. 95 (2000);
        Cappé et al., Adaptive importance sampling in general mixture classes, Stat. Comput. 18
        (2008), for the weights.
    """

    loc: Tensor  # (b, K, d)
    scale_tril: Tensor  # (b, K, d, d)
    log_weight: Tensor  # (b, K)

    def sample(self, n: int, generator: torch.Generator | None) -> Tensor:
        """N draws for each datum, shape (n, b, d)."""
        b, n_components, d = self.loc.shape
        device = self.loc.device if generator is None else generator.device
        draw = {"generator": generator, "device": device, "dtype": self.loc.dtype}
        noise = torch.randn(n, b, d, **draw).to(self.loc.device)
        stretch = torch.randn(n, b, _DOF, **draw).square().mean(dim=-1).rsqrt().to(noise.device)
        levels = torch.rand(n, b, **draw).to(self.loc.device)
        cumulated = self.log_weight.exp().cumsum(dim=1)  # (b, K)
        k = (levels[..., None] > cumulated).sum(dim=-1).clamp(max=n_components - 1)  # (n, b)
        noise = torch.where(k[..., None] > 0, noise * stretch[..., None], noise)
        data = torch.arange(b, device=self.loc.device)
        # A matrix for every draw: not for all of them at once.
        shifts = [
            torch.einsum("nbij,nbj->nbi", self.scale_tril[data, own], noises)
            for own, noises in zip(
                *(part.split(max(1, _ENTRIES // (b * d * d))) for part in (k, noise)), strict=True
            )
        ]
        return self.loc[data, k] + torch.cat(shifts)

    def log_components(self, z: Tensor) -> Tensor:
        """Log αₖqₖ at z (n, b, d), shape (n, b, K)."""
        d = z.shape[-1]
        whitening = torch.linalg.inv(self.scale_tril)  # (b, K, d, d)
        centers = torch.einsum("bkij,bkj->bki", whitening, self.loc)
        # Products before differences: one matrix product for all codes, twenty times faster.
        away = torch.einsum("bkij,nbj->nbki", whitening, z) - centers
        sq_dist = away.square().sum(dim=-1)  # (n, b, K)
        log_det = self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)  # (b, K)
        gaussian = -0.5 * sq_dist[..., :1] - 0.5 * d * math.log(2 * math.pi)
        student = -0.5 * (_DOF + d) * (sq_dist[..., 1:] / _DOF).log1p() + (
            math.lgamma((_DOF + d) / 2)
            - math.lgamma(_DOF / 2)
            - 0.5 * d * math.log(math.pi * _DOF)
        )
        return torch.cat([gaussian, student], dim=-1) - log_det + self.log_weight

    def log_density(self, z: Tensor) -> Tensor:
        """Log q at z (n, b, d), shape (n, b)."""
        return self.log_components(z).logsumexp(dim=-1)


def adapted_mixture(tilt: Tilt, generator: torch.Generator) -> Mixture:
    """The Gaussian of the tilt and a Student at each mode, weighted to lie close to the tilt.

    The modes are found by descent from the wells that are deepest and, where the energy is not
    one of wells, from draws; the Students have the curvature there; two rounds of EM against
    weighted draws set the mixture's weights.

    Args:
        tilt: The density to come close to.
        generator: For the starts and the draws.
    """
    modes = _distinct(_descend(tilt, _starts(tilt, generator)), 0.2 * tilt.scale)  # (b, K − 1, d)
    identity = torch.eye(tilt.latent_dim, dtype=modes.dtype, device=modes.device)
    values, vectors = torch.linalg.eigh(_hessians(tilt, modes))  # (b, K − 1, d)
    # A direction that is flat or falls, as far as E goes, is no wider than twice the Gaussian.
    values = values.clamp(min=0.25 / tilt.scale**2)
    tril = torch.linalg.cholesky(vectors @ (vectors.mT / values[..., None]))
    base = (tilt.scale * identity).expand(tilt.n_data, 1, -1, -1)
    n_components = modes.shape[1] + 1
    mixture = Mixture(
        loc=torch.cat([tilt.loc[:, None], modes], dim=1),
        scale_tril=torch.cat([base, tril], dim=1),
        log_weight=tilt.loc.new_full((tilt.n_data, n_components), -math.log(n_components)),
    )
    for _ in range(2):
        mixture = _reweighted(mixture, tilt, generator)
    return mixture


def _starts(tilt: Tilt, generator: torch.Generator) -> Tensor:
    """Where descents begin, (b, K, d): thinned wells, and draws where there is more than wells."""
    digs = tilt.depths > 0
    centers, widths = tilt.centers[digs], tilt.widths[digs]
    kept: list[int] = []
    if len(centers):
        # Of wells within a width of a deeper place only the deepest is kept.
        deepest_first = tilt.log_density(centers[:, None]).amax(dim=1).argsort(descending=True)
        for i in deepest_first.tolist():
            if len(kept) < _N_STARTS and all(
                (centers[i] - centers[j]).norm() > widths[i] for j in kept
            ):
                kept.append(i)
    starts = centers[kept].expand(tilt.n_data, -1, -1)  # (b, K, d)
    if tilt.terms:
        shape = (tilt.n_data, 16, tilt.latent_dim)
        noise = torch.randn(shape, generator=generator, dtype=torch.float64)
        draws = tilt.loc[:, None] + 1.5 * tilt.scale * noise.to(tilt.loc.device)
        starts = torch.cat([starts, draws], dim=1)
    return starts


def _descend(tilt: Tilt, starts: Tensor) -> Tensor:
    """The starts after a descent of −log density by Adam, (b, K, d)."""
    z = starts.transpose(0, 1).clone()  # (K, b, d)
    optimizer = torch.optim.Adam([z], lr=0.1 * tilt.scale)
    for step in range(_N_DESCENTS):
        z.grad = _gradient(tilt, z)
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * tilt.scale * (1 - step / _N_DESCENTS)
        optimizer.step()
    return z.transpose(0, 1)


def _distinct(modes: Tensor, distance: float) -> Tensor:
    """The modes without those that, for every datum, lie at an earlier one, (b, K', d)."""
    near = torch.cdist(modes, modes) < distance  # (b, K, K)
    kept: list[int] = []
    for k in range(modes.shape[1]):
        if not near[:, k, kept].any(dim=1).all():
            kept.append(k)
    return modes[:, kept]


def _gradient(tilt: Tilt, z: Tensor) -> Tensor:
    """The gradient of −log density at z (n, b, d)."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        # The sum over codes: each gradient depends on its own code alone. Not `backward`, which
        # would leave gradients on the potential's weights.
        return torch.autograd.grad(-tilt.log_density(z).sum(), z)[0]


def _hessians(tilt: Tilt, modes: Tensor) -> Tensor:
    """The second derivatives of −log density at the modes, (b, K, d, d), by differences.

    Not by autograd: many an operation has no second derivative there.
    """
    z = modes.transpose(0, 1)  # (K, b, d)
    step = tilt.scale * tilt.rounding ** (1 / 3)
    rows = []
    for axis in torch.eye(tilt.latent_dim, dtype=z.dtype, device=z.device):
        ahead, behind = _gradient(tilt, z + step * axis), _gradient(tilt, z - step * axis)
        rows.append((ahead - behind) / (2 * step))
    hessian = torch.stack(rows, dim=-2).transpose(0, 1)
    return 0.5 * (hessian + hessian.mT)


def _reweighted(mixture: Mixture, tilt: Tilt, generator: torch.Generator) -> Mixture:
    """One step of EM on the weights, towards the smallest divergence from the tilt."""
    z = mixture.sample(_PILOT, generator)
    components = mixture.log_components(z)  # (n, b, K)
    log_q = components.logsumexp(dim=-1)  # (n, b)
    shares = (tilt.log_density(z) - log_q).softmax(dim=0)  # (n, b)
    weight = (shares[..., None] * (components - log_q[..., None]).exp()).sum(dim=0)  # (b, K)
    # A floor for all: a narrow mode that the pilot missed would come back as one huge weight.
    weight = weight.clamp(min=0.1 / weight.shape[1])
    weight[:, 0] = weight[:, 0].clamp(min=_BASE_WEIGHT)
    log_weight = (weight / weight.sum(dim=1, keepdim=True)).log()
    return Mixture(loc=mixture.loc, scale_tril=mixture.scale_tril, log_weight=log_weight)
