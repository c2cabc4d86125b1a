"""Speed of the signature potential against torch-topological's."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torch
from torch import Tensor

import topopert as tp

from .timing import ratio

__all__ = ["bench_signature"]


def bench_signature() -> None:
    if importlib.util.find_spec("torch_topological") is None:
        print("signature: skipped, torch-topological is missing; install the extra `bench`")
        return
    # It imports giotto-ph, under the AGPL: never a dependency of the package.
    peer: Any = importlib.import_module("torch_topological.nn")
    for n_points, goal in ((128, 3), (512, 5), (1024, 8)):
        for data_dim in (50, 784):
            _compare(peer, n_points, data_dim, goal=goal)


def _compare(peer: Any, n_points: int, data_dim: int, *, goal: int) -> None:
    """Forward and backward, the pairs of both clouds found anew each time."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n_points, data_dim, generator=generator)
    z = torch.randn(n_points, 2, generator=generator, requires_grad=True)
    potential = tp.SignaturePotential()
    rips, loss = peer.VietorisRipsComplex(dim=0), peer.SignatureLoss(p=2)

    def ours() -> None:
        z.grad = None
        potential(z, x).sum().backward()

    def reference() -> None:
        z.grad = None
        loss([x, rips(x)], [z, rips(z)]).backward()

    ratio(
        f"signature of {n_points} × {data_dim} / torch-topological (at most 1/{goal})",
        ours,
        reference,
        rounds=25 if n_points < 1000 else 9,
    )
    value, gradient = _ours(potential, z, x)
    peer_value, peer_gradient = _peer(rips, loss, z.double().detach(), x.double())
    error = (gradient - peer_gradient).abs().max() / peer_gradient.abs().max()
    print(f"    energy {value:.6g}, theirs {peer_value:.6g}; gradients differ by {error:.1e}")


def _ours(potential: tp.SignaturePotential, z: Tensor, x: Tensor) -> tuple[float, Tensor]:
    value = potential(z, x).sum()
    (gradient,) = torch.autograd.grad(value, z)
    return value.item(), gradient


def _peer(rips: Any, loss: Any, z: Tensor, x: Tensor) -> tuple[float, Tensor]:
    """Our energy from their parts; in double precision, for their distances lose digits in single.

    With one selection for both clouds their loss is the norm of one half of our sum.
    """
    z.requires_grad_()
    of_x, of_z = rips(x), rips(z)
    value = sum(0.5 * loss([x, pairs], [z, pairs]) ** 2 for pairs in (of_x, of_z))
    (gradient,) = torch.autograd.grad(value, z)
    return value.item(), gradient
