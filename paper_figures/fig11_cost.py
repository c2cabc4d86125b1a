"""Figure 11, cost: what the perturbation adds to a training step, and the time of stage 1."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import topopert as tp
from topopert import plotting
from topopert.models import MLPVAE, gaussian_reconstruction, kl_divergence, reparameterize
from topopert.rng import seeded_init

from .cache import Arrays
from .produce import figure_main
from .style import BLUE, GREY, PAGE, RED, letter

SETTINGS = {
    "models": ((20, (64, 64)), (784, (512, 256))),
    "batch_sizes": (64, 256, 1024),
    "latent_dim": 8,
    "n_landmarks": 400,
    "n_rounds": 40,
    "n_points": (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
    "ambient_dim": 50,
    "seed": 0,
}
_WAYS = ("anchors", "points")


def compute(
    models: tuple[tuple[int, tuple[int, ...]], ...],
    batch_sizes: tuple[int, ...],
    latent_dim: int,
    n_landmarks: int,
    n_rounds: int,
    n_points: tuple[int, ...],
    ambient_dim: int,
    seed: int,
) -> Arrays:
    """Processor time, which other programs on the machine do not count in; one thread."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        overhead = np.array(
            [
                [
                    _overhead(dims, hidden, size, latent_dim, n_landmarks, n_rounds, seed)
                    for size in batch_sizes
                ]
                for dims, hidden in models
            ]
        )
        fits = np.array([_fit_seconds(n, ambient_dim, seed) for n in n_points])
    finally:
        torch.set_num_threads(n_threads)
    return {
        "overhead": overhead,  # (model, batch size, way, quantile)
        "batch_sizes": np.array(batch_sizes),
        "input_dims": np.array([dims for dims, _ in models]),
        "n_points": np.array(n_points),
        "fit_seconds": fits,  # (N,)
    }


def _overhead(
    input_dim: int,
    hidden: tuple[int, ...],
    batch_size: int,
    latent_dim: int,
    n_landmarks: int,
    n_rounds: int,
    seed: int,
) -> list[list[float]]:
    """Quartiles of a perturbed step's time over that of a plain one, run in turn."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch_size, input_dim, generator=generator)
    spec = tp.AnchorSpec(
        landmarks=torch.randn(n_landmarks, input_dim, generator=generator).double().numpy(),
        values=torch.randn(n_landmarks, latent_dim, generator=generator).double().numpy(),
        radius=1.6 * input_dim**0.5,
    )
    hamiltonian = tp.Hamiltonian(tp.AnchorPotential(spec), tp.Adiabatic(10.0, off_at=1.0))
    anchors = hamiltonian.potential.anchors(x)
    steps = {}
    for way, given in (("plain", None), ("anchors", {"anchors": anchors}), ("points", {"x": x})):
        with seeded_init(seed):
            model = MLPVAE(input_dim, latent_dim, hidden)
        steps[way] = _step(model, x, hamiltonian, given)
    times: dict[str, list[float]] = {way: [] for way in steps}
    for k in range(n_rounds + 3):
        for way, step in steps.items():
            started = time.process_time()
            step()
            if k >= 3:  # the first ones warm up
                times[way].append(time.process_time() - started)
    plain = np.array(times["plain"])
    return [list(np.quantile(np.array(times[way]) / plain, (0.5, 0.25, 0.75))) for way in _WAYS]


def _step(
    model: MLPVAE, x: torch.Tensor, hamiltonian: tp.Hamiltonian, given: dict[str, Any] | None
) -> Callable[[], None]:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    generator, count = torch.Generator().manual_seed(0), itertools.count()

    def step() -> None:
        mean, logvar = model.encode(x)
        noise = torch.randn(mean.shape, generator=generator)
        decoded = model.decode(reparameterize(mean, logvar, noise))
        loss = gaussian_reconstruction(x, decoded, 0.1) + kl_divergence(mean, logvar)
        if given is not None:
            loss = loss + hamiltonian.energy(mean, logvar, progress=next(count) / 1e6, **given)
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()

    return step


def _fit_seconds(n_points: int, ambient_dim: int, seed: int) -> float:
    rng = np.random.default_rng(seed)
    points = tp.datasets.torus(n_points, ambient_dim=ambient_dim, noise=0.05, rng=rng).points
    points = points.astype(np.float32)
    started = time.process_time()
    tp.PersistentTopology(latent_dim=3).fit(points)
    return time.process_time() - started


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE * 0.76, 2.4)
    steps, fits = figure.subplots(1, 2)
    for m, dims in enumerate(data["input_dims"]):
        for w, (colour, label) in enumerate(((BLUE, "T known"), (RED, "T from x"))):
            value, low, high = 100 * (data["overhead"][m, :, w].T - 1)
            steps.errorbar(
                data["batch_sizes"] * (1.03 if w else 0.97),
                value,
                yerr=np.stack([value - low, high - value]),
                color=colour,
                marker="os"[m],
                linestyle=("--", "-")[m],
                elinewidth=0.7,
                label=f"{label}, D = {dims}",
            )
    steps.axhline(0, color=GREY, linewidth=0.7)
    steps.set(xscale="log", xlabel="batch size", ylabel="time added to a step (%)")
    steps.set_xticks(data["batch_sizes"], [str(size) for size in data["batch_sizes"]])
    steps.set_yscale("symlog", linthresh=20, linscale=1.2)
    ticks = [-10, 0, 10, 20, 50, 100, 200]
    steps.set_yticks(ticks, [f"{tick:+d}".replace("-", "−") if tick else "0" for tick in ticks])
    steps.set_ylim(-12, 300)
    steps.minorticks_off()
    figure.legend(*steps.get_legend_handles_labels(), loc="outside upper center", ncols=4)
    letter(steps, "a", "training")
    n, seconds = data["n_points"], data["fit_seconds"]
    fits.loglog(n, seconds, "D-", color=RED)
    fits.loglog(n, seconds[-1] * n / n[-1], ":", color="0.4", label="∝ N")
    fits.set(xlabel="number of points N", ylabel="fit of stage 1 (s)")
    fits.set_ylim(0.4 * seconds.min(), 2 * seconds.max())
    fits.legend(loc="lower right")
    letter(fits, "b", "topology, 400 landmarks")
    return figure


def claims(data: Arrays) -> dict[str, str]:
    percent = 100 * (data["overhead"][..., 0] - 1)  # (model, batch size, way)
    found = {
        "fit_least": f"{data['fit_seconds'].min():.1f}",
        "fit_largest": f"{data['fit_seconds'].max():.1f}",
        "n_largest": f"{data['n_points'].max():,}".replace(",", " "),
    }
    for m, model in enumerate(("small", "large")):
        for w, way in enumerate(("known", "from_x")):
            values = percent[m, :, w]
            text = f"{values.min():.0f} to {values.max():.0f} %"
            found[f"{model}.{way}"] = text.replace("-", "−")
    return found


if __name__ == "__main__":
    figure_main("fig11_cost")
