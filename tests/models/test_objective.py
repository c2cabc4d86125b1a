from __future__ import annotations

import torch
from torch.distributions import Independent, Normal
from torch.distributions import kl_divergence as reference_kl

from topopert.models import gaussian_reconstruction, kl_divergence, reparameterize


def test_kl_is_that_of_torch(generator) -> None:
    mean, logvar = (torch.randn(7, 3, generator=generator) for _ in range(2))
    q = Independent(Normal(mean, (0.5 * logvar).exp()), 1)
    p = Independent(Normal(torch.zeros(7, 3), torch.ones(7, 3)), 1)
    torch.testing.assert_close(kl_divergence(mean, logvar), reference_kl(q, p))


def test_reconstruction_is_the_log_likelihood_without_its_constant(generator) -> None:
    x, decoded = (torch.randn(7, 4, generator=generator) for _ in range(2))
    density = Independent(Normal(decoded, 0.3**0.5), 1)
    constant = density.log_prob(decoded)
    torch.testing.assert_close(
        gaussian_reconstruction(x, decoded, 0.3), constant - density.log_prob(x)
    )


def test_draws_have_the_posteriors_moments(generator) -> None:
    mean, logvar = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, -2.0]])
    noise = torch.randn(200_000, 2, generator=generator)
    z = reparameterize(mean, logvar, noise)
    torch.testing.assert_close(z.mean(dim=0), mean[0], atol=0.01, rtol=0)
    torch.testing.assert_close(z.var(dim=0), logvar[0].exp(), atol=0.01, rtol=0)
