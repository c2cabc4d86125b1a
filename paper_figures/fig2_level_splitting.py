"""Figure 2, level splitting: levels of H_λ against λ, exact and by perturbation theory."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import topopert as tp
from topopert import plotting
from topopert.hamiltonian.level_solver import spectrum
from topopert.hamiltonian.perturbation import perturbation_levels, splitting_matrix

from .cache import Arrays
from .cases import CASES, Case
from .produce import figure_main
from .style import BLACK, BLUE, GREY, PAGE, RED, letter, scientific

SETTINGS = {
    "cases": ("circle", "clusters", "torus"),
    "largest_coupling": 1.0,
    "n_exact": 11,
    "n_series": 21,
    "seed": 0,
}


def compute(
    cases: tuple[str, ...], largest_coupling: float, n_exact: int, n_series: int, seed: int
) -> Arrays:
    answer: Arrays = {
        "couplings": np.linspace(0, largest_coupling, n_exact),
        "fine_couplings": np.linspace(0, largest_coupling, n_series),
    }
    for name in cases:
        case = next(case for case in CASES if case.name == name)
        wells = _landscape(case, seed)
        d = case.latent_dim
        n_levels = 1 + d + d * (d + 1) // 2  # the levels 0, 1 and 2 of H₀
        exact = [
            spectrum(wells, coupling=float(c), latent_dim=d, n_levels=n_levels)
            for c in answer["couplings"]
        ]
        answer[f"{name}.exact"] = np.array([s.levels.numpy() for s in exact])
        answer[f"{name}.errors"] = np.array([s.errors.numpy() for s in exact])
        for order in (1, 2):
            answer[f"{name}.order{order}"] = np.array(
                [_series(wells, float(c), d, order) for c in answer["fine_couplings"]]
            )
        answer[f"{name}.shifts"] = np.linalg.eigvalsh(splitting_matrix(wells, d).numpy())
    return answer


def _landscape(case: Case, seed: int) -> tp.WellPotential:
    """The wells of the data's own topology."""
    points = case.load(np.random.default_rng(seed)).points
    with warnings.catch_warnings():
        # Five clusters want four dimensions to be equidistant in.
        warnings.simplefilter("ignore", tp.TopopertWarning)
        topology = tp.PersistentTopology(latent_dim=case.latent_dim).fit(points)
        return tp.WellPotential(topology.wells())


def _series(wells: tp.WellPotential, coupling: float, d: int, order: int) -> np.ndarray:
    """The first excited multiplet by perturbation theory; NaN beyond its range."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tp.TopopertWarning)  # the figure shows where it fails
        try:
            found = perturbation_levels(
                wells, coupling=coupling, latent_dim=d, n_levels=1 + d, order=order
            )
        except tp.InvalidInputError:
            return np.full(d, np.nan)
    return found.levels.numpy()[1:]


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 3.5)
    names = [name.removesuffix(".exact") for name in data if name.endswith(".exact")]
    axes = figure.subplots(2, len(names), sharex=True, height_ratios=(1.0, 1.35))
    for column, name in enumerate(names):
        exact = data[f"{name}.exact"]
        d = data[f"{name}.shifts"].size
        x, fine = data["couplings"], data["fine_couplings"]
        above, below = axes[:, column]
        above.plot(x, exact[:, 0], color=GREY, linewidth=0.8)
        above.plot(x, exact[:, 1 + d :], color=GREY, linewidth=0.8)
        for ax in (above, below):
            ax.plot(x, exact[:, 1 : 1 + d], color=RED, linewidth=1.6)
        below.plot(fine, data[f"{name}.order1"], ":", color=BLACK, linewidth=1.1)
        below.plot(fine, data[f"{name}.order2"], "--", color=BLUE, linewidth=1.1)
        above.set(xlim=(0, x[-1]), ylim=(-0.12, 3.6), yticks=[0, 1, 2, 3])
        below.set_xlabel("coupling λ")
        letter(above, "abc"[column], f"{name}, d = {d}")
    axes[0, 0].set_ylabel("level of $H_λ$")
    axes[1, 0].set_ylabel("1st multiplet, enlarged")
    legend_ax = axes[0, 0]
    for label, look in (
        ("exact: 1st multiplet", {"color": RED, "linewidth": 1.6}),
        ("exact: other levels", {"color": GREY, "linewidth": 0.8}),
        ("first order", {"color": BLACK, "linestyle": ":"}),
        ("second order", {"color": BLUE, "linestyle": "--"}),
    ):
        legend_ax.plot([], [], label=label, **look)
    handles, labels = legend_ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return figure


def claims(data: Arrays) -> dict[str, str]:
    found = {}
    tenth = int(np.argmin(np.abs(data["couplings"] - 0.1)))
    fine = int(np.argmin(np.abs(data["fine_couplings"] - data["couplings"][tenth])))
    for name in [key.removesuffix(".exact") for key in data if key.endswith(".exact")]:
        d = data[f"{name}.shifts"].size
        multiplet = data[f"{name}.exact"][:, 1 : 1 + d]
        found[f"{name}.shifts"] = ", ".join(f"{shift:+.2f}" for shift in data[f"{name}.shifts"])
        found[f"{name}.split"] = f"{np.ptp(multiplet[-1]):.2f}"
        for order in (1, 2):
            error = np.abs(data[f"{name}.order{order}"][fine] - multiplet[tenth]).max()
            found[f"{name}.error{order}"] = scientific(error)
    return {key: value.replace("-", "−") for key, value in found.items()}


if __name__ == "__main__":
    figure_main("fig2_level_splitting")
