"""The prior tilted by the external field: a Gaussian in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

__all__ = ["TiltedGaussian"]


class TiltedGaussian(Independent):
    """p_λ(z∣x) = N(λκT/(1+λκ), I/(1+λκ)), a distribution of event shape (d,).

    A `torch.distributions.Independent` of normals: densities, moments, entropy and
    `kl_divergence` with another one are exact, and `rsample` is differentiable in the anchors.

    Args:
        loc: λκT/(1+λκ), shape (..., d).
        scale: 1/√(1+λκ), positive, broadcast against loc.
        log_normalizer: log(Z_λ/Z₀), shape (...), in nats.
        validate_args: Whether arguments are checked, as in every torch distribution.
    """

    base_dist: Normal  # torch before 2.9 knows no Independent[Normal]

    def __init__(
        self,
        loc: Tensor,
        scale: Tensor,
        log_normalizer: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        normal = Normal(loc, scale.expand(loc.shape), validate_args=validate_args)
        super().__init__(normal, 1, validate_args=validate_args)
        self.log_normalizer = log_normalizer.expand(self.batch_shape)

    @property
    def log_normalizer_error(self) -> Tensor:
        """Error of `log_normalizer`: 0, as it is in closed form, shape (...)."""
        return torch.zeros_like(self.log_normalizer)

    # Torch calls the first argument `sample_shape`, and always passes it by position.
    def sample(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, shape: Sequence[int] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Draws without a gradient, shape (*shape, ..., d).

        Args:
            shape: How many draws, as in every torch distribution.
            generator: The stream to draw from; None takes torch's global one.
        """
        with torch.no_grad():
            return self.rsample(shape, generator)

    # Torch calls the first argument `sample_shape`, and always passes it by position.
    def rsample(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, shape: Sequence[int] = (), generator: torch.Generator | None = None
    ) -> Tensor:
        """Draws that carry the gradient of the anchors, shape (*shape, ..., d).

        Args:
            shape: How many draws.
            generator: The stream to draw from; None takes torch's global one.
        """
        loc, scale = self.base_dist.loc, self.base_dist.scale
        # Drawn where the generator lives, then moved: one seed, one noise, any device.
        device = loc.device if generator is None else generator.device
        noise = torch.randn(
            (*shape, *loc.shape), generator=generator, dtype=loc.dtype, device=device
        )
        return loc + scale * noise.to(loc.device)

    def expand(self, batch_shape: Sequence[int], _instance: None = None) -> TiltedGaussian:
        """The same distribution over a larger batch shape."""
        full = (*batch_shape, *self.event_shape)
        new = TiltedGaussian(
            self.base_dist.loc.expand(full),
            self.base_dist.scale.expand(full),
            self.log_normalizer.expand(batch_shape),
            validate_args=False,
        )
        new._validate_args = self._validate_args
        return new
