"""U = −log of a mixture of Gaussians: the surface of an aggregated posterior."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .surface import Derivatives, EnergySurface, Features, row_blocks

__all__ = ["MixtureSurface"]

# Rows times components that are worked on at once, 4 MB in double precision: blocks of 16 MB are
# no faster, and leave the heap in such pieces that 20 000 components took 1.9 GB.
_BLOCK = 1 << 19
# Up to so many nodes times components a sum over all is faster than a window for each.
_COARSE = 1 << 22
# Beyond so many standard deviations a component adds less than 3e-20 of its own peak.
_REACH = 9.5


class MixtureSurface(EnergySurface):
    """U(z) = −log Σᵢ wᵢ N(z; mᵢ, Sᵢ), normalised: e^{−U} integrates to 1.

    Sums over components are exact, but on grids for full covariances: there each component is cut
    off at 9.5 standard deviations, 3e-20 of its peak, and U is +∞ where none reaches.

    Args:
        means: mᵢ, shape (N, d), double precision.
        covariances: Variances (N, d) of diagonal Sᵢ, or full matrices (N, d, d), positive.
        weights: wᵢ, shape (N,), positive with sum 1; None means 1/N.
    """

    features_are_complete = True

    def __init__(self, means: Tensor, covariances: Tensor, weights: Tensor | None = None) -> None:
        self.latent_dim = means.shape[1]
        self.means, self.covariances = means, covariances
        n = len(means)
        self.weights = means.new_full((n,), 1.0 / n) if weights is None else weights
        # Quadratic forms are expanded into matrix products; about the centre they lose no digits.
        self._center = means.detach().mean(dim=0)
        shifted = means - self._center
        if covariances.ndim == 2:
            self._precision = covariances.reciprocal()  # (N, d)
            self._pull = shifted * self._precision  # Sᵢ⁻¹mᵢ, (N, d)
            self._forms = self._precision
            log_det = covariances.log().sum(dim=1)
        else:
            factor = torch.linalg.cholesky(covariances)
            self._precision = torch.cholesky_inverse(factor)  # (N, d, d)
            self._pull = (self._precision @ shifted[..., None]).squeeze(-1)
            a, b = torch.triu_indices(self.latent_dim, self.latent_dim)
            # Off-diagonal products stand for two.
            self._forms = self._precision[:, a, b] * torch.where(a == b, 1.0, 2.0)
            log_det = 2 * factor.diagonal(dim1=1, dim2=2).log().sum(dim=1)
        self._offset = (
            self.weights.log()
            - 0.5 * (shifted * self._pull).sum(dim=1)
            - 0.5 * log_det
            - 0.5 * self.latent_dim * math.log(2 * math.pi)
        )  # (N,)

    @property
    def n_components(self) -> int:
        """Number N of Gaussians."""
        return len(self.means)

    @property
    def device(self) -> torch.device:
        """Where the mixture's tensors are."""
        return self.means.device

    @property
    def standard_deviations(self) -> Tensor:
        """Of each component along each axis, detached, (N, d)."""
        variances = self.covariances.detach()
        if variances.ndim == 3:
            variances = variances.diagonal(dim1=1, dim2=2)
        return variances.sqrt()

    @property
    def features(self) -> Features:
        """The components: their means and standard deviations."""
        return Features(centers=self.means.detach(), widths=self.standard_deviations)

    def log_components(self, z: Tensor) -> Tensor:
        """Log wᵢ N(z; mᵢ, Sᵢ), shape (B, N)."""
        z = z - self._center
        if self.covariances.ndim == 2:
            products = z.square()
        else:
            a, b = torch.triu_indices(self.latent_dim, self.latent_dim)
            products = z[:, a] * z[:, b]
        return torch.addmm(self._offset, z, self._pull.T) - 0.5 * products @ self._forms.T

    def energy(self, z: Tensor) -> Tensor:
        """−log q̄(z), shape (B,), in nats."""
        blocks = row_blocks(len(z), _BLOCK // self.n_components)
        return torch.cat([-self.log_components(z[rows]).logsumexp(dim=1) for rows in blocks])

    def responsibilities(self, z: Tensor) -> Tensor:
        """The share of each component in the density at z, (B, N), rows sum to 1."""
        return self.log_components(z).softmax(dim=1)

    @torch.no_grad()
    def energy_and_gradient(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """−log q̄ (B,) and its gradient (B, d) at z (B, d), in closed form."""
        energies, gradients = [], []
        for rows in row_blocks(len(z), _BLOCK // self.n_components):
            log_parts, here = self.log_components(z[rows]), z[rows] - self._center
            highest = log_parts.amax(dim=1, keepdim=True)
            # One exponential a component serves both; it is what takes the time.
            parts = (log_parts - highest).exp_()  # (b, N)
            total = parts.sum(dim=1, keepdim=True)
            if self.covariances.ndim == 2:
                slope = here * (parts @ self._precision)
            else:
                stiffness = torch.einsum("bn,nij->bij", parts, self._precision)
                slope = (stiffness @ here[..., None]).squeeze(-1)
            energies.append(-(highest + total.log()).squeeze(1))
            gradients.append((slope - parts @ self._pull) / total)
        return torch.cat(energies), torch.cat(gradients)

    @torch.no_grad()
    def derivatives(self, z: Tensor) -> Derivatives:
        """U, ∇U = g = Σᵢ rᵢsᵢ and ∇²U = Σᵢ rᵢ(Sᵢ⁻¹ − sᵢsᵢᵀ) + ggᵀ with sᵢ = Sᵢ⁻¹(z − mᵢ)."""
        d = self.latent_dim
        energies, gradients, hessians = [], [], []
        for rows in row_blocks(len(z), _BLOCK // (self.n_components * d)):
            log_parts = self.log_components(z[rows])
            energies.append(-log_parts.logsumexp(dim=1))
            shares = log_parts.softmax(dim=1)  # (b, N)
            here = z[rows] - self._center
            if self.covariances.ndim == 2:
                scores = here[:, None] * self._precision - self._pull  # (b, N, d)
                stiffness = torch.diag_embed(shares @ self._precision)
            else:
                scores = torch.einsum("nij,bj->bni", self._precision, here) - self._pull
                stiffness = (shares @ self._precision.flatten(1)).unflatten(1, (d, d))
            weighted = scores * shares[..., None]
            slope = weighted.sum(dim=1)  # (b, d)
            gradients.append(slope)
            spread = weighted.mT @ scores  # (b, d, d)
            hessian = stiffness - spread + slope[:, :, None] * slope[:, None]
            hessians.append(0.5 * (hessian + hessian.mT))
        return Derivatives(
            energy=torch.cat(energies), gradient=torch.cat(gradients), hessian=torch.cat(hessians)
        )

    @torch.no_grad()
    def on_grid(self, axes: list[Tensor]) -> Tensor:
        """−log q̄ on a rectangular grid, shape (n₁, …, n_d), in nats."""
        if self.covariances.ndim == 2:
            return -self._separable_density(axes).log()
        if math.prod(len(axis) for axis in axes) * self.n_components <= _COARSE:
            return super().on_grid(axes)
        return -self._windowed_density(axes).log()

    def _separable_density(self, axes: list[Tensor]) -> Tensor:
        """A Gaussian of diagonal covariance is a product: the sum of them is a matrix product."""
        lengths = [len(axis) for axis in axes]
        density = self.means.new_zeros(math.prod(lengths[:-1]), lengths[-1])
        for part in row_blocks(self.n_components, _BLOCK // max(lengths[-1], len(density))):
            factors = []
            for k, axis in enumerate(axes):
                sd = self.covariances[part, k, None].sqrt()
                away = (axis - self.means[part, k, None]) / sd  # (N, n_k)
                factors.append(torch.exp(-0.5 * away.square()) / (sd * math.sqrt(2 * math.pi)))
            rows = self.weights[None, part]  # (1, N)
            for factor in factors[:-1]:
                rows = (rows[:, None] * factor.T).flatten(0, 1)  # (rows · n_k, N)
            density.addmm_(rows, factors[-1])
        return density.reshape(lengths)

    def _windowed_density(self, axes: list[Tensor]) -> Tensor:
        """Each component is added where it reaches, so that the cost is that of its own nodes."""
        lengths = [len(axis) for axis in axes]
        density = self.means.new_zeros(lengths)
        peaks, means = self._peaks().tolist(), self.means.tolist()
        precision = (-0.5 * self._precision).tolist()  # numbers: indexing tensors takes longer
        reach = _REACH * self.standard_deviations
        begin, end = (
            torch.stack(
                [torch.searchsorted(x, m.contiguous()) for x, m in zip(axes, ends.T, strict=True)],
                dim=1,
            ).tolist()
            for ends in (self.means - reach, self.means + reach)
        )
        for i in range(self.n_components):
            window = tuple(slice(b, e) for b, e in zip(begin[i], end[i], strict=True))
            away = [x[w] - m for x, w, m in zip(axes, window, means[i], strict=True)]
            density[window].add_(_form(precision[i], away).exp_(), alpha=peaks[i])
        return density

    def _peaks(self) -> Tensor:
        """The density of each component at its mean, weighted, (N,)."""
        log_det = torch.linalg.slogdet(self.covariances)[1]
        return self.weights * torch.exp(-0.5 * (log_det + self.latent_dim * math.log(2 * math.pi)))

    def projected(self, basis: Tensor) -> MixtureSurface:
        """The exact marginal on a subspace, again a mixture.

        Args:
            basis: Orthonormal columns, shape (d, m).
        """
        means = self.means @ basis
        if self.covariances.ndim == 2:
            covariances = torch.einsum("ka,nk,kb->nab", basis, self.covariances, basis)
        else:
            covariances = basis.T @ self.covariances @ basis
        if basis.shape[1] == 1:
            covariances = covariances[:, :, 0]
        return MixtureSurface(means, covariances, self.weights)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        """Exact draws, shape (n, d)."""
        draw = {"generator": generator, "device": generator.device, "dtype": torch.float64}
        levels = torch.rand(n, **draw).to(self.device)
        chosen = torch.searchsorted(self.weights.cumsum(dim=0), levels)
        chosen = chosen.clamp(max=self.n_components - 1)
        noise = torch.randn(n, self.latent_dim, **draw).to(self.device)
        if self.covariances.ndim == 2:
            return self.means[chosen] + self.covariances[chosen].sqrt() * noise
        factor = torch.linalg.cholesky(self.covariances)[chosen]
        return self.means[chosen] + (factor @ noise[..., None]).squeeze(-1)


def _form(matrix: list[list[float]], away: list[Tensor]) -> Tensor:
    """xᵀMx on the grid of the coordinates, M symmetric, (n₁, …, n_d)."""
    *others, last = away
    *_, row = matrix[: len(away)]
    if not others:
        return row[0] * last.square()
    cross = torch.zeros((), dtype=last.dtype, device=last.device)
    for entry, x in zip(row, others, strict=False):
        cross = cross[..., None] + 2 * entry * x
    total = cross[..., None] + row[len(others)] * last
    return total.mul_(last).add_(_form(matrix, others)[..., None])
