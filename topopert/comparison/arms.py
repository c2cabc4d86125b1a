"""The arms of a comparison: what perturbs the training of each, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor

from topopert._checks import check_choice
from topopert.errors import InvalidInputError
from topopert.hamiltonian import AnchorPotential, Constant, Hamiltonian
from topopert.models import EnergyTerm
from topopert.topology import prior_scale

from .degeneracy import DegeneracyMetrics

__all__ = ["CONTROLS", "Arm", "ArmPlan", "check_controls", "plan_arms"]

CONTROLS = ("shuffled", "pca", "constant")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArmPlan:
    """How an arm is trained; without an energy it is the plain VAE."""

    name: str
    energy: EnergyTerm | None = None
    context: Tensor | None = None  # one row per training row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arm:
    """What the seeds of an arm came to, on held-out data unless said otherwise."""

    name: str
    latents: NDArray[np.float64]  # posterior means, (K, N_test, d)
    neg_elbo: NDArray[np.float64]  # −ELBO of the unperturbed objective, nats per point, (K,)
    kl_per_axis: NDArray[np.float64]  # nats per point, (K, d)
    learning_curve: NDArray[np.float64]  # (n, K): training loss, n evenly spaced stretches
    seconds: float  # wall-clock time of training all seeds
    diverged: tuple[int, ...]  # seeds whose latents or −ELBO are not finite
    metrics: DegeneracyMetrics | None  # of the seeds that did not diverge; None below 3 of them

    @property
    def finite(self) -> NDArray[np.intp]:
        """Indices of the seeds that did not diverge."""
        return np.setdiff1d(np.arange(len(self.latents)), self.diverged)


def check_controls(controls: Sequence[str], hamiltonian: Hamiltonian | None) -> None:
    """Refuse controls that do not exist or that the potential does not define.

    Args:
        controls: Their names.
        hamiltonian: The user's own; None means anchors found by the topology stage.

    Raises:
        InvalidInputError: If a name is unknown, given twice, or needs anchors that are not there.
    """
    if isinstance(controls, str):
        msg = f"`controls` must be a sequence of names, got the string {controls!r}."
        raise InvalidInputError(msg)
    for name in controls:
        check_choice(name, CONTROLS, name="controls")
        if (
            name in ("shuffled", "pca")
            and hamiltonian is not None
            and len(_anchor_potentials(hamiltonian)) != 1
        ):
            msg = (
                f"The control {name!r} needs one AnchorPotential, and this Hamiltonian has "
                f"{len(_anchor_potentials(hamiltonian))}. Leave it out of `controls`."
            )
            raise InvalidInputError(msg)
    if len(set(controls)) != len(controls):
        msg = f"`controls` names an arm twice: {tuple(controls)}."
        raise InvalidInputError(msg)


def plan_arms(
    hamiltonian: Hamiltonian,
    points: NDArray[np.floating[Any]],
    controls: Sequence[str],
    *,
    rng: np.random.Generator,
    device: torch.device,
) -> list[ArmPlan]:
    """Baseline, perturbed arm and controls.

    Args:
        hamiltonian: The perturbation.
        points: Training rows in the units of the data, shape (N, D).
        controls: Names of the controls.
        rng: Draws the permutation of the shuffled control.
        device: Where training will run.
    """
    context, energy = _energy_of(hamiltonian, points, device)
    plans = [
        ArmPlan(name="baseline"),
        ArmPlan(name="perturbed", energy=energy, context=context),
    ]
    for name in controls:
        if name == "shuffled":
            order = torch.from_numpy(rng.permutation(len(points))).to(device)
            plans.append(ArmPlan(name=name, energy=energy, context=context[order]))
        elif name == "pca":
            axes = PCA(context.shape[1], svd_solver="full").fit_transform(points)
            anchors = torch.from_numpy(prior_scale(axes, of=axes)).to(context)
            plans.append(ArmPlan(name=name, energy=energy, context=anchors))
        elif name == "constant":
            constant = Hamiltonian(hamiltonian.potential, Constant(hamiltonian.coupling_at(0.0)))
            _, steady = _energy_of(constant, points, device)
            plans.append(ArmPlan(name=name, energy=steady, context=context))
    return plans


def _anchor_potentials(hamiltonian: Hamiltonian) -> list[AnchorPotential]:
    return [m for m in hamiltonian.potential.modules() if isinstance(m, AnchorPotential)]


def _energy_of(
    hamiltonian: Hamiltonian, points: NDArray[np.floating[Any]], device: torch.device
) -> tuple[Tensor, EnergyTerm]:
    """What the energy needs of each row, and the energy: anchors are computed once per datum."""
    hamiltonian = hamiltonian.to(device)
    rows = torch.as_tensor(points, dtype=torch.get_default_dtype(), device=device)
    fields = _anchor_potentials(hamiltonian)
    if len(fields) == 1:
        with torch.no_grad():
            anchors = torch.cat([fields[0].anchors(block) for block in rows.split(4096)])

        def by_anchors(mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
            return hamiltonian.energy(mean, logvar, anchors=context, progress=progress)

        return anchors, by_anchors

    def by_rows(mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
        return hamiltonian.energy(mean, logvar, context, progress=progress)

    return rows, by_rows
