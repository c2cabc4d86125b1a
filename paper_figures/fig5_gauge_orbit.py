"""Figure 5, the gauge orbit: what it costs to turn a latent space, without and with the field."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

import topopert as tp
from topopert import plotting
from topopert.models import gaussian_reconstruction

from .cache import Arrays
from .cases import CASES
from .produce import figure_main
from .reports import anchors_of, model_inputs, report_of, trained_models
from .style import BLACK, BLUE, GREEN, GREY, ORANGE, PAGE, RED, letter, scientific

SETTINGS = {
    "case": "digits, d = 2",
    "curvature_cases": ("digits, d = 2", "torus", "digits, d = 8"),
    "coupling": 10.0,
    "n_angles": 145,
    "n_draws": 64,
    "seed": 0,
}


def compute(
    case: str,
    curvature_cases: tuple[str, ...],
    coupling: float,
    n_angles: int,
    n_draws: int,
    seed: int,
) -> Arrays:
    chosen = _case(case)
    anchors = torch.as_tensor(anchors_of(chosen), dtype=torch.float64)
    angles = np.linspace(-np.pi, np.pi, n_angles)
    answer: Arrays = {"angles": angles, "coupling": np.array(coupling)}
    for arm in ("baseline", "perturbed"):
        (model,) = trained_models(chosen, arm, 1)
        answer |= {
            f"{arm}.{name}": value
            for name, value in _orbit(model, chosen, anchors, angles, n_draws, seed).items()
        }
        latents = report_of(chosen).arms[arm].latents
        poses = [_pose(z, anchors.numpy()) for z in latents]
        answer[f"{arm}.seed_angles"] = np.array([angle for angle, _ in poses])
        answer[f"{arm}.seed_handedness"] = np.array([hand for _, hand in poses])
    for name in curvature_cases:
        predicted, measured = _curvatures(_case(name))
        slug = _case(name).slug
        answer[f"predicted.{slug}"], answer[f"measured.{slug}"] = predicted, measured
    return answer


def _case(name: str) -> Any:
    return next(case for case in CASES if case.name == name)


@torch.no_grad()
def _orbit(
    model: Any, case: Any, anchors: Tensor, angles: np.ndarray, n_draws: int, seed: int
) -> Arrays:
    """Energies along the orbit from the pose nearest to the anchors, both handednesses.

    Turned by R the codes are N(Rμ, RΣRᵀ). The encoder's family is diagonal, so what it can offer
    there is N(Rμ, diag RΣRᵀ); the decoder turns back first.
    """
    x = model_inputs(case)
    mean, logvar = (value.double() for value in model.encode(x))
    start = _aligning(mean.numpy(), anchors.numpy())
    noise = torch.randn(
        n_draws, *mean.shape, generator=torch.Generator().manual_seed(seed), dtype=mean.dtype
    )
    noise_variance = _noise_variance(case)
    spring = tp.AnchorPotential(_any_spec(case.latent_dim))
    rows: dict[str, list[list[float]]] = {"field": [], "kl": [], "misfit": []}
    for flip in (1.0, -1.0):
        found: dict[str, list[float]] = {name: [] for name in rows}
        for angle in angles:
            turn = torch.from_numpy(_plane_rotation(2, 0, 1, angle) @ np.diag([1.0, flip]) @ start)
            turned = mean @ turn.T
            variance = torch.einsum("ij,bj,ij->bi", turn, logvar.exp(), turn)
            log_variance = variance.log()
            field = spring.expectation(turned, log_variance, anchors=anchors)
            z = (turned + variance.sqrt() * noise) @ turn  # (n_draws, B, d), turned back
            decoded = model.decode(z.flatten(0, 1).float())
            misfit = gaussian_reconstruction(x.repeat(n_draws, 1), decoded, noise_variance)
            kl = 0.5 * (turned.square() + variance - 1 - log_variance).sum(dim=1)
            for name, value in (("field", field), ("kl", kl), ("misfit", misfit)):
                found[name].append(float(value.double().mean()))
        for name, values in found.items():
            rows[name].append(values)
    return {name: np.array(values) for name, values in rows.items()}  # (2, n_angles)


def _noise_variance(case: Any) -> float:
    settings = report_of(case).settings
    return settings["noise_variance"] / settings["data_scale"] ** 2


def _any_spec(latent_dim: int) -> tp.AnchorSpec:
    """Anchors are passed in; the potential only knows their dimension."""
    return tp.AnchorSpec(landmarks=np.zeros((1, 1)), values=np.zeros((1, latent_dim)), radius=1.0)


def _aligning(mean: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """The orthogonal map R that brings μ nearest to T: of C = E[μTᵀ] = U s Vᵀ it is VUᵀ."""
    u, _, vt = np.linalg.svd(mean.T @ anchors / len(mean))
    return vt.T @ u.T


def _pose(mean: np.ndarray, anchors: np.ndarray) -> tuple[float, float]:
    """How far a plane latent space is turned from the anchors, and its handedness."""
    back = _aligning(mean, anchors)
    hand = float(np.sign(np.linalg.det(back)))
    turn = back @ np.diag([1.0, hand])
    return float(np.arctan2(turn[0, 1], turn[0, 0])), hand


def _plane_rotation(d: int, i: int, j: int, angle: float) -> np.ndarray:
    turn = np.eye(d)
    turn[[i, j], [i, j]] = np.cos(angle)
    turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
    return turn


def _curvatures(case: Any) -> tuple[np.ndarray, np.ndarray]:
    """Predicted curvature per plane, and the field's own second difference there, for κλ = 1."""
    anchors = anchors_of(case)
    mean = report_of(case).arms["perturbed"].latents[0]
    u, s, vt = np.linalg.svd(mean.T @ anchors / len(mean))
    aligned, d, step = mean @ (vt.T @ u.T).T, case.latent_dim, 1e-3
    spring = tp.AnchorPotential(_any_spec(d))
    predicted, measured = [], []
    for i in range(d):
        for j in range(i + 1, d):
            energies = []
            for angle in (-step, 0.0, step):
                # The planes of the singular vectors, in the space of the anchors.
                turn = vt.T @ _plane_rotation(d, i, j, angle) @ vt
                z = torch.from_numpy(aligned @ turn.T)
                energies.append(float(spring(z, anchors=torch.from_numpy(anchors)).mean()))
            measured.append((energies[0] - 2 * energies[1] + energies[2]) / step**2)
            predicted.append(s[i] + s[j])
    order = np.argsort(predicted)
    record = tp.gauge_curvature(mean, anchors)
    return record.curvatures, np.array(measured)[order]


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 2.45)
    orbit, parts, curvature = figure.subplots(1, 3, width_ratios=(1.25, 1.1, 1.0))
    degrees = np.degrees(data["angles"])
    _draw_orbit(orbit, data, degrees)
    for name, colour, line, label in (
        ("kl", BLUE, "-", "KL"),
        ("misfit", GREEN, "--", "reconstruction, sampled"),
        ("total", BLACK, ":", "−ELBO, sampled"),
    ):
        values = _claims_term(data, "baseline", name)[0]
        parts.plot(degrees, values - values[len(values) // 2], line, color=colour, label=label)
    parts.set(
        xlabel="rotation (degrees)",
        ylabel="baseline's terms above\nthose at 0° (nats)",
        xticks=[-180, -90, 0, 90, 180],
    )
    top = parts.get_ylim()[1]
    parts.set_ylim(None, top * 1.75)
    parts.legend(loc="upper left")
    letter(parts, "b", "zoom: no field")
    for (slug, label), colour, marker in zip(
        _claims_slugs(data).items(), (RED, BLUE, ORANGE), "Dos", strict=True
    ):
        x, y = data[f"predicted.{slug}"], data[f"measured.{slug}"]
        curvature.plot(x, y, marker, color=colour, markersize=4, alpha=0.8, mew=0, label=label)
    low, high = curvature.get_xlim()
    curvature.plot([low, high], [low, high], color="0.5", linewidth=0.7, zorder=0)
    curvature.set(
        xlabel="predicted $s_i+s_j$ (nats/rad²)", ylabel="measured (nats/rad²)", xlim=(low, high)
    )
    curvature.legend(loc="upper left", handletextpad=0.1)
    letter(curvature, "c", "curvature, κλ = 1")
    return figure


def _draw_orbit(ax: Any, data: Arrays, degrees: np.ndarray) -> None:
    coupling = float(data["coupling"])
    base = _claims_term(data, "baseline", "total")[0]
    middle = len(degrees) // 2
    proper, improper = (
        coupling * branch + total
        for branch, total in zip(
            data["perturbed.field"], _claims_term(data, "perturbed", "total"), strict=True
        )
    )
    least = proper[middle]
    ax.plot(degrees, base - base[middle], color=GREY, label="baseline: −ELBO")
    ax.plot(degrees, proper - least, color=RED, label="−ELBO + λE[V], rotated")
    ax.plot(degrees, improper - least, "--", color=RED, linewidth=0.9, label="mirrored as well")
    predicted = coupling * data["predicted." + _claims_first(data)][0]
    close = np.abs(data["angles"]) < 1.1
    parabola = 0.5 * predicted * data["angles"][close] ** 2
    ax.plot(degrees[close], parabola, ":", color=BLACK, label="predicted curvature")
    top = float((proper - least).max())
    for arm, colour, height in (("baseline", GREY, -0.09), ("perturbed", RED, -0.17)):
        angles = np.degrees(data[f"{arm}.seed_angles"])
        hands = data[f"{arm}.seed_handedness"]
        for hand, marker in ((1, "o"), (-1, "x")):
            at = angles[hands == hand]
            ax.plot(at, np.full(len(at), height * top), marker, color=colour, markersize=3.2)
    ax.text(186, -0.13 * top, "seeds", fontsize=7, va="center", color="0.3")
    ax.set(
        xlabel="rotation (degrees)",
        ylabel="energy above its least (nats)",
        xticks=[-180, -90, 0, 90, 180],
        ylim=(-0.24 * top, 1.75 * top),
    )
    ax.legend(loc="upper center", borderpad=0)
    letter(ax, "a", f"κλ = {coupling:g}")


def _claims_term(data: Arrays, arm: str, name: str) -> np.ndarray:
    if name == "total":
        return data[f"{arm}.kl"] + data[f"{arm}.misfit"]
    return data[f"{arm}.{name}"]


def _claims_first(data: Arrays) -> str:
    return next(iter(_claims_slugs(data)))


def _claims_slugs(data: Arrays) -> dict[str, str]:
    labels = {case.slug: case.name for case in CASES}
    slugs = [name.removeprefix("predicted.") for name in data if name.startswith("predicted.")]
    return {slug: labels[slug] + (", d = 3" if slug == "torus" else "") for slug in slugs}


def claims(data: Arrays) -> dict[str, str]:
    base = _claims_term(data, "baseline", "total")[0]
    energy = float(data["coupling"]) * data["perturbed.field"]
    pairs = [(data[f"predicted.{s}"], data[f"measured.{s}"]) for s in _claims_slugs(data)]
    error = max(np.abs(m / p - 1).max() for p, m in pairs)
    spread = np.degrees(np.abs(data["perturbed.seed_angles"]).max())
    return {
        "flat": f"{np.ptp(base):.2f}",
        "kl_range": f"{np.ptp(data['baseline.kl'][0]):.2f}",
        "misfit_range": f"{np.ptp(data['baseline.misfit'][0]):.2f}",
        "barrier": f"{np.ptp(energy[0]):.0f}",
        "reflection": f"{energy[1].min() - energy[0].min():.1f}",
        "n_planes": str(sum(len(p) for p, _ in pairs)),
        "curvature_error": scientific(error),
        "seed_angle": f"{spread:.1f}",
        "n_mirrored": str(int((data["baseline.seed_handedness"] < 0).sum())),
    }


if __name__ == "__main__":
    figure_main("fig5_gauge_orbit")
