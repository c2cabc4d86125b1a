"""The prior tilted by any one-body potential, as a distribution of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, Independent, Normal, constraints, kl_divergence
from torch.distributions.kl import register_kl

from topopert.hamiltonian.potentials.potential import compute_dtype

from .tilt import Tilt
from .tilt_solution import SamplingReport, TiltSolution

__all__ = ["TiltedPrior"]


class TiltedPrior(Distribution):
    """p_λ ∝ e^{−λV} p₀ for a potential that is more than a spring, of event shape (d,).

    Everything but one number per datum is in closed form. That number, and what is needed to draw,
    is found when it is first used and kept: a prior that is only drawn from needs no constant.

    The gradient of `log_prob` with respect to the codes is exact. The constant carries no gradient
    to a potential's weights or to anchors.

    Args:
        tilt: The density, up to its constant.
        log_quadratic: log ∫ of the quadratic part of e^{−λV} under p₀, shape (b,), in nats.
        batch_shape: () if b = 1 stands for no batch, else (b,).
        dtype: Type of the draws.
        validate_args: Whether arguments are checked, as in every torch distribution.
    """

    # Plain class attributes, as in every torch distribution; its stubs say properties.
    arg_constraints = {}  # noqa: RUF012  # pyright: ignore
    support = constraints.real_vector  # pyright: ignore
    has_rsample = False

    def __init__(
        self,
        tilt: Tilt,
        log_quadratic: Tensor,
        *,
        batch_shape: Sequence[int],
        dtype: torch.dtype,
        validate_args: bool | None = None,
    ) -> None:
        self._tilt = tilt
        self._log_quadratic = log_quadratic
        self._solution = TiltSolution(tilt)
        self._dtype = dtype
        super().__init__(Size(batch_shape), Size((tilt.latent_dim,)), validate_args=validate_args)

    @property
    def log_normalizer(self) -> Tensor:
        """log(Z_λ/Z₀) of each datum, shape (...), double precision, in nats."""
        return self._over_batch(self._log_quadratic + self._solution.constant.value)

    @property
    def log_normalizer_error(self) -> Tensor:
        """Error of `log_normalizer`, shape (...), in nats.

        In d ≤ 3 the bound that the cubature counts; above, the standard error of a fixed-seed
        importance-sampling estimate.
        """
        return self._over_batch(self._solution.constant.error)

    @property
    def sampling(self) -> SamplingReport:
        """How `sample` draws: the method, its acceptance, its distance from the prior."""
        return self._solution.sampling

    def log_prob(self, value: Tensor) -> Tensor:
        """Log p_λ at the codes, shape (...), in nats; −∞ where a coordinate is infinite.

        Args:
            value: Codes, shape (..., d), broadcast against the batch shape.
        """
        if self._validate_args:
            self._validate_sample(value)
        shape = torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        z = value.expand(*shape, -1).reshape(-1, self._tilt.n_data, self._tilt.latent_dim).double()
        # The surface is ∞ − ∞ there; it confines, or there would be no constant.
        beyond = z.isinf().any(dim=-1) & ~z.isnan().any(dim=-1)
        inside = z.masked_fill(beyond[..., None], 0.0)
        log_prob = self._tilt.log_density(inside) - self._solution.constant.value  # (n, b)
        log_prob = log_prob.masked_fill(beyond, -math.inf)
        return log_prob.reshape(shape).to(compute_dtype(value.dtype))

    # Torch calls the first argument `sample_shape`, and always passes it by position.
    def sample(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, shape: Sequence[int] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Draws, shape (*shape, ..., d); how, `sampling` says.

        Args:
            shape: How many draws, as in every torch distribution.
            generator: The stream to draw from; None takes torch's global one.
        """
        n_data = self._tilt.n_data
        full = (*shape, *self.batch_shape)
        draws = self._solution.sample(math.prod(full) // n_data, generator)  # (n, b, d)
        return draws.reshape(*full, self._tilt.latent_dim).to(self._dtype)

    def expand(self, batch_shape: Sequence[int], _instance: None = None) -> TiltedPrior:
        """The same distribution over a larger batch shape; what is known of it is shared."""
        new = TiltedPrior(
            self._tilt,
            self._log_quadratic,
            batch_shape=torch.broadcast_shapes(self.batch_shape, batch_shape),
            dtype=self._dtype,
            validate_args=self._validate_args,
        )
        new._solution = self._solution
        return new

    def __repr__(self) -> str:
        return (
            f"TiltedPrior(batch_shape={tuple(self.batch_shape)}, latent_dim={self.event_shape[0]})"
        )

    def _over_batch(self, values: Tensor) -> Tensor:
        values = values.reshape(()) if self._tilt.n_data == 1 else values
        return values.expand(self.batch_shape)


# Torch's own way to teach `kl_divergence` a class; no pair of torch's classes is touched.
@register_kl(Independent, TiltedPrior)
def _kl_independent_tilted(q: Independent, p: TiltedPrior) -> Tensor:
    """KL(q‖p_λ) = KL(q‖p₀) + λE_q[V] + log(Z_λ/Z₀), the springs taken together with p₀."""
    if not isinstance(q.base_dist, Normal) or q.reinterpreted_batch_ndims != 1:
        raise NotImplementedError  # torch's way to say that the pair has no closed form
    tilt = p._tilt
    shape = (*torch.broadcast_shapes(q.batch_shape, p.batch_shape), tilt.latent_dim)
    mean, scale = (
        t.expand(shape).reshape(-1, tilt.n_data, tilt.latent_dim).double()
        for t in (q.base_dist.loc, q.base_dist.scale)
    )
    gaussian = Normal(tilt.loc, tilt.scale)
    from_gaussian = kl_divergence(Normal(mean, scale), gaussian).sum(dim=-1)  # (n, b)
    energy = tilt.expectation(mean, 2 * scale.log())
    divergence = from_gaussian + energy + p._solution.constant.value
    return divergence.reshape(shape[:-1]).to(q.base_dist.loc.dtype)
