"""Figure 12, axes: does perturbation theory predict those that a trained VAE chooses?

VAEs are trained with a landscape V(z), and the principal axes of their held-out latent means are
compared with two predictions: the eigenvectors of the splitting matrix M = E₀[∇²V], the softest
axis first, which is first-order perturbation theory, and the principal axes of the tilted prior
p_λ, which is the same to all orders: its covariance is I − λM + O(λ²). Both say that the softest
axis gets the largest variance. An angle is a mean over the d axes in that order, so a random
rotation scores 45° in the plane.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import torch
from scipy.spatial.transform import Rotation
from scipy.stats import ortho_group

import topopert as tp
from topopert import datasets, plotting
from topopert.comparison.runs.units import data_units
from topopert.comparison.statistics.estimate import mean_estimate
from topopert.hamiltonian import coupling_at
from topopert.hamiltonian.perturbation import splitting_matrix
from topopert.models import MLPVAE, train_ensemble
from topopert.rng import seeded_init, spawn_runs

from .cache import Arrays
from .produce import figure_main
from .style import BLUE, GREEN, GREY, PAGE, RED, letter

SETTINGS = {
    "cases": (("clusters", 2), ("swiss_roll", 2), ("digits", 3)),
    "strengths": (0.25, 1.0, 4.0),  # standard deviation of λV under the prior, at its start
    "off_at": 0.5,
    "n_points": 1000,
    "n_steps": 1000,
    "n_seeds": 10,
    "seed": 0,
}
LANDSCAPES = ("wells of the topology", "few wells")
SCHEDULES = ("constant", "adiabatic")
_N_DRAWS, _N_TURNS = 20_000, 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """What is trained."""

    data: str
    latent_dim: int
    landscape: str
    strength: float
    schedule: str


def arms_of(cases: tuple[tuple[str, int], ...], strengths: tuple[float, ...]) -> list[Arm]:
    return [
        Arm(data=data, latent_dim=d, landscape=landscape, strength=strength, schedule=schedule)
        for data, d in cases
        for landscape, strength, schedule in itertools.product(LANDSCAPES, strengths, SCHEDULES)
    ]


def compute(
    cases: tuple[tuple[str, int], ...],
    strengths: tuple[float, ...],
    off_at: float,
    n_points: int,
    n_steps: int,
    n_seeds: int,
    seed: int,
) -> Arrays:
    arms = arms_of(cases, strengths)
    settings = {"off_at": off_at, "n_points": n_points, "n_steps": n_steps}
    settings |= {"n_seeds": n_seeds, "seed": seed}
    measured = joblib.Parallel(n_jobs=-1)(
        joblib.delayed(_measured)(arm, **settings) for arm in arms
    )
    answer: Arrays = {name: np.array([m[name] for m in measured]) for name in measured[0]}
    chance = {d: _chance(d, seed) for _, d in cases}
    return answer | {
        "data": np.array([arm.data for arm in arms]),
        "latent_dim": np.array([arm.latent_dim for arm in arms]),
        "landscape": np.array([arm.landscape for arm in arms]),
        "strength": np.array([arm.strength for arm in arms]),
        "schedule": np.array([arm.schedule for arm in arms]),
        "chance": np.array([chance[arm.latent_dim] for arm in arms]),
    }


def _measured(
    arm: Arm, *, off_at: float, n_points: int, n_steps: int, n_seeds: int, seed: int
) -> dict[str, Any]:
    """Angles between the axes of an arm's seeds and those predicted, in degrees."""
    torch.set_num_threads(1)
    d, points = arm.latent_dim, _points_of(arm.data, n_points, seed)
    rows = np.random.default_rng(seed).permutation(len(points))
    test, train = rows[: len(rows) // 5], rows[len(rows) // 5 :]
    units = data_units(points[train], None)
    inside = torch.as_tensor(units.inside(points), dtype=torch.float32)
    potential = _landscape_of(arm, points[train])
    normal = torch.randn(_N_DRAWS, d, generator=torch.Generator().manual_seed(seed))
    coupling = arm.strength / float(potential(normal).std())
    schedule = tp.Constant(coupling)
    if arm.schedule == "adiabatic":
        schedule = tp.Adiabatic(coupling, off_at=off_at)

    def energy(mean, logvar, context, progress):
        return coupling_at(schedule, progress) * potential.expectation(mean, logvar)

    streams, models = spawn_runs(seed, n_seeds), []
    for stream in streams:
        with seeded_init(stream.init):
            models.append(MLPVAE(points.shape[1], d))
    ensemble = train_ensemble(
        models,
        inside[train],
        noise_variance=units.noise_variance_inside,
        config=tp.TrainingConfig(n_steps=n_steps),
        streams=streams,
        energy=energy,
    )
    latents = ensemble.encode(inside[test])[0].double().numpy()  # (K, N, d)
    found = [_descending_axes(np.cov(z.T)) for z in latents]
    matrix = splitting_matrix(potential, d).numpy()
    prior = tp.Hamiltonian(potential, coupling).prior()
    draws = prior.sample((_N_DRAWS,), generator=torch.Generator().manual_seed(seed))
    by_matrix = _descending_axes(-matrix)  # the softest axis first
    by_prior = _descending_axes(np.cov(draws.double().numpy().T))
    pairs = np.array([[_angle(a, b) for b in found] for a in found])
    moments = coupling * np.linalg.eigvalsh(matrix)
    return {
        "splitting": moments[-1] - moments[0],
        "to_matrix": [_angle(by_matrix, own) for own in found],
        "to_prior": [_angle(by_prior, own) for own in found],
        "between_seeds": pairs.sum(axis=1) / (n_seeds - 1),
    }


def _points_of(data: str, n_points: int, seed: int) -> np.ndarray:
    if data == "digits":
        return datasets.digits().points
    settings = {"ambient_dim": 20, "noise": 0.05, "rng": np.random.default_rng(seed)}
    return getattr(datasets, data)(n_points=n_points, **settings).points


def _landscape_of(arm: Arm, training_points: np.ndarray) -> tp.WellPotential:
    if arm.landscape == "few wells":
        return tp.WellPotential(_few_wells(arm.latent_dim))
    with warnings.catch_warnings():
        # Latent spaces too small for a class are meant to be.
        warnings.simplefilter("ignore", tp.TopopertWarning)
        topology = tp.PersistentTopology(latent_dim=arm.latent_dim).fit(training_points)
    return tp.WellPotential(topology.wells())


def _few_wells(latent_dim: int) -> tp.WellSpec:
    """Pairs of wells on the first d − 1 of d turned axes, so that no two axes are alike."""
    if latent_dim == 2:
        turn = Rotation.from_rotvec([0, 0, np.deg2rad(30)]).as_matrix()[:2, :2]
    else:
        turn = Rotation.from_euler("xyz", [30, 40, 50], degrees=True).as_matrix()
    reach, depth = np.array([1.6, 1.1])[: latent_dim - 1], np.array([1.0, 0.6])[: latent_dim - 1]
    axes = turn[:, : latent_dim - 1].T * reach[:, None]
    return tp.WellSpec(
        centers=np.concatenate([axes, -axes]),
        depths=np.concatenate([depth, depth]),
        widths=np.full(2 * (latent_dim - 1), 0.8),
    )


def _descending_axes(matrix: np.ndarray) -> np.ndarray:
    """Eigenvectors as columns, that of the largest eigenvalue first."""
    return np.linalg.eigh(matrix)[1][:, ::-1]


def _angle(first: np.ndarray, second: np.ndarray) -> float:
    """Mean angle of the axes in their order, in degrees."""
    cosines = np.clip(np.abs((first * second).sum(axis=0)), 0, 1)
    return float(np.degrees(np.arccos(cosines)).mean())


def _chance(latent_dim: int, seed: int) -> float:
    """What a random rotation scores."""
    rng = np.random.default_rng(seed)
    turns = ortho_group.rvs(latent_dim, size=_N_TURNS, random_state=rng)
    return float(np.mean([_angle(np.eye(latent_dim), turn) for turn in turns]))


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 2.9)
    looks = {"clusters": (BLUE, "o"), "swiss_roll": (GREEN, "s"), "digits": (RED, "D")}
    titles = ("λ constant: V acts to the end", "λ switched off halfway")
    panels = figure.subplots(1, 2, sharey=True)
    for ax, schedule, title, mark in zip(panels, SCHEDULES, titles, "ab", strict=True):
        for d in np.unique(data["latent_dim"]):
            chance = data["chance"][data["latent_dim"] == d][0]
            ax.axhline(chance, color=GREY, linewidth=0.8, linestyle="--")
            if mark == "b":
                ax.text(9.6, chance, f"chance, d = {d}", color="0.35", va="center")
        for k in np.flatnonzero(data["schedule"] == schedule):
            colour, marker = looks[str(data["data"][k])]
            angle = mean_estimate(data["to_matrix"][k])
            ax.errorbar(
                data["splitting"][k],
                angle.value,
                yerr=[[angle.value - max(angle.low, 0)], [angle.high - angle.value]],
                color=colour,
                marker=marker,
                markerfacecolor=colour if data["landscape"][k] == "few wells" else "white",
                elinewidth=0.7,
            )
        ax.set(xscale="log", xlabel="predicted splitting λ(m$_d$ − m$_1$)", xlim=(0.013, 9))
        letter(ax, mark, title)
    panels[0].set(ylabel="angle to the predicted axes (°)", ylim=(0, 76))
    for name, (colour, marker) in looks.items():
        label = name.replace("_", " ")
        panels[0].plot([], [], color=colour, marker=marker, linestyle="none", label=label)
    for label, face in (("few wells", "0.3"), ("wells of the topology", "white")):
        look = {"color": "0.3", "markerfacecolor": face, "linestyle": "none"}
        panels[0].plot([], [], marker="o", label=label, **look)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
    return figure


