"""The terms of −ELBO, per sample and in nats, and the reparameterised draw between them."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

__all__ = [
    "LIKELIHOODS",
    "Decoded",
    "gaussian_reconstruction",
    "kl_divergence",
    "log_scale",
    "reconstruction",
    "reparameterize",
]

LIKELIHOODS = ("gaussian", "bernoulli")

# What a decoder answers: x̂, or x̂ and the logarithm of a learned variance; logits for Bernoulli.
Decoded = Tensor | tuple[Tensor, Tensor]


def kl_divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(μ, diag σ²) ‖ N(0, I)) = ½ Σ(μ² + σ² − 1 − log σ²), shape (B,), in nats.

    Args:
        mean: μ, shape (B, d).
        logvar: log σ², shape (B, d).

    Examples:
        >>> import torch
        >>> kl_divergence(torch.tensor([[0.0, 2.0]]), torch.zeros(1, 2))
        tensor([2.])
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


def reconstruction(
    x: Tensor, decoded: Decoded, *, likelihood: str, noise_variance: float
) -> Tensor:
    """The misfit of a decoder's answer, shape (B,), in nats without constants.

    Σ∣x − x̂∣²/2σ² for a Gaussian likelihood, with the learned variances where the decoder gives
    some; −Σ(x log p + (1 − x) log(1 − p)) for a Bernoulli one.

    Args:
        x: Data, shape (B, D).
        decoded: x̂, shape (B, D); or x̂ and log σ², each (B, D); or the logits of p, (B, D).
        likelihood: One of `LIKELIHOODS`.
        noise_variance: σ² where none is learned, in squared units of the data.
    """
    if isinstance(decoded, tuple):
        values, logvar = decoded
        return 0.5 * ((x - values).square() * (-logvar).exp()).sum(dim=-1)
    if likelihood == "bernoulli":
        return binary_cross_entropy_with_logits(decoded, x, reduction="none").sum(dim=-1)
    return gaussian_reconstruction(x, decoded, noise_variance)


def log_scale(decoded: Decoded) -> Tensor | float:
    """½ Σ log σ² of a learned variance, shape (B,), in nats: 0 where none is learned.

    The reconstruction and this make up the negative log-likelihood, but for ½D log 2π.

    Args:
        decoded: What the decoder answers.
    """
    return 0.5 * decoded[1].sum(dim=-1) if isinstance(decoded, tuple) else 0.0


def reparameterize(mean: Tensor, logvar: Tensor, noise: Tensor) -> Tensor:
    """μ + σ·noise: a draw from the posterior if the noise is standard normal, shape (B, d).

    The noise is an argument because `Distribution.rsample` takes no generator: the caller draws it
    from a stream that is known.
    """
    return mean + (0.5 * logvar).exp() * noise
