"""The comparison: seeds against seeds, with and without the perturbation, and against controls."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topopert._checks import check_count, check_not_constant, check_points
from topopert.errors import InvalidInputError, InvalidTypeError
from topopert.hamiltonian import (
    Adiabatic,
    AnchorPotential,
    Coupling,
    Hamiltonian,
    checked_coupling,
)
from topopert.models import MLPVAE, StepRecord, TrainingConfig, check_model, train_ensemble
from topopert.rng import RunStreams, seeded_init, spawn_generators, spawn_runs
from topopert.topology import PersistentTopology

from .arms import Arm, ArmPlan, check_controls, plan_arms
from .degeneracy import degeneracy
from .quality import evaluate
from .report import ComparisonReport
from .units import DataUnits, data_units
from .verdict import VerdictRule, decide

__all__ = ["DEFAULT_COUPLING", "ModelFactory", "Progress", "compare"]

logger = logging.getLogger(__name__)

ModelFactory = Callable[[int, int], nn.Module]

# Strong early, to carry clusters past each other; weak for long, which settles rotations and costs
# little; 30 % of training left for the unperturbed objective. Chosen on digits: over four splits
# it left .6 of the disparity of Adiabatic(5, 0.6) at the same mean held-out −ELBO.
DEFAULT_COUPLING = Adiabatic(30.0, off_at=0.7, power=3)
_TEST_SHARE = 0.2
_MIN_POINTS = 20
_CURVE_POINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a comparison is: for a progress bar."""

    arm: str
    arm_index: int
    n_arms: int
    step: int  # from 1
    n_steps: int