def claims(data: Arrays) -> dict[str, str]:
    """A prediction counts as borne out where its interval lies below chance."""
    estimates = [mean_estimate(angles) for angles in data["to_matrix"]]
    angle = np.array([estimate.value for estimate in estimates])
    good = np.array([estimate.high for estimate in estimates]) < data["chance"]
    constant, few = data["schedule"] == "constant", data["landscape"] == "few wells"
    strongest = data["strength"] == data["strength"].max()
    found = {"n_seeds": str(data["to_matrix"].shape[1])}
    groups = {
        "few.strongest": constant & few & strongest,
        "few.weakest": constant & few & (data["strength"] == data["strength"].min()),
        "topology.strongest": constant & ~few & strongest,
        "adiabatic.few.strongest": ~constant & few & strongest,
    }
    for name, chosen in groups.items():
        found[f"{name}.range"] = f"{angle[chosen].min():.0f} to {angle[chosen].max():.0f}°"
    split = data["splitting"][groups["topology.strongest"]]
    found["topology.strongest.splitting"] = f"{split.min():.1f} to {split.max():.1f}"
    for name, chosen in (
        ("few", constant & few),
        ("topology", constant & ~few),
        ("adiabatic", ~constant),
    ):
        found[f"{name}.n_good"], found[f"{name}.n"] = (
            str(int(good[chosen].sum())),
            str(sum(chosen)),
        )
    to_prior = data["to_prior"].mean(axis=1)
    found["prior.change"] = f"{(to_prior - angle)[constant].mean():+.1f}°".replace("-", "−")
    for d in np.unique(data["latent_dim"]):
        found[f"chance.{d}"] = f"{data['chance'][data['latent_dim'] == d][0]:.0f}°"
    return found


if __name__ == "__main__":
    figure_main("fig12_axes")
