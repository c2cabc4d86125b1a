"""Figure 7, the spectrum is a barcode: −T log E_k against the H0 bars of the landscape."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

import topopert as tp
from topopert import plotting
from topopert.backends.cubical import sublevel_diagrams
from topopert.hamiltonian.landscape import EnergyLandscape
from topopert.hamiltonian.level_solver import spectrum

from .cache import Arrays
from .cases import CASES
from .produce import figure_main
from .style import BLACK, BLUE, GREEN, GREY, ORANGE, PAGE, RED, letter, scientific

SETTINGS = {
    "case": "clusters",
    "coupling": 2.0,
    "temperatures": (1.0, 0.8, 0.65, 0.5, 0.4, 0.32, 0.25),
    "n_levels": 7,
    "n_grid": 301,
    "reach": 3.0,
    "seed": 0,
}

_LEAST_LEVEL = 1e-10  # below it a level is rounding
_LARGEST_ERROR = 0.1  # relative, by the solver's own estimate, of a level that is shown


def compute(
    case: str,
    coupling: float,
    temperatures: tuple[float, ...],
    n_levels: int,
    n_grid: int,
    reach: float,
    seed: int,
) -> Arrays:
    """The landscape is U = ½∣z∣² + λV, V the wells of five clusters' own topology."""
    chosen = next(c for c in CASES if c.name == case)
    points = chosen.load(np.random.default_rng(seed)).points
    with warnings.catch_warnings():
        # Five clusters want four dimensions to be equidistant in.
        warnings.simplefilter("ignore", tp.TopopertWarning)
        wells = tp.WellPotential(tp.PersistentTopology(latent_dim=2).fit(points).wells())
    landscape = EnergyLandscape.from_potential(
        wells, coupling=coupling, latent_dim=2, min_barrier=0.05
    )
    axis = torch.linspace(-reach, reach, n_grid, dtype=torch.float64)
    energy = landscape.surface.on_grid([axis, axis]).numpy()
    grid_bars = sublevel_diagrams(energy, max_homology_dim=0)[0].persistence
    solved = [
        spectrum(wells, coupling=coupling, latent_dim=2, n_levels=n_levels, temperature=t)
        for t in temperatures
    ]
    return {
        "axis": axis.numpy(),
        "energy": energy - energy.min(),
        "minima": landscape.minima.numpy(),
        "bars": landscape.barrier_tree().diagram.persistence,
        "grid_bars": grid_bars[grid_bars > 0.05],
        "temperatures": np.array(temperatures),
        "levels": np.array([s.levels.numpy() for s in solved]),
        "errors": np.array([s.errors.numpy() for s in solved]),
        "activation": np.array([s.activation_energies.numpy() for s in solved]),
    }


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 2.6)
    surface, spectrum_ax, arrhenius = figure.subplots(1, 3, width_ratios=(1.0, 0.85, 1.25))
    top = 14.0
    drawn = surface.contourf(
        data["axis"],
        data["axis"],
        np.minimum(data["energy"], top).T,
        levels=np.linspace(0, top, 15),
        cmap="cividis",
    )
    drawn.set_rasterized(True)
    colours = (RED, BLUE, GREEN, ORANGE, BLACK)
    surface.plot(*data["minima"].T, "x", color="white", markersize=4)
    reach = 2.6
    surface.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal")
    surface.set(xlim=(-reach, reach), ylim=(-reach, reach))
    bar = figure.colorbar(drawn, ax=surface, shrink=0.75, aspect=16, pad=0.03)
    bar.set_label("U above its least (nats)")
    bar.set_ticks([0, 5, 10])
    letter(surface, "a", f"{len(data['minima'])} wells")
    temperatures, levels = data["temperatures"], data["levels"]
    n_bars = len(data["bars"])
    for k in range(1, levels.shape[1]):
        small = k <= n_bars
        spectrum_ax.plot(
            1 / temperatures,
            levels[:, k],
            color=colours[(k - 1) % len(colours)] if small else GREY,
            linewidth=1.3 if small else 0.8,
        )
    spectrum_ax.set(xlabel="1/T (1/nats)", ylabel="level $E_k$", yscale="log")
    letter(spectrum_ax, "b", f"{n_bars} levels fall")
    for k in range(n_bars):
        colour = colours[k % len(colours)]
        arrhenius.axhline(data["bars"][k], color=colour, linewidth=0.8, linestyle="--")
        raw, activation = _claims_energies(data)
        arrhenius.plot(temperatures, raw[:, k], "o-", color=colour, markersize=2.6, linewidth=0.8)
        arrhenius.plot(temperatures, activation[:, k], "D", color=colour, markersize=3.4)
    for label, look in (
        ("H0 bars of U", {"linestyle": "--", "linewidth": 0.8}),
        ("−T log $E_k$", {"marker": "o", "markersize": 2.6, "linewidth": 0.8}),
        ("activation energy", {"marker": "D", "markersize": 3.4, "linestyle": "none"}),
    ):
        arrhenius.plot([], [], color="0.3", label=label, **look)
    arrhenius.set(xlabel="temperature T (nats)", ylabel="energy (nats)", xlim=(0, 1.05))
    arrhenius.set_ylim(0, 1.6 * data["bars"].max())
    arrhenius.legend(loc="upper left", ncols=1)
    letter(arrhenius, "c", "they are the bars")
    return figure


def _claims_energies(data: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """−T log E_k and the activation energies of the small levels, NaN where not resolved."""
    small = slice(1, len(data["bars"]) + 1)
    levels, errors = data["levels"][:, small], data["errors"][:, small]
    resolved = (levels > _LEAST_LEVEL) & (errors < _LARGEST_ERROR * levels)
    levels = np.where(resolved, levels, np.nan)
    raw = -data["temperatures"][:, None] * np.log(levels)
    return raw, np.where(np.isnan(levels), np.nan, data["activation"][:, small])


def claims(data: Arrays) -> dict[str, str]:
    bars, n = data["bars"], len(data["bars"])
    found = {"n_wells": str(len(data["minima"])), "n_bars": str(n)}
    found["bars"] = ", ".join(f"{bar:.2f}" for bar in bars)
    grid_error = np.abs(bars / data["grid_bars"][:n] - 1).max()
    found["grid_error"] = scientific(grid_error)
    raw, activation = _claims_energies(data)
    for name, row in (("hot", 0), ("cold", -1)):
        temperature = data["temperatures"][row]
        # A bar of a few T at least: below there is no barrier to speak of.
        deep = (bars >= 2 * temperature) & ~np.isnan(raw[row])
        found[f"{name}.temperature"] = f"{temperature:g}"
        found[f"{name}.n"] = str(int(deep.sum()))
        for kind, values in (("raw", raw), ("activation", activation)):
            error = np.abs(values[row] / bars - 1)[deep].max()
            found[f"{name}.{kind}"] = f"{100 * error:.0f} %"
    return found


if __name__ == "__main__":
    figure_main("fig7_barcode")
