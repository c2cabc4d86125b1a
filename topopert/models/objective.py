"""The two terms of −ELBO, per sample and in nats, and the reparameterised draw between them."""

from __future__ import annotations

from torch import Tensor

__all__ = ["gaussian_reconstruction", "kl_divergence", "reparameterize"]


def kl_divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(μ, diag σ²) ‖ N(0, I)) = ½ Σ(μ² + σ² − 1 − log σ²), shape (B,), in nats.

    Args:
        mean: μ, shape (B, d).
        logvar: log σ², shape (B, d).
    """
    return 0.5 * (mean.square() + logvar.exp() - 1 - logvar).sum(dim=-1)


def gaussian_reconstruction(x: Tensor, decoded: Tensor, noise_variance: float) -> Tensor:
    """Σ∣x − x̂∣²/2σ², shape (B,), in nats without the constant ½D log 2πσ².

    Args:
        x: Data, shape (B, D).
        decoded: Reconstruction x̂, shape (B, D).
        noise_variance: σ² of the decoder, in squared units of the data.
    """
    return (x - decoded).square().sum(dim=-1) / (2 * noise_variance)


def reparameterize(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """μ + σ·noise: a draw from the posterior if the noise is standard normal, shape (B, d).

    The noise is an argument because `Distribution.rsample` takes no generator: the caller draws it
    from a stream that is known.
    """
    return mean + (0.5 * logvar).exp() * noise
