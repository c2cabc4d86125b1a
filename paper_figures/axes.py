"""Does perturbation theory predict the axes that a trained VAE chooses?

VAEs are trained with a landscape V(z), ten seeds each, and the principal axes of their held-out
latent means are compared with two predictions: the eigenvectors of the splitting matrix
M = E₀[∇²V], the softest axis first, which is first-order perturbation theory, and the principal
axes of the tilted prior p_λ, which is the same to all orders: its covariance is I − λM + O(λ²).
Both say that the softest axis gets the largest variance. Beside each angle, a mean over the d axes
in that order, stands what a random rotation would give.

The answer and its figures are printed and kept in `axes.json`. Run by
`python -m paper_figures.axes`; `--recompute` trains anew.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from scipy.stats import ortho_group

import topopert as tp
from topopert import datasets
from topopert.comparison.runs.units import data_units
from topopert.comparison.statistics.estimate import mean_estimate
from topopert.hamiltonian import coupling_at
from topopert.hamiltonian.perturbation import splitting_matrix
from topopert.models import MLPVAE, train_ensemble
from topopert.rng import seeded_init, spawn_runs

from .cache import Arrays, cached

N_SEEDS, SEED, N_POINTS, N_STEPS = 10, 0, 1000, 1000
CASES = (("clusters", 2), ("swiss_roll", 2), ("digits", 3))
LANDSCAPES = ("wells of the topology", "few wells")
STRENGTHS = (0.25, 1.0, 4.0)  # standard deviation of λV under the prior, at its start
SCHEDULES = ("constant", "adiabatic")
OFF_AT = 0.5
KEPT = Path(__file__).with_suffix(".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What is trained; without a landscape, the baseline."""

    data: str
    latent_dim: int
    landscape: str = "none"
    strength: float = 0.0
    schedule: str = "constant"


def arms() -> list[Arm]:
    answer = []
    for data, d in CASES:
        answer.append(Arm(data=data, latent_dim=d))
        for landscape, strength, schedule in itertools.product(LANDSCAPES, STRENGTHS, SCHEDULES):
            answer.append(
                Arm(
                    data=data,
                    latent_dim=d,
                    landscape=landscape,
                    strength=strength,
                    schedule=schedule,
                )
            )
    return answer


def points_of(data: str) -> np.ndarray:
    if data == "digits":
        return datasets.digits().points
    settings = {"ambient_dim": 20, "noise": 0.05, "rng": np.random.default_rng(SEED)}
    return getattr(datasets, data)(n_points=N_POINTS, **settings).points


def few_wells(latent_dim: int) -> tp.WellSpec:
    """Pairs of wells on the first d − 1 of d turned axes, so that no two axes are alike."""
    turn = np.eye(latent_dim)
    if latent_dim == 2:
        turn = Rotation.from_rotvec([0, 0, np.deg2rad(30)]).as_matrix()[:2, :2]
    elif latent_dim == 3:
        turn = Rotation.from_euler("xyz", [30, 40, 50], degrees=True).as_matrix()
    reach, depth = np.array([1.6, 1.1])[: latent_dim - 1], np.array([1.0, 0.6])[: latent_dim - 1]
    axes = turn[:, : latent_dim - 1].T * reach[:, None]
    return tp.WellSpec(
        centers=np.concatenate([axes, -axes]),
        depths=np.concatenate([depth, depth]),
        widths=np.full(2 * (latent_dim - 1), 0.8),
    )


def landscape_of(arm: Arm, training_points: np.ndarray) -> tp.WellPotential:
    if arm.landscape == "few wells":
        return tp.WellPotential(few_wells(arm.latent_dim))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.TopopertWarning)
        topology = tp.PersistentTopology(latent_dim=arm.latent_dim).fit(training_points)
    return tp.WellPotential(topology.wells())


