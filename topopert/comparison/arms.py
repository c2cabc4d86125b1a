"""The arms of a comparison: what perturbs the training of each, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from torch import Tensor

from topopert._checks import check_choice
from topopert.errors import InvalidInputError
from topopert.hamiltonian import (
    AnchorPotential,
    Constant,
    Hamiltonian,
    OneBodyPotential,
    Potential,
    SumPotential,
    WellPotential,
)
from topopert.models import EnergyTerm
from topopert.topology import prior_scale

from .degeneracy import DegeneracyMetrics

__all__ = ["CONTROLS", "Arm", "ArmPlan", "check_controls", "plan_arms", "takes_anchors"]

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
    if isinstance(controls, str) or not isinstance(controls, Sequence):
        msg = f"`controls` must be a sequence of names, e.g. ('shuffled',), got {controls!r}."
        raise InvalidInputError(msg)
    for name in controls:
        check_choice(name, CONTROLS, name="controls")
        needs_anchors = name in ("shuffled", "pca")
        if needs_anchors and hamiltonian is not None and not takes_anchors(hamiltonian):
            msg = (
                f"The control {name!r} needs one AnchorPotential, alone or with one-body "
                "potentials, and this Hamiltonian has something else. Leave it out of `controls`."
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
    anchors: NDArray[np.float64] | None,
    rng: np.random.Generator,
    device: torch.device,
) -> list[ArmPlan]:
    """Baseline, perturbed arm and controls.

    Args:
        hamiltonian: The perturbation.
        points: Training rows in the units of the data, shape (N, D).
        controls: Names of the controls.
        anchors: The anchors of the rows where they are known, shape (N, d).
        rng: Draws the permutation of the shuffled control.
        device: Where training will run.
    """
    hamiltonian = hamiltonian.to(device)
    if anchors is None and takes_anchors(hamiltonian):
        anchors = _anchors_of(hamiltonian, points)
    context = torch.as_tensor(points if anchors is None else anchors)
    context = context.to(device, torch.get_default_dtype())
    energy = _energy_of(hamiltonian, by_anchors=anchors is not None)
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
            principal = torch.from_numpy(prior_scale(axes, of=axes)).to(context)
            plans.append(ArmPlan(name=name, energy=energy, context=principal))
        elif name == "constant":
            constant = Hamiltonian(hamiltonian.potential, Constant(hamiltonian.coupling_at(0.0)))
            steady = _energy_of(constant, by_anchors=anchors is not None)
            plans.append(ArmPlan(name=name, energy=steady, context=context))
    return plans


def takes_anchors(hamiltonian: Hamiltonian) -> bool:
    """Whether anchors, computed once per datum, can stand in for x in all of the potential."""
    terms = list(_terms(hamiltonian.potential))
    fields = [term for term in terms if isinstance(term, AnchorPotential)]
    plain = AnchorPotential | WellPotential | OneBodyPotential
    others = [term for term in terms if not isinstance(term, plain)]
    return len(fields) == 1 and not others


def _terms(potential: Potential) -> Iterator[Potential]:
    if isinstance(potential, SumPotential):
        for term in potential.terms:
            yield from _terms(cast("Potential", term))
    else:
        yield potential


def _anchors_of(
    hamiltonian: Hamiltonian, points: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    (field,) = (t for t in _terms(hamiltonian.potential) if isinstance(t, AnchorPotential))
    device = field.extension.landmarks.device
    with torch.no_grad():
        blocks = [
            field.anchors(block.to(device)).double().cpu()
            for block in torch.as_tensor(points).split(4096)
        ]
    return torch.cat(blocks).numpy()


def _energy_of(hamiltonian: Hamiltonian, *, by_anchors: bool) -> EnergyTerm:
    def energy(mean: Tensor, logvar: Tensor, context: Tensor, progress: float) -> Tensor:
        data = {"anchors": context} if by_anchors else {"x": context}
        # Not `hamiltonian.energy`, which refuses NaN: here a run that diverges is a result.
        coupling = hamiltonian.coupling_at(progress)
        return coupling * hamiltonian.potential.expectation(mean, logvar, **data)

    return energy
