"""A GAN whose codes come from the tilted prior puts fewer samples between the data's pieces."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

import topopert as tp
from topopert.rng import seeded_init

N_SEEDS, N_STEPS, COUPLING, FAR = 3, 500, 3.0, 0.5  # wells of 8 nats; the pieces are 2 apart


def perceptron(n_in: int, n_out: int) -> nn.Sequential:
    bend = nn.LeakyReLU(0.2)
    return nn.Sequential(nn.Linear(n_in, 64), bend, nn.Linear(64, 64), bend, nn.Linear(64, n_out))


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.mean().backward()
    optimizer.step()


def train(x: Tensor, codes: Tensor, seed: int) -> nn.Module:
    with seeded_init(seed):
        nets = generator, critic = perceptron(2, x.shape[1]), perceptron(x.shape[1], 1)
    teach, judge = (torch.optim.Adam(net.parameters(), 1e-3, betas=(0.5, 0.9)) for net in nets)
    draw = torch.Generator().manual_seed(seed)
    for _ in range(N_STEPS):
        real = x[torch.randint(len(x), (64,), generator=draw)].requires_grad_()
        fake = generator(codes[torch.randint(len(codes), (64,), generator=draw)])
        score = critic(real)
        slope = torch.autograd.grad(score.sum(), real, create_graph=True)[0].square().sum(dim=1)
        descend(judge, softplus(-score) + softplus(critic(fake.detach())) + 0.05 * slope)  # R1
        descend(teach, softplus(-critic(fake)))
    return generator


def main() -> None:
    rng, draw = np.random.default_rng(0), torch.Generator().manual_seed(0)
    points, _ = tp.datasets.clusters(3, 1000, ambient_dim=20, noise=0.05, rng=rng)
    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    prior = tp.Hamiltonian(tp.WellPotential(topology.wells()), COUPLING).prior()
    x, gaussian = torch.from_numpy(points).float(), torch.randn(10_000, 2, generator=draw)
    for name, codes in (("Gaussian", gaussian), ("tilted", prior.sample((10_000,), draw))):
        far, smallest = [], []
        for seed in range(N_SEEDS):
            samples = train(x, codes[:5000], seed)(codes[5000:]).detach()
            far.append((torch.cdist(samples, x).amin(dim=1) > FAR).float().mean().item())
            smallest.append(np.bincount(topology.components(samples), minlength=3).min() / 5000)
        print(
            f"{name} prior: {min(smallest):.0%} or more in each piece, {np.mean(far):.1%} between"
        )


if __name__ == "__main__":
    main()
