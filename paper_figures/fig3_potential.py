"""Figure 3, from diagram to potential: two linked circles in R²⁰, data alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA

import topopert as tp
from topopert import plotting

from .cache import Arrays
from .produce import figure_main
from .style import BLUE, GREY, PAGE, RED, letter

SETTINGS = {"n_points": 2000, "ambient_dim": 20, "noise": 0.05, "seed": 0, "n_grid": 161}
_REACH = 2.6
_HEIGHT, _SIDE = 1.72, 1.0  # inches


def compute(n_points: int, ambient_dim: int, noise: float, seed: int, n_grid: int) -> Arrays:
    rng = np.random.default_rng(seed)
    data = tp.datasets.linked_circles(n_points, ambient_dim=ambient_dim, noise=noise, rng=rng)
    topology = tp.PersistentTopology(latent_dim=2).fit(data.points)
    component = topology.components(data.points)
    which, angle = data.parameters.T
    # The coordinate of the loop that a point lies on; each loop has one, still on the other.
    both = topology.circular_coordinates(data.points)
    own = [_agreement(both[which == k].T, angle[which == k]) for k in (0, 1)]
    coordinate = np.where(which == 0, both[:, int(np.argmax(own[0]))], both[:, np.argmax(own[1])])
    axis = torch.linspace(-_REACH, _REACH, n_grid, dtype=torch.float64)
    nodes = torch.cartesian_prod(axis, axis)
    wells = tp.WellPotential(topology.wells())
    features = [(f.homology_dim, f.birth, f.death) for f in topology.features_]
    return {
        "space": PCA(3, svd_solver="full").fit_transform(data.points),
        "pairs0": topology.diagrams_[0].pairs,
        "pairs1": topology.diagrams_[1].pairs,
        "features": np.array(features),
        "p_values": np.array([f.p_value for f in topology.features_]),
        "component": component,
        "which": which,
        "angle": angle,
        "coordinate": coordinate,
        "agreement": np.array([max(own[0]), max(own[1])]),
        "anchors": topology.transform(data.points),
        "axis": axis.numpy(),
        "potential": wells(nodes).reshape(n_grid, n_grid).numpy(),
        "covering_radius": np.array(topology.covering_radius_),
        "layout": np.array(topology.layout_),
    }


def _agreement(coordinates: np.ndarray, angle: np.ndarray) -> list[float]:
    """Mean resultant length of each coordinate against the true angle, whichever way it turns."""
    return [
        float(max(abs(np.exp(1j * (theta + sign * angle)).mean()) for sign in (-1, 1)))
        for theta in coordinates
    ]


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, _HEIGHT)
    figure.set_layout_engine("none")  # squares of one size, side by side
    space = figure.add_axes(_draw_box(-0.06, 1.32, bottom=0.2), projection="3d")
    diagram, circular, anchors, potential = (
        figure.add_axes(_draw_box(left, _SIDE)) for left in (1.6, 3.0, 4.43, 5.52)
    )
    hue = {"c": _draw_hue(data["coordinate"])}
    dots = {"s": 2, "linewidths": 0, "rasterized": True}
    space.scatter(*data["space"].T, **hue, **dots)
    space.set(xticklabels=[], yticklabels=[], zticklabels=[])
    space.set_box_aspect((1, 1, 1), zoom=1.0)
    space.view_init(elev=25, azim=-60)
    figure.text(0.01, 1 - 0.24 / _HEIGHT, "$\\mathbf{a}$  data in R²⁰", fontsize=8)
    _draw_diagram(diagram, data)
    for k, marker in ((0, "o"), (1, "^")):
        rows = data["which"] == k
        x, y = data["angle"][rows], data["coordinate"][rows]
        circular.scatter(x, y, s=2, marker=marker, color=(BLUE, RED)[k], lw=0, rasterized=True)
    turns = ([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
    circular.set(xlabel="true angle", ylabel="circular coordinate", aspect="equal")
    circular.set_xticks(*turns)
    circular.set_yticks(*turns)
    letter(circular, "c", "coordinates")
    anchors.scatter(*data["anchors"].T, **hue, **dots)
    frame = {"xlim": (-_REACH, _REACH), "ylim": (-_REACH, _REACH), "aspect": "equal"}
    anchors.set(xlabel="$T_1$ (prior's sd)", ylabel="$T_2$", xticks=[-2, 0, 2], **frame)
    letter(anchors, "d", "anchors")
    levels = np.linspace(data["potential"].min(), 0, 9)
    drawn = potential.contourf(
        data["axis"], data["axis"], data["potential"].T, levels=levels, cmap="cividis"
    )
    drawn.set_rasterized(True)
    potential.set(xlabel="$z_1$ (prior's sd)", xticks=[-2, 0, 2], yticklabels=[], **frame)
    bar = figure.colorbar(drawn, cax=figure.add_axes(_draw_box(6.56, 0.07, height=_SIDE)))
    bar.locator = _draw_ticks()
    bar.update_ticks()
    bar.ax.set_title("nats", fontsize=7, loc="left")
    letter(potential, "e", "landscape V")
    return figure


def _draw_box(
    left: float, width: float, *, bottom: float = 0.42, height: float | None = None
) -> list[float]:
    """Inches as shares of the figure; a square unless a height is given."""
    height = width if height is None else height
    return [left / PAGE, bottom / _HEIGHT, width / PAGE, height / _HEIGHT]


def _draw_count(homology_dim: int, n: int) -> str:
    return f"{n} {('gap', 'loop')[homology_dim]}{'s' * (n > 1)}"


def _draw_hue(angle: np.ndarray) -> np.ndarray:
    """A cyclic scale that white paper does not swallow."""
    from matplotlib import colormaps

    return 0.84 * colormaps["twilight_shifted"](angle / (2 * np.pi))[:, :3]


def _draw_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4)


def _draw_diagram(ax: Any, data: Arrays) -> None:
    longest = 1.1 * max(data["pairs0"].max(), data["pairs1"].max())
    ax.plot([0, longest], [0, longest], color="0.6", linewidth=0.7, zorder=0)
    for k, colour in ((0, GREY), (1, RED)):
        births, deaths = data[f"pairs{k}"].T
        ax.scatter(births, deaths, s=5, color=colour, alpha=0.5, lw=0, label="_")
        real = data["features"][data["features"][:, 0] == k, 1:]
        ax.scatter(
            *real.T,
            s=45,
            facecolors="none",
            edgecolors=colour,
            linewidths=1.2,
            label=_draw_count(k, len(real)),
        )
    limits = (-0.04 * longest, longest)
    ax.set(xlabel="birth (edge length)", ylabel="death", xlim=limits, ylim=limits, aspect="equal")
    ax.set(xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    ax.legend(loc="lower right", handletextpad=0.1, borderpad=0.1)
    letter(ax, "b", "diagram")


def claims(data: Arrays) -> dict[str, str]:
    dims = data["features"][:, 0]
    return {
        "n_gaps": str(int((dims == 0).sum())),
        "n_loops": str(int((dims == 1).sum())),
        "largest_p": f"{data['p_values'].max():.1g}",
        "agreement": f"{data['agreement'].min():.3f}",
        "layout": str(data["layout"]),
        "covering_radius": f"{float(data['covering_radius']):.2f}",
    }


if __name__ == "__main__":
    figure_main("fig3_potential")
