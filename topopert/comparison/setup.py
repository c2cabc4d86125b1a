"""All that happens before training: checks, one split, units, topology, the arms' plans."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from topopert._checks import check_choice, check_count, check_not_constant, check_points
from topopert.errors import InvalidInputError, InvalidTypeError
from topopert.hamiltonian import (
    Adiabatic,
    AnchorPotential,
    Coupling,
    Hamiltonian,
    checked_coupling,
)
from topopert.models import TrainingConfig
from topopert.rng import RunStreams, spawn_generators, spawn_runs
from topopert.topology import PersistentTopology

from .runs.controls import check_controls
from .runs.execution import check_executor
from .runs.fingerprint import (
    array_digest,
    callable_name,
    coupling_values,
    hamiltonian_digest,
    versions,
)
from .runs.memory import check_memory
from .runs.own_training import TrainingFunction
from .runs.plans import ArmPlan, plan_arms
from .runs.tasks import Chunk, Task
from .runs.units import DataUnits, data_units, unit_interval
from .runs.variation import (
    VARIATIONS,
    ModelFactory,
    bootstrap_samples,
    initial_models,
    model_factories,
)
from .verdict import VerdictRule

__all__ = ["DEFAULT_COUPLING", "Setup", "prepare"]

# Strong early, to carry clusters past each other; weak for long, which settles rotations and costs
# little; 30 % of training left for the unperturbed objective. Chosen by a rule from the fronts of
# ten data sets, which `make fronts` measures: paper_figures/fronts.py.
DEFAULT_COUPLING = Adiabatic(10.0, off_at=0.7, power=3)
_TEST_SHARE = 0.2
_MIN_POINTS = 20
# Seeds that train at once: more gain little, and what a folder keeps is kept chunk by chunk.
_SEEDS_AT_ONCE = 10
_FINETUNING_SHARE = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setup:
    """A comparison that is ready to be trained."""

    train_rows: NDArray[np.intp]
    test_rows: NDArray[np.intp]
    train: Tensor  # the training rows as the models see them, (N_train, D)
    test: Tensor  # the held-out ones, (N_test, D)
    units: DataUnits
    training: TrainingConfig
    rule: VerdictRule
    plans: list[ArmPlan]
    models: list[nn.Module]  # initial ones, (K,)
    n_architectures: int
    streams: list[RunStreams]
    samples: Tensor | None  # (K, N_train)
    function: TrainingFunction | None
    evaluation_seed: int
    topology: PersistentTopology | None
    hamiltonian: Hamiltonian
    arguments: dict[str, Any]  # all that decides what is trained, plain values
    latent_dim: int

    def task(self, plan: ArmPlan, seeds: range) -> Task:
        """The training of some seeds of an arm, from their initial weights."""
        config = self.training
        if plan.continues is not None:
            config = replace(config, n_steps=max(1, config.n_steps // _FINETUNING_SHARE))
        return Task(
            chunk=Chunk(plan.name, tuple(seeds)),
            plan=plan,
            models=[self.models[k] for k in seeds],
            streams=[self.streams[k] for k in seeds],
            samples=None if self.samples is None else self.samples[_as_slice(seeds)],
            train=self.train,
            test=self.test,
            noise_variance=self.units.noise_variance_inside,
            config=config,
            function=self.function,
            evaluation_seed=self.evaluation_seed,
        )

    def fresh_model(self, seed: int) -> nn.Module:
        """A copy of a run's initial model."""
        return copy.deepcopy(self.models[seed])

    def tasks(self) -> list[Task]:
        """All tasks, arm by arm."""
        groups = []
        for first in range(self.n_architectures):
            seeds = range(first, len(self.models), self.n_architectures)
            groups += [seeds[i : i + _SEEDS_AT_ONCE] for i in range(0, len(seeds), _SEEDS_AT_ONCE)]
        return [self.task(plan, seeds) for plan in self.plans for seeds in groups]