def compare(
    points: Any,
    hamiltonian: Hamiltonian | None = None,
    *,
    latent_dim: int = 2,
    coupling: float | Coupling | None = None,
    model: ModelFactory | None = None,
    n_seeds: int = 10,
    controls: Sequence[str] = ("shuffled", "pca"),
    training: TrainingConfig | None = None,
    rule: VerdictRule | None = None,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
) -> ComparisonReport:
    """Train every arm over the same seeds, and judge on held-out rows what was lifted.

    All arms share, seed by seed, the initial weights, the order of the data and the noise. One
    fifth of the rows is held out, the same for all; the topology is fitted on the others. The data
    are centred and divided by one overall scale inside, so their units do not matter.

    Args:
        points: Data, shape (N, D), N >= 20.
        hamiltonian: The perturbation; None builds anchors by `PersistentTopology(latent_dim)`.
        latent_dim: Dimension d of the latent space.
        coupling: λ where the Hamiltonian is built here; None is
            `Adiabatic(30, off_at=0.7, power=3)`.
        model: Factory (input_dim, latent_dim) -> nn.Module with ``encode(x) -> (mean, logvar)``
            and ``decode(z) -> x̂``; None is `MLPVAE`.
        n_seeds: Number K of seeds, at least 3.
        controls: Arms beside baseline and perturbed: "shuffled" (anchors permuted over the
            training rows), "pca" (anchors from principal components), "constant" (λ never
            switched off).
        training: How to train; None is `TrainingConfig()`. Its noise variance is in squared units
            of the points; None there is 0.4 of the mean variance per feature (from 20 features
            up; below that 0.02 of the total variance).
        rule: Thresholds of the verdict; None is `VerdictRule()`.
        seed: Decides the split and every stream of the runs.
        on_progress: Called after every step of training.

    Returns:
        The report.

    Raises:
        InvalidInputError: If an argument cannot be used; raised before any training.
    """
    device = points.device if isinstance(points, Tensor) else torch.device("cpu")
    rows = check_points(points)
    check_not_constant(rows)
    if len(rows) < _MIN_POINTS:
        msg = f"`points` has {len(rows)} rows; a comparison needs at least {_MIN_POINTS}."
        raise InvalidInputError(msg)
    latent_dim = check_count(latent_dim, name="latent_dim")
    n_seeds = check_count(n_seeds, name="n_seeds", minimum=3)
    seed = check_count(seed, name="seed", minimum=0)
    training = TrainingConfig() if training is None else training
    rule = VerdictRule() if rule is None else rule
    for name, value, kind in (("training", training, TrainingConfig), ("rule", rule, VerdictRule)):
        if not isinstance(value, kind):
            msg = f"`{name}` must be a topopert.{kind.__name__} or None, got {value!r}."
            raise InvalidTypeError(msg)
    if on_progress is not None and not callable(on_progress):
        msg = f"`on_progress` must be callable or None, got {on_progress!r}."
        raise InvalidTypeError(msg)
    if latent_dim > rows.shape[1]:
        msg = (
            f"latent_dim={latent_dim} is above the data's dimension, {rows.shape[1]}. "
            f"Choose latent_dim <= {rows.shape[1]}."
        )
        raise InvalidInputError(msg)
    if hamiltonian is not None and not isinstance(hamiltonian, Hamiltonian):
        msg = f"`hamiltonian` must be a topopert.Hamiltonian or None, got {type(hamiltonian)}."
        raise InvalidInputError(msg)
    if hamiltonian is not None and coupling is not None:
        msg = "`coupling` is for a Hamiltonian built here; the one given has its own. Drop one."
        raise InvalidInputError(msg)
    coupling = checked_coupling(DEFAULT_COUPLING if coupling is None else coupling)
    check_controls(controls, hamiltonian)

    split_rng, control_rng, evaluation_rng = spawn_generators(seed, 3)
    train_rows, test_rows = _split(len(rows), split_rng)
    units = data_units(rows[train_rows], training.noise_variance)
    inside = torch.as_tensor(units.inside(rows), dtype=torch.float32, device=device)
    streams = spawn_runs(seed, n_seeds)
    factory = MLPVAE if model is None else model
    models = _build_models(factory, inside, latent_dim, streams)

    topology, anchors = None, None
    if hamiltonian is None:
        topology = PersistentTopology(latent_dim=latent_dim).fit(rows[train_rows])
        # In double precision, unlike the potential's own.
        anchors = topology.transform(rows[train_rows])
        hamiltonian = Hamiltonian(AnchorPotential(topology.anchors()), coupling)
    plans = plan_arms(
        hamiltonian,
        rows[train_rows],
        controls,
        anchors=anchors,
        rng=control_rng,
        device=inside.device,
    )
    _check_energy(plans[1], latent_dim)
    evaluation_seed = int(evaluation_rng.integers(2**62))
    arms = {}
    for index, plan in enumerate(plans):
        report_step = None
        if on_progress is not None:
            report_step = _reporter(on_progress, plan.name, index, len(plans))
        arms[plan.name] = _run_arm(
            plan,
            models,
            inside[train_rows],
            inside[test_rows],
            units=units,
            training=training,
            streams=streams,
            evaluation_seed=evaluation_seed,
            on_step=report_step,
        )
        logger.info("arm %s: %.1f s", plan.name, arms[plan.name].seconds)
    settings = {
        "n_points": len(rows),
        "n_features": rows.shape[1],
        "latent_dim": latent_dim,
        "n_seeds": n_seeds,
        "seed": seed,
        "controls": list(controls),
        "training": {k: _plain(v) for k, v in asdict(training).items()},
        "noise_variance": float(units.noise_variance),
        "data_scale": units.scale,
        "model": getattr(factory, "__name__", repr(factory)),
        "hamiltonian": repr(hamiltonian),
        "coupling": repr(hamiltonian.coupling),
        "topology": None if topology is None else repr(topology),
        "layout": None if topology is None else topology.layout_,
        "rule": {k: _plain(v) for k, v in asdict(rule).items()},
        "device": str(inside.device),
        "torch": torch.__version__,
    }
    return ComparisonReport(
        arms=MappingProxyType(arms),
        verdicts=MappingProxyType(
            {
                name: decide(arms["baseline"], arm, rule)
                for name, arm in arms.items()
                if name != "baseline"
            }
        ),
        settings=MappingProxyType(settings),
        train_rows=train_rows,
        test_rows=test_rows,
        diagrams=() if topology is None else topology.diagrams_,
        features=() if topology is None else topology.features_,
    )