def descending_axes(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, the largest first, and eigenvectors as columns."""
    values, vectors = np.linalg.eigh(matrix)
    return values[::-1], vectors[:, ::-1]


def trained(arm: Arm) -> Arrays:
    """The latents of one arm and what is predicted of them."""
    points = points_of(arm.data)
    rows = np.random.default_rng(SEED).permutation(len(points))
    test, train = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    units = data_units(points[train], None)
    inside = torch.as_tensor(units.inside(points), dtype=torch.float32)
    streams, models, d = spawn_runs(SEED, N_SEEDS), [], arm.latent_dim
    for stream in streams:
        with seeded_init(stream.init):
            models.append(MLPVAE(points.shape[1], d))
    energy, covariance, matrix = None, np.full((d, d), np.nan), np.full((d, d), np.nan)
    coupling = 0.0
    if arm.landscape != "none":
        potential = landscape_of(arm, points[train])
        draws = torch.randn(20_000, d, generator=torch.Generator().manual_seed(SEED))
        coupling = arm.strength / float(potential(draws).std())
        schedule = (
            tp.Constant(coupling)
            if arm.schedule == "constant"
            else tp.Adiabatic(coupling, off_at=OFF_AT)
        )
        matrix = splitting_matrix(potential, d).numpy()
        prior = tp.Hamiltonian(potential, coupling).prior()
        draws = prior.sample((20_000,), generator=torch.Generator().manual_seed(SEED))
        covariance = np.cov(draws.double().numpy().T)

        def energy(mean, logvar, context, progress):
            return coupling_at(schedule, progress) * potential.expectation(mean, logvar)

    ensemble = train_ensemble(
        models,
        inside[train],
        noise_variance=units.noise_variance_inside,
        config=tp.TrainingConfig(n_steps=N_STEPS),
        streams=streams,
        energy=energy,
    )
    mean, logvar = (value.double().numpy() for value in ensemble.encode(inside[test]))
    return {
        "latents": mean,  # (K, N, d)
        "variances": np.exp(logvar).mean(axis=1),  # (K, d)
        "matrix": matrix,
        "covariance": covariance,  # of p_λ
        "coupling": np.array(coupling),
    }


def compute() -> Arrays:
    answer: Arrays = {}
    for number, arm in enumerate(arms()):
        started = time.perf_counter()
        answer |= {f"{number} {name}": value for name, value in trained(arm).items()}
        print(f"{arm}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    return answer


def angles(first: np.ndarray, second: np.ndarray) -> tuple[float, float, bool]:
    """Mean angle of axes in order, of axes matched at best, in degrees; whether these agree."""
    cosines = np.clip(np.abs(first.T @ second), 0, 1)
    between = np.degrees(np.arccos(cosines))  # (d, d)
    d = len(between)
    means = {p: between[np.arange(d), p].mean() for p in itertools.permutations(range(d))}
    best = min(means, key=lambda p: means[p])
    ordered = tuple(range(d))
    return float(means[ordered]), float(means[best]), best == ordered


def chance(latent_dim: int) -> tuple[float, float, float]:
    """What a random rotation gives: both angles and the share of right orders."""
    draws = ortho_group.rvs(latent_dim, size=4000, random_state=np.random.default_rng(SEED))
    return tuple(np.mean([angles(np.eye(latent_dim), turn) for turn in draws], axis=0))


def record_of(arm: Arm, arrays: Arrays) -> dict:
    """The figures of one arm, those over seeds as [mean, low, high]."""
    found = [descending_axes(np.cov(z.T)) for z in arrays["latents"]]
    pairs = np.array([[angles(a, b)[0] for _, b in found] for _, a in found])
    record = asdict(arm) | {
        "coupling": float(arrays["coupling"]),
        "variances of the means": np.mean([values for values, _ in found], axis=0).tolist(),
        "between seeds": interval(pairs.sum(axis=1) / (len(pairs) - 1)),
    }
    if arm.landscape == "none":
        return record
    moments = float(arrays["coupling"]) * np.linalg.eigvalsh(arrays["matrix"])
    record["splitting"] = float(moments[-1] - moments[0])
    for name, matrix in (("M", -arrays["matrix"]), ("prior", arrays["covariance"])):
        axes = descending_axes(matrix)[1]
        compared = np.array([angles(axes, own) for _, own in found])
        record[name] = interval(compared[:, 0])
        record[f"{name}, best matched"] = interval(compared[:, 1])
        record[f"{name}, seeds in order"] = float(compared[:, 2].mean())
    axes = descending_axes(-arrays["matrix"])[1]
    # Of the aggregated posterior: means and variances within.
    spread = [
        np.einsum("ik,ij,jk->k", axes, np.cov(z.T) + np.diag(own), axes)
        for z, own in zip(arrays["latents"], arrays["variances"], strict=True)
    ]
    record["variances along M"] = np.mean(spread, axis=0).tolist()
    record["variances of the prior"] = np.diag(axes.T @ arrays["covariance"] @ axes).tolist()
    return record


def interval(per_seed: np.ndarray) -> list[float]:
    estimate = mean_estimate(per_seed)
    return [estimate.value, estimate.low, estimate.high]


def shown(value: list[float]) -> str:
    mean, low, high = value
    return f"{mean:.3g} [{max(low, 0):.2g}, {high:.2g}]"


def table(records: list[dict], by_chance: dict[int, tuple[float, float, float]]) -> list[str]:
    lines = [
        "| data | d | landscape | σ(λV) | schedule | λ(m_d − m₁) | to M | to p_λ | between seeds "
        "| chance | variance along M: latents; p_λ |",
        "|" + "---|" * 11,
    ]
    for own in records:
        d = own["latent_dim"]
        cells = [own["data"].replace("_", " "), str(d), own["landscape"]]
        if own["landscape"] == "none":
            cells += ["–"] * 5
        else:
            cells += [f"{own['strength']:g}", own["schedule"], f"{own['splitting']:.2g}"]
            cells += [shown(own["M"]), shown(own["prior"])]
        cells += [shown(own["between seeds"]), f"{by_chance[d][0]:.0f}"]
        pair = ("variances along M", "variances of the prior")
        cells.append(
            "; ".join(", ".join(f"{v:.2f}" for v in own[name]) for name in pair if name in own)
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> None:
    arrays = cached(compute, recompute="--recompute" in sys.argv[1:])
    records = []
    for number, arm in enumerate(arms()):
        parts = {name.split(" ", 1)[1]: v for name, v in arrays.items() if _is_of(name, number)}
        records.append(record_of(arm, parts))
    by_chance = {d: chance(d) for d in (2, 3)}
    KEPT.write_text(json.dumps({"chance": by_chance, "arms": records}, indent=1) + "\n")
    print("\n".join(table(records, by_chance)))
    for d, (ordered, matched, in_order) in by_chance.items():
        print(
            f"chance in d = {d}: {ordered:.1f}° in order, {matched:.1f}° best matched, "
            f"{100 * in_order:.0f} % in order"
        )


def _is_of(name: str, number: int) -> bool:
    return name.split(" ", 1)[0] == str(number)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
