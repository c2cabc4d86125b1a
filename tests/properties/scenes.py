"""Potentials, posteriors and clouds that the properties are asked of."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

import topopert as tp
from topopert.models import kl_divergence

__all__ = [
    "CLOSED_FORMS",
    "DATA_DIM",
    "ROW_FUNCTIONS",
    "cloud",
    "data",
    "landscape",
    "posterior",
    "potential",
    "smooth",
]

DATA_DIM = 5
CLOSED_FORMS = ("field", "wells", "polynomial", "sum")


def field(d: int) -> tp.AnchorPotential:
    rng = np.random.default_rng(d)
    landmarks, values = rng.normal(size=(12, DATA_DIM)), rng.normal(size=(12, d))
    return tp.AnchorPotential(tp.AnchorSpec(landmarks=landmarks, values=values, radius=2.0))


def wells(d: int) -> tp.WellPotential:
    rng = np.random.default_rng(10 + d)
    spec = tp.WellSpec(
        centers=rng.normal(size=(4, d)),
        depths=rng.uniform(0.5, 2, size=4),
        widths=rng.uniform(0.5, 1.5, size=4),
    )
    return tp.WellPotential(spec)


def polynomial(d: int) -> tp.PolynomialPotential:
    first, last = np.eye(d, dtype=int)[[0, -1]]
    return tp.PolynomialPotential([4 * first, 2 * first + last, 0 * last], [0.1, -0.3, 0.7])


def smooth(z: Tensor) -> Tensor:
    """A function without a closed form here, of all axes together."""
    return torch.cos(z).sum(dim=1) + torch.exp(-z.square().mean(dim=1))


def potential(name: str, d: int) -> tp.Potential:
    """A potential in d dimensions, in double precision."""
    made: dict[str, Callable[[], tp.Potential]] = {
        "field": lambda: field(d),
        "wells": lambda: wells(d),
        "polynomial": lambda: polynomial(d),
        "function": lambda: tp.OneBodyPotential(smooth),
        "signature": tp.SignaturePotential,
        "sum": lambda: 2 * field(d) - 0.5 * wells(d) + polynomial(d) / 3,
    }
    return made[name]().double()


def landscape() -> tp.WellPotential:
    """Two unequal wells in the plane."""
    spec = tp.WellSpec(
        centers=np.array([[1.2, 0.3], [-1.0, -0.6]]),
        depths=np.array([2.0, 1.5]),
        widths=np.array([0.6, 0.8]),
    )
    return tp.WellPotential(spec).double()


def posterior(d: int, *, n: int = 6, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(100 + seed)
    mean, logvar = rng.normal(size=(n, d)), rng.uniform(-3, 0.5, size=(n, d))
    return torch.from_numpy(mean), torch.from_numpy(logvar)


def data(n: int = 6, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(200 + seed).normal(size=(n, DATA_DIM)))


def cloud(n: int = 40, dim: int = 3, seed: int = 0) -> np.ndarray:
    """A noisy circle in the first two of its axes."""
    rng = np.random.default_rng(300 + seed)
    angle = rng.uniform(0, 2 * np.pi, size=n)
    points = 0.1 * rng.normal(size=(n, dim))
    points[:, :2] += np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points


@functools.cache
def _shared(name: str, d: int, device: str) -> tp.Potential:
    return potential(name, d).to(device)


def _energy(name: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    def energy(mean: Tensor, logvar: Tensor, x: Tensor) -> Tensor:
        own = _shared(name, mean.shape[1], mean.device.type)
        return tp.Hamiltonian(own, 1.5).energy(mean, logvar, x)

    return energy


def _forward(name: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    return lambda mean, logvar, x: _shared(name, mean.shape[1], mean.device.type)(mean, x)


def _excitation(name: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    def energy(mean: Tensor, logvar: Tensor, x: Tensor) -> Tensor:
        own = _shared(name, mean.shape[1], mean.device.type)
        return tp.perturbed_excitation_energy(mean, logvar, own, coupling=0.7, x=x)

    return energy


# Of a posterior and its data to one number per row, each row for itself.
ROW_FUNCTIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "kl_divergence": lambda mean, logvar, x: kl_divergence(mean, logvar),
    "excitation_energy": lambda mean, logvar, x: tp.excitation_energy(mean, logvar),
    **{f"energy of {name}": _energy(name) for name in (*CLOSED_FORMS, "function")},
    **{f"{name} itself": _forward(name) for name in (*CLOSED_FORMS, "function")},
    **{f"excitation in {name}": _excitation(name) for name in (*CLOSED_FORMS, "function")},
}
