"""The front of lifting against −ELBO over couplings, and the coupling that a budget buys."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_real
from topopert._text_table import aligned
from topopert.errors import InvalidInputError, TopopertWarning
from topopert.hamiltonian import Adiabatic, Coupling, Hamiltonian, checked_coupling
from topopert.models import TrainingConfig
from topopert.records import Estimate

from .metrics import disparity
from .running import run_setup
from .runs.plans import ArmEnergy, ArmPlan
from .runs.progress import Progress
from .runs.tasks import Chunk, ChunkResult
from .runs.variation import ModelFactory
from .setup import prepare
from .statistics.estimate import mean_estimate, pair_mean

__all__ = ["CANDIDATES", "Calibration", "FrontPoint", "calibrate"]

# Weak and long, strong and short, and courses that are strong early and weak for long.
CANDIDATES: tuple[Coupling, ...] = (
    *(Adiabatic(start, off_at=off) for start in (3.0, 10.0) for off in (0.4, 0.7, 0.95)),
    *(
        Adiabatic(start, off_at=off, power=3)
        for start in (10.0, 30.0, 100.0)
        for off in (0.7, 0.95)
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrontPoint:
    """What a coupling lifts and what it costs, over the seeds of the pilot, on held-out rows."""

    coupling: Coupling
    disparity: float  # gauge-dependent
    invariant_disparity: float
    neg_elbo: float  # nats per point, mean over seeds
    elbo_loss: Estimate  # −ELBO above the baseline's, seed by seed, nats per point
    is_affordable: bool  # whether the loss is within the budget
    n_diverged: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """A coupling and the front that it was chosen from."""

    coupling: Coupling  # of the affordable ones that with the least disparity
    front: tuple[FrontPoint, ...]
    baseline: FrontPoint  # its coupling is 0
    elbo_budget: float  # share of the baseline's −ELBO that may be lost
    elbo_spread: float  # standard deviation of the baseline's −ELBO between seeds, nats

    def __str__(self) -> str:
        header = ("coupling", "gauge-dependent", "invariant", "−ELBO", "above the baseline")
        rows: list[tuple[str, ...]] = [header]
        for point in (self.baseline, *self.front):
            figures = (point.disparity, point.invariant_disparity)
            chosen = " ← chosen" if point.coupling is self.coupling else ""
            rows.append(
                (
                    repr(point.coupling),
                    *(f"{figure:.3g}" for figure in figures),
                    f"{point.neg_elbo:.3f}",
                    f"{point.elbo_loss}{chosen}",
                )
            )
        lines = aligned(rows)
        lines.append(f"−ELBO of the baseline's seeds: standard deviation {self.elbo_spread:.3g}")
        return "\n".join(lines)


def calibrate(
    points: Any,
    hamiltonian: Hamiltonian | None = None,
    *,
    latent_dim: int = 2,
    model: ModelFactory | None = None,
    n_seeds: int = 5,
    training: TrainingConfig | None = None,
    couplings: Sequence[float | Coupling] = CANDIDATES,
    elbo_budget: float = 0.0,
    executor: str | None = None,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
) -> Calibration:
    """The coupling that lifts most within a budget of −ELBO, by a pilot over several couplings.

    Each coupling trains the same seeds as a baseline. It is affordable if the mean of its
    held-out −ELBO, seed by seed above the baseline's, is at most the budget, give or take the
    standard error of a mean over the baseline's seeds: their own spread is the scale on which a
    loss means something. Of the affordable ones that with the least gauge-dependent disparity is
    chosen. It has then been chosen on the points given: what it is worth must be measured on
    others.

    Args:
        points: Data, shape (N, D); one fifth is held out.
        hamiltonian: The perturbation, its own coupling aside; None builds anchors by
            `PersistentTopology(latent_dim)`.
        latent_dim: Dimension d of the latent space.
        model: Factory (input_dim, latent_dim) -> nn.Module, as for `compare`.
        n_seeds: Seeds per coupling, at least 3.
        training: How to train; None is `TrainingConfig()`. A course of λ means something for one
            number of steps: calibrate with that of the training to come.
        couplings: Those to try.
        elbo_budget: Share of the baseline's −ELBO that may be lost; 0 is none.
        executor: joblib's backend, as for `compare`.
        seed: Decides the split and every stream of the runs.
        on_progress: Called as by `compare`.

    Returns:
        The coupling and the front. If no coupling is affordable, the one that loses least comes
        back with a `TopopertWarning`.

    Raises:
        InvalidInputError: If an argument cannot be used.
    """
    budget = check_real(elbo_budget, name="elbo_budget", low=0.0)
    if isinstance(couplings, str) or not isinstance(couplings, Sequence) or not couplings:
        msg = f"`couplings` must be a sequence of couplings, e.g. (3.0, 10.0), got {couplings!r}."
        raise InvalidInputError(msg)
    candidates = [checked_coupling(coupling) for coupling in couplings]
    setup = prepare(
        points,
        hamiltonian,
        latent_dim=latent_dim,
        coupling=None,
        model=model,
        n_seeds=n_seeds,
        controls=(),
        training=training,
        rule=None,
        executor=executor,
        vary="seed",
        train=None,
        seed=seed,
        on_progress=on_progress,
    )
    baseline_plan, perturbed = setup.plans
    plans = [baseline_plan]
    for index, coupling in enumerate(candidates):
        energy = ArmEnergy(
            Hamiltonian(setup.hamiltonian.potential, coupling).to(setup.train.device),
            by_anchors=perturbed.energy is not None and perturbed.energy.by_anchors,
        )
        plans.append(ArmPlan(name=f"coupling {index}", energy=energy, context=perturbed.context))
    results = run_setup(replace(setup, plans=plans), None, executor, on_progress)

    base_elbo = _joined(results, baseline_plan.name, "neg_elbo")
    own = base_elbo[np.isfinite(base_elbo)]
    spread = float(own.std(ddof=1)) if len(own) > 1 else float("nan")
    allowed = budget * abs(float(own.mean())) + spread / np.sqrt(max(len(own), 1))

    def point(name: str, coupling: Coupling) -> FrontPoint:
        latents, elbo = _joined(results, name, "latents"), _joined(results, name, "neg_elbo")
        finite = np.isfinite(elbo) & np.isfinite(base_elbo) & np.isfinite(latents).all((1, 2))
        seeds = np.flatnonzero(finite)
        if len(seeds) < 3:
            nan = float("nan")
            return FrontPoint(
                coupling=coupling,
                disparity=nan,
                invariant_disparity=nan,
                neg_elbo=nan,
                elbo_loss=Estimate(nan, nan, nan),
                is_affordable=False,
                n_diverged=len(elbo) - len(seeds),
            )
        centred = disparity.centred(latents[seeds])
        everyone = np.arange(len(seeds))
        loss = mean_estimate(elbo[seeds] - base_elbo[seeds])
        return FrontPoint(
            coupling=coupling,
            disparity=pair_mean(disparity.gauge_disparity(centred), everyone),
            invariant_disparity=pair_mean(disparity.invariant_disparity(centred), everyone),
            neg_elbo=float(elbo[seeds].mean()),
            elbo_loss=loss,
            is_affordable=bool(loss.value <= allowed and len(seeds) == len(own)),
            n_diverged=len(elbo) - len(seeds),
        )

    front = tuple(point(p.name, c) for p, c in zip(plans[1:], candidates, strict=True))
    return Calibration(
        coupling=_chosen(front, allowed).coupling,
        front=front,
        baseline=point(baseline_plan.name, checked_coupling(0.0)),
        elbo_budget=budget,
        elbo_spread=spread,
    )


def _chosen(front: Sequence[FrontPoint], allowed: float) -> FrontPoint:
    affordable = [point for point in front if point.is_affordable]
    if affordable:
        return min(affordable, key=lambda point: point.disparity)
    least = min(front, key=lambda point: np.nan_to_num(point.elbo_loss.value, nan=np.inf))
    warnings.warn(
        f"No coupling keeps the −ELBO within {allowed:.3g} nats of the baseline's; the one that "
        f"loses least, {least.coupling!r}, loses {least.elbo_loss}. Do the anchors fit the data?",
        TopopertWarning,
        stacklevel=3,
    )
    return least


def _joined(results: dict[Chunk, ChunkResult], arm: str, field: str) -> NDArray[np.float64]:
    """A field of an arm's chunks, seeds in order."""
    chunks = [chunk for chunk in results if chunk.arm == arm]
    order = np.argsort(np.concatenate([chunk.seeds for chunk in chunks]))
    return np.concatenate([getattr(results[chunk], field) for chunk in chunks])[order]
