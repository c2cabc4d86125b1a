"""The comparison: seeds against seeds, with and without the perturbation, and against controls."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from topopert.errors import InvalidTypeError
from topopert.hamiltonian import Coupling, Hamiltonian
from topopert.models import TrainingConfig

from .arms import Arm
from .metrics.degeneracy import degeneracy
from .metrics.faithfulness import faithfulness
from .report import ComparisonReport
from .running import run_setup
from .runs.own_training import TrainingFunction
from .runs.progress import Progress
from .runs.run_folder import RunFolder
from .runs.tasks import Chunk, ChunkResult
from .runs.variation import ModelFactory
from .setup import Setup, prepare
from .verdict import VerdictRule, decide

__all__ = ["compare"]


def compare(
    points: Any,
    hamiltonian: Hamiltonian | None = None,
    *,
    latent_dim: int = 2,
    coupling: float | Coupling | None = None,
    model: ModelFactory | Sequence[ModelFactory] | None = None,
    n_seeds: int = 10,
    controls: Sequence[str] = ("shuffled", "pca"),
    training: TrainingConfig | None = None,
    rule: VerdictRule | None = None,
    directory: str | os.PathLike[str] | None = None,
    executor: str | None = None,
    vary: str = "seed",
    train: TrainingFunction | None = None,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
) -> ComparisonReport:
    """Train every arm over the same seeds, and judge on held-out rows what was lifted.

    All arms share, seed by seed, the initial weights, the order of the data and the noise. One
    fifth of the rows is held out, the same for all; the topology is fitted on the others. The data
    are centred and divided by one overall scale inside, so their units do not matter (a Bernoulli
    likelihood takes them as they are).

    Args:
        points: Data, shape (N, D), N >= 20. A memory map is not copied whole: beside its own
            pages a comparison holds single-precision rows and a copy of the training rows.
        hamiltonian: The perturbation; None builds anchors by `PersistentTopology(latent_dim)`.
        latent_dim: Dimension d of the latent space.
        coupling: λ where the Hamiltonian is built here; None is
            `Adiabatic(10, off_at=0.7, power=3)`.
        model: Factory (input_dim, latent_dim) -> nn.Module with ``encode(x) -> (mean, logvar)``
            and ``decode(z)``, which gives x̂, or x̂ and the log-variance it has learned, or logits
            for a Bernoulli likelihood; None is `MLPVAE`. With vary="architecture" a sequence of
            factories, which the runs take in turn.
        n_seeds: Number K of seeds, at least 3.
        controls: Arms beside baseline and perturbed: "shuffled" (anchors permuted over the
            training rows), "pca" (anchors from principal components), "constant" (λ never
            switched off), "landscape" (the topology's wells in place of its anchors), "signature"
            (`SignaturePotential`, its λ on the same course up to the weight of a topological
            autoencoder with λ = 1, D/2σ² in nats), "finetuned" (the trained baseline, trained on
            with the perturbation for a quarter of the steps).
        training: How to train; None is `TrainingConfig()`. Its noise variance is in squared units
            of the points; None there is 0.4 of the mean variance per feature (from 20 features
            up; below that 0.02 of the total variance).
        rule: Thresholds of the verdict; None is `VerdictRule()`.
        directory: Folder in which each chunk of seeds is kept as it ends, and the report at the
            end; a second call with the same arguments goes on where the first stopped.
        executor: joblib's backend for arms side by side: "loky" (processes on this machine),
            "dask" (the cluster of the current `distributed.Client`) or "ray"; None trains one arm
            after the other, all its seeds at once.
        vary: What differs between the runs of an arm: "seed" (weights, order, noise), "bootstrap"
            (the training rows are resampled, too) or "architecture" (the widths, too). The
            Hamiltonian is one for all runs.
        train: Own training function for models that ours cannot train: takes a model and a
            `TrainingRun`, trains the model in place or returns the trained one.
        seed: Decides the split and every stream of the runs.
        on_progress: Called after every step of training, with an executor after every chunk.

    Returns:
        The report.

    Raises:
        InvalidInputError: If an argument cannot be used, points and latents do not fit into the
            machine's memory, or the directory is in use or holds a comparison with other
            arguments; raised before any training. Or if a file cannot be written.
        MissingDependencyError: If the executor's package is not installed.
        BackendError: If a worker of the executor dies, or memory runs out.

    References:
        Moor, Horn, Rieck, Borgwardt, Topological autoencoders (2020), for the signature control.
    """
    if directory is not None and not isinstance(directory, str | os.PathLike):
        msg = f"`directory` must be a path or None, got {directory!r}."
        raise InvalidTypeError(msg)
    setup = prepare(
        points,
        hamiltonian,
        latent_dim=latent_dim,
        coupling=coupling,
        model=model,
        n_seeds=n_seeds,
        controls=controls,
        training=training,
        rule=rule,
        executor=executor,
        vary=vary,
        train=train,
        seed=seed,
        on_progress=on_progress,
    )
    folder = None if directory is None else RunFolder(Path(directory), setup.arguments)
    with nullcontext() if folder is None else folder.claimed():
        results = run_setup(setup, folder, executor, on_progress)
        report = _report(setup, results)
        if directory is not None:
            report.save(directory)
    return report


def _report(setup: Setup, results: dict[Chunk, ChunkResult]) -> ComparisonReport:
    arms = {plan.name: _arm(setup, plan.name, results) for plan in setup.plans}
    topology, hamiltonian = setup.topology, setup.hamiltonian
    settings = {
        **{k: v for k, v in setup.arguments.items() if k not in ("coupling", "hamiltonian")},
        "noise_variance": None
        if setup.training.likelihood == "bernoulli"
        else setup.units.noise_variance,
        "data_scale": setup.units.scale,
        "hamiltonian": repr(hamiltonian),
        "coupling": repr(hamiltonian.coupling),
        "topology": None if topology is None else repr(topology),
        "layout": None if topology is None else topology.layout_,
    }
    return ComparisonReport(
        arms=MappingProxyType(arms),
        verdicts=MappingProxyType(
            {
                name: decide(arms["baseline"], arm, setup.rule)
                for name, arm in arms.items()
                if name != "baseline"
            }
        ),
        settings=MappingProxyType(settings),
        train_rows=setup.train_rows,
        test_rows=setup.test_rows,
        diagrams=() if topology is None else topology.diagrams_,
        features=() if topology is None else topology.features_,
    )


def _arm(setup: Setup, name: str, results: dict[Chunk, ChunkResult]) -> Arm:
    """The chunks of an arm put together, seeds in order."""
    chunks = [chunk for chunk in results if chunk.arm == name]
    order = np.argsort(np.concatenate([chunk.seeds for chunk in chunks]))
    parts = [results[chunk] for chunk in chunks]

    def joined(field: str) -> np.ndarray:
        return np.concatenate([getattr(part, field) for part in parts])[order]

    latents, neg_elbo, kl = (joined(f) for f in ("latents", "neg_elbo", "kl_per_axis"))
    finite = np.isfinite(latents).all(axis=(1, 2)) & np.isfinite(neg_elbo)
    enough = finite.sum() >= 3
    held_out = setup.test.cpu().numpy()
    length = min(len(part.learning_curve) for part in parts)
    curve = np.concatenate([part.learning_curve[:length] for part in parts], axis=1)
    return Arm(
        name=name,
        latents=latents,
        logvars=joined("logvars"),
        neg_elbo=neg_elbo,
        reconstruction=joined("reconstruction"),
        kl_per_axis=kl,
        learning_curve=curve[:, order],
        seconds=sum(part.seconds for part in parts),
        diverged=tuple(int(k) for k in np.flatnonzero(~finite)),
        metrics=degeneracy(latents[finite], kl_per_axis=kl[finite]) if enough else None,
        faithfulness=faithfulness(held_out, latents[finite]) if enough else None,
    )
