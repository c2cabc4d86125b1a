"""What the energy costs a training step, and what `attach` costs beside it."""

from __future__ import annotations

import copy
import itertools
import random
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

import topopert as tp
from topopert.models import gaussian_reconstruction, kl_divergence
from topopert.rng import seeded_init

__all__ = ["bench_training_step"]

_BLOCKS, _ROUNDS, _WARM_UP = 10, 20, 2
_LATENT_DIM = 8
_N_STEPS = 10_000
Energy = Callable[..., Tensor]


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU())
        self.mean, self.logvar = nn.Linear(256, _LATENT_DIM), nn.Linear(256, _LATENT_DIM)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.body(x)
        return self.mean(hidden), self.logvar(hidden)


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        widths = (_LATENT_DIM, 256, 512, 784)
        layers = [
            layer for n, m in itertools.pairwise(widths) for layer in (nn.Linear(n, m), nn.ReLU())
        ]
        self.decoder = nn.Sequential(*layers[:-1])


def stepper(model: VAE, x: Tensor, energy: Energy | None = None) -> Callable[[], None]:
    """A function that makes one training step."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    generator, count = torch.Generator().manual_seed(0), itertools.count()

    def step() -> None:
        mean, logvar = model.encoder(x)
        noise = torch.randn(mean.shape, generator=generator)
        decoded = model.decoder(mean + (0.5 * logvar).exp() * noise)
        loss = gaussian_reconstruction(x, decoded, 0.1) + kl_divergence(mean, logvar)
        if energy is not None:
            loss = loss + energy(mean, logvar, progress=next(count) / _N_STEPS)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()

    return step


def bench_training_step() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 784, generator=generator)
    spec = tp.AnchorSpec(
        landmarks=torch.randn(400, 784, generator=generator).double().numpy(),
        values=torch.randn(400, _LATENT_DIM, generator=generator).double().numpy(),
        radius=45.0,
    )
    potential = tp.AnchorPotential(spec)
    hamiltonian = tp.Hamiltonian(potential, tp.Adiabatic(10.0, off_at=1.0))
    anchors = potential.anchors(x)
    with seeded_init(0):
        model = VAE()
    order = random.Random(0)
    times: dict[str, list[float]] = {}
    # Fresh copies in each block: where a model happens to lie in memory must not decide.
    for _ in range(_BLOCKS):
        models = [copy.deepcopy(model) for _ in range(5)]
        steps = {
            "plain": stepper(models[0], x),
            "again": stepper(models[1], x),
            "anchors": stepper(models[2], x, partial(hamiltonian.energy, anchors=anchors)),
            "x": stepper(models[3], x, partial(hamiltonian.energy, x=x)),
            "attach": stepper(models[4], x),
        }
        with tp.attach(models[4], hamiltonian, encoder="encoder", n_steps=_N_STEPS):
            for k in range(_WARM_UP + _ROUNDS):
                # In an order of its own each round: caches are as another step left them.
                for name in order.sample(list(steps), len(steps)):
                    # The processor's time, not the wall's: the machine may do other things.
                    start = time.process_time()
                    steps[name]()
                    if k >= _WARM_UP:
                        times.setdefault(name, []).append(time.process_time() - start)

    def report(text: str, ours: str, reference: str) -> None:
        median = statistics.median(
            a / b for a, b in zip(times[ours], times[reference], strict=True)
        )
        best = min(times[reference])
        print(f"{text:<72} {median:6.3f}   (reference {best:.3g} s)", flush=True)

    # How far from 1 chance alone takes a median.
    report("step of a VAE 784-512-256, batch 256 / itself", "again", "plain")
    report("the same with energy, anchors passed in / without", "anchors", "plain")
    report("the same with energy, anchors from x / without", "x", "plain")
    report("the same with attach / by hand, anchors from x", "attach", "x")