def _split(n_points: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    order = rng.permutation(n_points)
    n_test = max(3, round(_TEST_SHARE * n_points))
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def _build_models(
    factory: ModelFactory, inside: Tensor, latent_dim: int, streams: Sequence[RunStreams]
) -> list[nn.Module]:
    """The initial models of all seeds, on the device of the points."""
    models = []
    if isinstance(factory, nn.Module) or not callable(factory):
        msg = (
            "`model` must be a factory (input_dim, latent_dim) -> nn.Module that builds a fresh "
            f"model per seed, e.g. a class, not {type(factory).__name__} itself."
        )
        raise InvalidInputError(msg)
    for run in streams:
        with seeded_init(run.init):
            try:
                model = factory(inside.shape[1], latent_dim)
            except TypeError as err:
                msg = (
                    "`model` must be a factory (input_dim, latent_dim) -> nn.Module, e.g. a "
                    f"class; calling it with ({inside.shape[1]}, {latent_dim}) gave: {err}"
                )
                raise InvalidInputError(msg) from err
        if not models:
            check_model(model, inside[:2].cpu(), latent_dim)
        models.append(model.to(inside.device))
    return models


def _check_energy(perturbed: ArmPlan, latent_dim: int) -> None:
    """One energy of two rows, so that a wrong shape is met before training and not after."""
    if perturbed.energy is None or perturbed.context is None:
        return
    context = perturbed.context[:2]
    mean = torch.zeros(len(context), latent_dim, device=context.device)
    energy = perturbed.energy(mean, torch.zeros_like(mean), context, 0.0)
    if energy.shape != mean.shape[:1] or not torch.isfinite(energy).all():
        msg = f"The Hamiltonian's energy of two rows must be two finite numbers, got {energy}."
        raise InvalidInputError(msg)


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own, which JSON can hold."""
    return value.item() if isinstance(value, np.generic) else value


def _reporter(
    on_progress: Callable[[Progress], None], arm: str, arm_index: int, n_arms: int
) -> Callable[[StepRecord], None]:
    def report(record: StepRecord) -> None:
        on_progress(
            Progress(
                arm=arm,
                arm_index=arm_index,
                n_arms=n_arms,
                step=record.step,
                n_steps=record.n_steps,
            )
        )

    return report


def _run_arm(
    plan: ArmPlan,
    models: Sequence[nn.Module],
    train: Tensor,
    test: Tensor,
    *,
    units: DataUnits,
    training: TrainingConfig,
    streams: Sequence[RunStreams],
    evaluation_seed: int,
    on_step: Callable[[StepRecord], None] | None,
) -> Arm:
    losses: list[Tensor] = []

    def record(step: StepRecord) -> None:
        losses.append(step.loss)
        if on_step is not None:
            on_step(step)

    started = time.perf_counter()
    ensemble = train_ensemble(
        models,
        train,
        noise_variance=units.noise_variance_inside,
        config=training,
        streams=streams,
        energy=plan.energy,
        context=plan.context,
        on_step=record,
    )
    seconds = time.perf_counter() - started
    held_out = evaluate(
        ensemble,
        test,
        noise_variance=units.noise_variance_inside,
        generator=torch.Generator().manual_seed(evaluation_seed),
    )
    finite = np.isfinite(held_out.mean).all(axis=(1, 2)) & np.isfinite(held_out.neg_elbo)
    curve = torch.stack(losses).cpu().numpy()
    return Arm(
        name=plan.name,
        latents=held_out.mean,
        neg_elbo=held_out.neg_elbo,
        kl_per_axis=held_out.kl_per_axis,
        learning_curve=np.stack(
            [part.mean(axis=0) for part in np.array_split(curve, min(_CURVE_POINTS, len(curve)))]
        ),
        seconds=seconds,
        diverged=tuple(int(k) for k in np.flatnonzero(~finite)),
        metrics=degeneracy(held_out.mean[finite]) if finite.sum() >= 3 else None,
    )
