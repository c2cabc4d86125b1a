"""The reference VAE: a small multilayer perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from topopert._checks import check_count

__all__ = ["MLPVAE"]


class MLPVAE(nn.Module):
    """A VAE with perceptrons for encoder and decoder and a diagonal Gaussian posterior.

    Args:
        input_dim: Number of features D.
        latent_dim: Dimension d of the latent space.
        hidden: Widths of the encoder's hidden layers; the decoder mirrors them.

    Raises:
        InvalidInputError: If a size is not a positive whole number.
    """

    def __init__(self, input_dim: int, latent_dim: int, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        check_count(input_dim, name="input_dim")
        check_count(latent_dim, name="latent_dim")
        widths = [check_count(width, name="hidden") for width in hidden]
        self.encoder = _perceptron([input_dim, *widths, 2 * latent_dim])
        self.decoder = _perceptron([latent_dim, *widths[::-1], input_dim])

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the posterior of x (B, D), each of shape (B, d)."""
        mean, logvar = self.encoder(x).chunk(2, dim=-1)
        return mean, logvar

    def decode(self, z: Tensor) -> Tensor:
        """The reconstruction of z (B, d), shape (B, D)."""
        return self.decoder(z)


def _perceptron(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.SiLU()]
    return nn.Sequential(*layers[:-1])  # no activation behind the last layer
