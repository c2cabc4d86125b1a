"""Figure 8, the energy landscape of a model trained on digits: states, passes, paths, motion."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from topopert import datasets, plotting
from topopert.hamiltonian.dynamics import decode_along
from topopert.hamiltonian.landscape import EnergyLandscape, MergeTree
from topopert.plotting.disconnectivity import plot_disconnectivity

from .cache import Arrays
from .cases import CASES
from .produce import figure_main
from .reports import report_of, trained_models
from .style import BLACK, BLUE, GREEN, ORANGE, PAGE, RED, letter

SETTINGS = {
    "case": "digits, d = 2",
    "arm": "perturbed",
    "min_barrier": 1.0,
    "n_grid": 181,
    "n_images": 11,
    "n_steps": 20_000,
    "step_size": 0.02,
    "thinning": 10,
    "seed": 0,
}
_MARGIN = 0.6


def compute(
    case: str,
    arm: str,
    min_barrier: float,
    n_grid: int,
    n_images: int,
    n_steps: int,
    step_size: float,
    thinning: int,
    seed: int,
) -> Arrays:
    """U = −log q̄ over all digits, held-out or not, of the arm's first model."""
    chosen = next(c for c in CASES if c.name == case)
    (model,) = trained_models(chosen, arm, 1)
    report, points = report_of(chosen), datasets.digits().points
    center = points[report.train_rows].mean(axis=0)
    scale = report.settings["data_scale"]
    with torch.no_grad():
        x = torch.as_tensor((points - center) / scale, dtype=torch.float32)
        mean, logvar = model.encode(x)
    landscape = EnergyLandscape.from_posterior(mean, logvar, min_barrier=min_barrier)
    tree = landscape.barrier_tree()
    low, high = mean.min(dim=0).values - _MARGIN, mean.max(dim=0).values + _MARGIN
    axes = [torch.linspace(float(low[k]), float(high[k]), n_grid).double() for k in (0, 1)]
    begin, end = _far_apart(landscape.minima, landscape.weights())
    path = landscape.path(begin, end, n_points=201)
    generator = torch.Generator().manual_seed(seed)
    # Metropolis' rule makes so long a step exact in what it visits.
    walk = landscape.simulate(
        landscape.minima[begin][None],
        n_steps,
        step_size=step_size,
        metropolis=True,
        generator=generator,
    )
    walk = walk[::thinning, 0]
    at = torch.linspace(0, len(path.points) - 1, n_images).round().long()
    moments = torch.linspace(0, len(walk) - 1, n_images).round().long()

    def images(z: torch.Tensor) -> np.ndarray:
        """What the decoder makes of codes, in grey values 0 to 1."""
        decoded = decode_along(model.decode, z).double().numpy() * scale + center
        return decoded.clip(0, 1).reshape(-1, 8, 8)

    saddles = [data["position"] for _, _, data in landscape.graph.edges(data=True)]
    return {
        "x": axes[0].numpy(),
        "y": axes[1].numpy(),
        "energy": landscape.surface.on_grid(axes).numpy(),
        "minima": landscape.minima.numpy(),
        "energies": landscape.energies.numpy(),
        "weights": landscape.weights().numpy(),
        "saddles": np.array(saddles).reshape(-1, 2),
        "n_dimples": np.array(len(landscape.network.minima.points)),
        **{
            f"tree.{name}": getattr(tree, name).numpy()
            for name in ("births", "deaths", "elders", "saddles", "contacts")
        },
        "minimum_images": images(landscape.minima),
        "path": path.points.numpy(),
        "path_energy": path.energies.numpy(),
        "path_length": path.arc_lengths.numpy(),
        "path_minima": path.minima.numpy(),
        "path_saddles": path.saddles.numpy(),
        "path_at": at.numpy(),
        "path_images": images(path.points[at]),
        "barriers": np.array([path.barrier, path.reverse_barrier]),
        "walk": walk.numpy(),
        "walk_states": landscape.labels(walk).numpy(),
        "walk_at": thinning * moments.numpy(),
        "walk_time": np.array(step_size * n_steps),
        "walk_steps": thinning * np.arange(len(walk)),
        "walk_images": images(walk[moments]),
    }


