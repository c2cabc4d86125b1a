"""What perturbs the training of each arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor

from topopert.hamiltonian import (
    AnchorPotential,
    Constant,
    Coupling,
    Hamiltonian,
    SignaturePotential,
    WellPotential,
    coupling_at,
)
from topopert.records import WellSpec
from topopert.topology import prior_scale

from .controls import potential_terms, takes_anchors

__all__ = ["ArmEnergy", "ArmPlan", "plan_arms"]

_NUMBERS = 1 << 22  # of the points at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmPlan:
    """How an arm is trained; without an energy it is the plain VAE."""

    name: str
    energy: ArmEnergy | None = None
    context: Tensor | None = None  # one row per training row; None stands for the rows themselves
    continues: str | None = None  # the arm whose trained models it starts from


@dataclass(frozen=True, slots=True, eq=False)
class ArmEnergy:
    """A Hamiltonian's energy term: what training adds to the loss; goes to other processes."""

    hamiltonian: Hamiltonian
    by_anchors: bool  # whether the context is anchors, or the data

    def __call__(self, mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
        """λ(progress) E_q[V], shape (B,), in nats."""
        data = {"anchors": context} if self.by_anchors else {"x": context}
        # Not `hamiltonian.energy`, which refuses NaN: here a run that diverges is a result.
        coupling = self.hamiltonian.coupling_at(progress)
        return coupling * self.hamiltonian.potential.expectation(mean, logvar, **data)


@dataclass(frozen=True, slots=True)
class _Rescaled:
    """A coupling times a factor."""

    coupling: Coupling
    factor: float

    def __call__(self, progress: float) -> float:
        return self.factor * coupling_at(self.coupling, progress)


def plan_arms(
    hamiltonian: Hamiltonian,
    points: NDArray[np.floating[Any]],
    controls: Sequence[str],
    *,
    anchors: NDArray[np.float64] | None,
    wells: WellSpec | None,
    signature_strength: float,
    rng: np.random.Generator,
    device: torch.device,
) -> list[ArmPlan]:
    """Baseline, perturbed arm and controls.

    Args:
        hamiltonian: The perturbation.
        points: Training rows in the units of the data, shape (N, D).
        controls: Names of the controls.
        anchors: The anchors of the rows where they are known, shape (N, d).
        wells: The landscape of the control of that name.
        signature_strength: Largest λ of the signature control.
        rng: Draws the permutation of the shuffled control.
        device: Where training will run.
    """
    hamiltonian = hamiltonian.to(device)
    if anchors is None and takes_anchors(hamiltonian):
        anchors = _anchors_of(hamiltonian, points)
    by_anchors = anchors is not None
    context = torch.as_tensor(anchors if by_anchors else points)
    context = context.to(device, torch.get_default_dtype())
    energy = ArmEnergy(hamiltonian, by_anchors)
    order = rng.permutation(len(points))
    coupling = hamiltonian.coupling

    def plan(name: str) -> ArmPlan:
        if name == "shuffled":
            shuffled = context[torch.from_numpy(order).to(device)]
            return ArmPlan(name=name, energy=energy, context=shuffled)
        if name == "pca":
            axes = PCA(context.shape[1], svd_solver="full").fit_transform(points)
            principal = torch.from_numpy(prior_scale(axes, of=axes)).to(context)
            return ArmPlan(name=name, energy=energy, context=principal)
        if name == "constant":
            steady = Hamiltonian(hamiltonian.potential, Constant(hamiltonian.coupling_at(0.0)))
            return ArmPlan(name=name, energy=ArmEnergy(steady, by_anchors), context=context)
        if name == "landscape" and wells is not None:
            landscape = Hamiltonian(WellPotential(wells), coupling).to(device)
            return ArmPlan(name=name, energy=ArmEnergy(landscape, by_anchors=False))
        if name == "signature":
            strength = _Rescaled(coupling, _factor_to(coupling, signature_strength))
            interaction = Hamiltonian(SignaturePotential(), strength)
            return ArmPlan(name=name, energy=ArmEnergy(interaction, by_anchors=False))
        return ArmPlan(name=name, energy=energy, context=context, continues="baseline")

    first = [ArmPlan(name="baseline"), ArmPlan(name="perturbed", energy=energy, context=context)]
    return first + [plan(name) for name in controls]


def _factor_to(coupling: Coupling, strength: float) -> float:
    """The factor that brings a coupling's largest value to a strength; 0 where it is always 0."""
    peak = max(coupling_at(coupling, percent / 100) for percent in range(101))
    return strength / peak if peak > 0 else 0.0


def _anchors_of(
    hamiltonian: Hamiltonian, points: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    terms = potential_terms(hamiltonian.potential)
    (field,) = (term for term in terms if isinstance(term, AnchorPotential))
    device = field.extension.landmarks.device
    answer = np.empty((len(points), field.extension.weighted.shape[1] - 1))
    size = max(1, min(4096, _NUMBERS // points.shape[1]))
    with torch.no_grad():
        for start in range(0, len(points), size):
            block = torch.as_tensor(points[start : start + size]).to(device)
            answer[start : start + size] = field.anchors(block).double().cpu().numpy()
    return answer