def prepare(
    points: Any,
    hamiltonian: Hamiltonian | None,
    *,
    latent_dim: int,
    coupling: float | Coupling | None,
    model: ModelFactory | Sequence[ModelFactory] | None,
    n_seeds: int,
    controls: Sequence[str],
    training: TrainingConfig | None,
    rule: VerdictRule | None,
    executor: str | None,
    vary: str,
    train: TrainingFunction | None,
    seed: int,
    on_progress: Callable[..., None] | None,
) -> Setup:
    """Check the arguments of `compare`, cheap checks first, and make all that training needs.

    Raises:
        InvalidInputError: If an argument cannot be used.
        MissingDependencyError: If the executor's package is not installed.
    """
    device = points.device if isinstance(points, Tensor) else torch.device("cpu")
    latent_dim = check_count(latent_dim, name="latent_dim")
    n_seeds = check_count(n_seeds, name="n_seeds", minimum=3)
    seed = check_count(seed, name="seed", minimum=0)
    training = TrainingConfig() if training is None else training
    rule = VerdictRule() if rule is None else rule
    for name, value, kind in (("training", training, TrainingConfig), ("rule", rule, VerdictRule)):
        if not isinstance(value, kind):
            msg = f"`{name}` must be a topopert.{kind.__name__} or None, got {value!r}."
            raise InvalidTypeError(msg)
    for name, value in (("on_progress", on_progress), ("train", train)):
        if value is not None and not callable(value):
            msg = f"`{name}` must be callable or None, got {value!r}."
            raise InvalidTypeError(msg)
    if hamiltonian is not None and not isinstance(hamiltonian, Hamiltonian):
        msg = f"`hamiltonian` must be a topopert.Hamiltonian or None, got {type(hamiltonian)}."
        raise InvalidInputError(msg)
    if hamiltonian is not None and coupling is not None:
        msg = "`coupling` is for a Hamiltonian built here; the one given has its own. Drop one."
        raise InvalidInputError(msg)
    coupling = checked_coupling(DEFAULT_COUPLING if coupling is None else coupling)
    check_controls(controls, hamiltonian)
    check_choice(vary, VARIATIONS, name="vary")
    factories = model_factories(model, vary)
    check_executor(executor)
    _check_size(points, latent_dim=latent_dim, n_seeds=n_seeds, n_arms=2 + len(controls))
    rows = _checked_rows(points, latent_dim)

    split_rng, control_rng, evaluation_rng = spawn_generators(seed, 3)
    train_rows, test_rows = _split(len(rows), split_rng)
    training_rows = rows[train_rows]
    if training.likelihood == "bernoulli":
        units = unit_interval(rows)
    else:
        units = data_units(training_rows, training.noise_variance)
    inside = torch.from_numpy(units.rows_inside(rows, train_rows)).to(device)
    streams = spawn_runs(seed, n_seeds)
    models = initial_models(
        factories, inside[:2], latent_dim, streams, likelihood=training.likelihood
    )
    samples = None
    if vary == "bootstrap":
        samples = bootstrap_samples(len(train_rows), streams).to(device)

    topology, anchors = None, None
    if hamiltonian is None:
        topology = PersistentTopology(latent_dim=latent_dim).fit(training_rows)
        # In double precision, unlike the potential's own.
        anchors = topology.transform(training_rows)
        hamiltonian = Hamiltonian(AnchorPotential(topology.anchors()), coupling)
    wanted = "landscape" in controls and topology is not None
    plans = plan_arms(
        hamiltonian,
        training_rows,
        controls,
        anchors=anchors,
        wells=topology.wells() if wanted and topology is not None else None,
        signature_strength=rows.shape[1] / (2 * units.noise_variance_inside),
        rng=control_rng,
        device=inside.device,
    )
    for plan in plans:
        _check_energy(plan, inside[:2], latent_dim)
    evaluation_seed = int(evaluation_rng.integers(2**62))
    arguments = {
        "points": array_digest(rows),
        "n_points": len(rows),
        "n_features": rows.shape[1],
        "latent_dim": latent_dim,
        "n_seeds": n_seeds,
        "seed": seed,
        "controls": list(controls),
        "vary": vary,
        "training": {k: _plain(v) for k, v in asdict(training).items()},
        "model": [callable_name(factory) for factory in factories],
        "initial_weights": array_digest(*(p for m in models for p in m.state_dict().values())),
        "train": None if train is None else callable_name(train),
        "hamiltonian": hamiltonian_digest(hamiltonian),
        "coupling": coupling_values(hamiltonian.coupling),
        "rule": {k: _plain(v) for k, v in asdict(rule).items()},
        "device": str(inside.device),
        "versions": versions(),
    }
    return Setup(
        train_rows=train_rows,
        test_rows=test_rows,
        train=inside,
        test=torch.from_numpy(units.rows_inside(rows, test_rows)).to(device),
        units=units,
        training=training,
        rule=rule,
        plans=plans,
        models=models,
        n_architectures=len(factories),
        streams=streams,
        samples=samples,
        function=train,
        evaluation_seed=evaluation_seed,
        topology=topology,
        hamiltonian=hamiltonian,
        arguments=arguments,
        latent_dim=latent_dim,
    )


def _checked_rows(points: Any, latent_dim: int) -> NDArray[np.floating[Any]]:
    rows = check_points(points)
    check_not_constant(rows)
    if len(rows) < _MIN_POINTS:
        msg = f"`points` has {len(rows)} rows; a comparison needs at least {_MIN_POINTS}."
        raise InvalidInputError(msg)
    if latent_dim > rows.shape[1]:
        msg = (
            f"latent_dim={latent_dim} is above the data's dimension, {rows.shape[1]}. "
            f"Choose latent_dim <= {rows.shape[1]}."
        )
        raise InvalidInputError(msg)
    return rows


def _check_size(points: Any, *, latent_dim: int, n_seeds: int, n_arms: int) -> None:
    """Refuse what memory cannot hold before a file that is mapped is read through."""
    shape = getattr(points, "shape", ())
    if len(shape) != 2 or not all(isinstance(size, int) for size in shape):
        return  # for other checks to say
    check_memory(
        (shape[0], shape[1]),
        itemsize=4 if str(getattr(points, "dtype", "")).endswith("float32") else 8,
        n_test=_n_test(shape[0]),
        latent_dim=latent_dim,
        n_seeds=n_seeds,
        n_arms=n_arms,
    )


def _n_test(n_points: int) -> int:
    return max(3, round(_TEST_SHARE * n_points))


def _as_slice(seeds: range) -> slice:
    """The seeds of a group as a slice: what it takes of a tensor is no copy."""
    return slice(seeds.start, seeds.stop, seeds.step)


def _split(n_points: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    order = rng.permutation(n_points)
    n_test = _n_test(n_points)
    return np.sort(order[n_test:]), np.sort(order[:n_test])


def _check_energy(plan: ArmPlan, rows: Tensor, latent_dim: int) -> None:
    """One energy of two rows, so that a wrong shape is met before training and not after."""
    if plan.energy is None:
        return
    context = rows if plan.context is None else plan.context[: len(rows)]
    mean = torch.zeros(len(context), latent_dim, device=context.device)
    energy = plan.energy(mean, torch.zeros_like(mean), context, 0.0)
    if energy.shape != mean.shape[:1] or not torch.isfinite(energy).all():
        msg = f"The Hamiltonian's energy of two rows must be two finite numbers, got {energy}."
        raise InvalidInputError(msg)


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own, which JSON can hold."""
    return value.item() if isinstance(value, np.generic) else value