def _far_apart(minima: torch.Tensor, weights: torch.Tensor) -> tuple[int, int]:
    """Of the well-filled states the two that lie farthest apart."""
    filled = torch.nonzero(weights >= 0.5 / len(weights))[:, 0]
    distances = torch.cdist(minima[filled], minima[filled])
    begin, end = divmod(int(distances.argmax()), len(filled))
    return int(filled[begin]), int(filled[end])


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 4.4)
    above, below = figure.subfigures(2, 1, height_ratios=(1.55, 1.0))
    surface, branches = above.subplots(1, 2, width_ratios=(0.95, 1.0))
    _draw_surface(surface, data)
    tree = MergeTree(
        **{
            name: torch.from_numpy(data[f"tree.{name}"])
            for name in ("births", "deaths", "elders", "saddles", "contacts")
        }
    )
    plot_disconnectivity(tree, ax=branches)
    branches.set(xlabel="states", ylabel="energy U (nats)")
    letter(branches, "b", "barrier tree")
    profile, walk = below.subplots(1, 2)
    s = data["path_length"]
    profile.plot(s, data["path_energy"], color=RED)
    profile.plot(s[data["path_minima"]], data["path_energy"][data["path_minima"]], "o", color=RED)
    for at in data["path_saddles"]:
        profile.plot(s[at], data["path_energy"][at], "x", color=BLACK, markersize=5)
    profile.set(xlabel="length along the path (prior's sd)", ylabel="U (nats)")
    _draw_strip(profile, data["path_images"], s[data["path_at"]], s[-1])
    letter(profile, "c", "minimum-energy path, decoded")
    steps = data["walk_steps"]
    walk.plot(steps, data["walk_states"], color=BLUE, linewidth=0.6)
    walk.set(xlabel="step of the walk, T = 1", ylabel="state", xlim=(0, steps[-1]))
    n_states = len(data["minima"])
    walk.set(yticks=range(0, n_states, 2), ylim=(-0.6, n_states - 0.4))
    _draw_strip(walk, data["walk_images"], data["walk_at"], steps[-1])
    letter(walk, "d", "a walk between states, decoded")
    return figure


def _draw_surface(ax: Any, data: Arrays) -> None:
    energy = data["energy"] - data["energy"].min()
    top = 6.0
    drawn = ax.contourf(
        data["x"],
        data["y"],
        np.minimum(energy, top).T,
        levels=np.linspace(0, top, 13),
        cmap="cividis",
    )
    drawn.set_rasterized(True)
    ax.plot(*data["walk"].T, ",", color="white", alpha=0.6, rasterized=True)
    ax.plot(*data["path"].T, color=RED, linewidth=1.8)
    ax.plot(*data["saddles"].T, "x", color=ORANGE, markersize=4, mew=1.0)
    for k, (point, image) in enumerate(zip(data["minima"], data["minimum_images"], strict=True)):
        _draw_thumbnail(ax, image, point, k)
    ax.set(xlabel="$z_1$ (prior's sd)", ylabel="$z_2$", aspect="equal")
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.8, aspect=18, pad=0.02)
    bar.set_label("U above its least (nats)")
    bar.set_ticks([0, 2, 4, 6])
    letter(ax, "a", "states, passes (×), path, walk")


def _draw_thumbnail(ax: Any, image: np.ndarray, point: np.ndarray, number: int) -> None:
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage
    from matplotlib.patheffects import withStroke

    picture = OffsetImage(image, zoom=0.36 * 200 / 72, cmap="gray_r", interpolation="nearest")
    box = AnnotationBbox(
        picture, point, frameon=True, pad=0.05, bboxprops={"edgecolor": GREEN, "linewidth": 0.8}
    )
    ax.add_artist(box)
    text = ax.annotate(
        str(number), point, (5.5, -2.5), textcoords="offset points", fontsize=7, color="white"
    )
    text.set_path_effects([withStroke(linewidth=1.4, foreground="black")])


def _draw_strip(ax: Any, images: np.ndarray, positions: np.ndarray, width: float) -> None:
    """Decoded images side by side above the axes, each over its place."""
    size = 1 / (len(images) + 0.6)
    for image, position in zip(images, positions, strict=True):
        inset = ax.inset_axes((position / width - size / 2, 1.02, size, 0.34))
        inset.imshow(image, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        inset.set_axis_off()
    ax.set_title("", pad=30)


def claims(data: Arrays) -> dict[str, str]:
    states = data["walk_states"]
    return {
        "n_states": str(len(data["minima"])),
        "n_dimples": str(int(data["n_dimples"])),
        "barrier": f"{data['barriers'][0]:.1f}",
        "reverse_barrier": f"{data['barriers'][1]:.1f}",
        "n_visited": str(len(np.unique(states))),
        "n_saddles": str(len(data["path_saddles"])),
    }


if __name__ == "__main__":
    figure_main("fig8_landscape")
