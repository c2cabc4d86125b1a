"""Figure 9, KL is dissipated energy: 4∫E dt against KL, for perturbed and unperturbed priors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

import topopert as tp
from topopert import plotting
from topopert.hamiltonian.perturbed_excitation import perturbed_excitation_energy

from .cache import Arrays
from .cases import CASES
from .produce import figure_main
from .reports import anchors_of, model_inputs, trained_models
from .style import BLACK, BLUE, GREY, PAGE, RED, letter, scientific

SETTINGS = {
    "case": "digits, d = 2",
    "n_posteriors": 60,
    "coupling": 3.0,
    "n_nodes": (61, 121, 241, 481),
    "reach": 6.0,
    "first_time": 1e-9,
    "last_time": 60.0,
    "n_times": 500,
}


def compute(
    case: str,
    n_posteriors: int,
    coupling: float,
    n_nodes: tuple[int, ...],
    reach: float,
    first_time: float,
    last_time: float,
    n_times: int,
) -> Arrays:
    """Posteriors of a trained model relax to the prior and to two perturbed ones.

    To the prior and to the external field's p_λ the flow keeps a Gaussian Gaussian. To the
    landscape's it does not, and the Fokker–Planck equation is solved, for one axis, on a grid.
    """
    chosen = next(c for c in CASES if c.name == case)
    (model,) = trained_models(chosen, "perturbed", 1)
    with torch.no_grad():
        mean, logvar = (value.double() for value in model.encode(model_inputs(chosen)))
    mean, logvar = mean[:n_posteriors], logvar[:n_posteriors]
    anchors = torch.as_tensor(anchors_of(chosen)[:n_posteriors])
    # Even steps in log t: the integrand t·E falls off on both sides, and the trapezoidal rule
    # converges as fast as for a periodic function.
    log_times = np.linspace(math.log(first_time), math.log(last_time), n_times)
    times = np.exp(log_times)
    answer: Arrays = {"times": times, "n_nodes": np.array(n_nodes), "reach": np.array(reach)}
    flows = {"prior": _to_prior(mean, logvar, times)}
    flows["field"] = _to_field(mean, logvar, anchors, coupling, times)
    for name, energies in flows.items():
        answer[f"{name}.energy"] = energies  # (n_times, B)
        answer[f"{name}.dissipated"] = 4 * _integral(energies, times)
    answer["prior.kl"] = tp.models.kl_divergence(mean, logvar).numpy()
    answer["field.kl"] = _field_kl(mean, logvar, anchors, coupling)
    answer["prior.bound"] = 2 * tp.excitation_energy(mean, logvar).numpy()
    axis = [(float(m), float(v)) for m, v in zip(mean[:, 0], logvar[:, 0].exp(), strict=True)]
    rows = [[_to_landscape(*q, coupling, n, reach, times) for q in axis] for n in n_nodes]
    answer["landscape.dissipated"] = np.array(
        [[4 * _integral(energies, times) for energies, _ in row] for row in rows]
    )
    answer["landscape.kl"] = np.array([[kl for _, kl in row] for row in rows])  # (grid, B)
    answer["landscape.energy"] = np.stack([energies for energies, _ in rows[-1]], axis=1)
    return answer


def _integral(energies: np.ndarray, times: np.ndarray) -> np.ndarray:
    """∫E dt from values at times even in log t, and E constant before the first."""
    step = math.log(times[1] / times[0])
    weighted = (energies.T * times).T
    return step * (weighted.sum(axis=0) - 0.5 * (weighted[0] + weighted[-1])) + weighted[0]


def _to_prior(mean: Tensor, logvar: Tensor, times: np.ndarray) -> np.ndarray:
    """E₀ along μ_t = e^{−t}μ, σ_t² = 1 + e^{−2t}(σ² − 1)."""
    found = []
    for time in times:
        variance = logvar.exp() * math.exp(-2 * time) - math.expm1(-2 * time)
        found.append(tp.excitation_energy(math.exp(-time) * mean, variance.log()).numpy())
    return np.array(found)


def _to_field(
    mean: Tensor, logvar: Tensor, anchors: Tensor, coupling: float, times: np.ndarray
) -> np.ndarray:
    """E_λ along the flow to N(λT/(1+λ), I/(1+λ)), whose rates are 1 + λ times those of H₀."""
    rate = 1 + coupling
    rest = coupling * anchors / rate
    spec = tp.AnchorSpec(
        landmarks=np.zeros((1, 1)), values=np.zeros((1, mean.shape[1])), radius=1.0
    )
    potential = tp.AnchorPotential(spec)
    found = []
    for time in times:
        fading = math.exp(-rate * time)
        moved = rest + fading * (mean - rest)
        variance = logvar.exp() * fading**2 - math.expm1(-2 * rate * time) / rate
        energy = perturbed_excitation_energy(
            moved, variance.log(), potential, coupling=coupling, anchors=anchors
        )
        found.append(energy.numpy())
    return np.array(found)


def _field_kl(mean: Tensor, logvar: Tensor, anchors: Tensor, coupling: float) -> np.ndarray:
    """KL(q‖p_λ) by torch's own formula, from the library's tilted prior."""
    spec = tp.AnchorSpec(
        landmarks=np.zeros((1, 1)), values=np.zeros((1, mean.shape[1])), radius=1.0
    )
    prior = tp.Hamiltonian(tp.AnchorPotential(spec), coupling).prior(anchors=anchors)
    posterior = torch.distributions.Normal(mean, (0.5 * logvar).exp())
    # Gaussians: cross-entropy at the mean plus what the variance adds, (1 + λ)σ²/2 an axis.
    cross = -prior.log_prob(mean) + 0.5 * (1 + coupling) * logvar.exp().sum(dim=1)
    return (cross - posterior.entropy().sum(dim=1)).numpy()


def _to_landscape(
    mean: float, variance: float, coupling: float, n_nodes: int, reach: float, times: np.ndarray
) -> tuple[np.ndarray, float]:
    """Energies along the flow to e^{−z²/2−λV} and the KL, V two wells, on a grid of n nodes.

    A chain that hops to its neighbours at rate √(p_j/p_i)/h² leaves p stationary; what it
    dissipates, 4Σ√(p_i p_j)(√f_i − √f_j)²/h² with f = q/p, is at most its loss of KL and agrees
    with it up to O(h²).
    """
    z = np.linspace(-reach, reach, n_nodes)
    spacing = z[1] - z[0]
    wells = -sum(np.exp(-((z - center) ** 2) / (2 * 0.6**2)) for center in (-1.3, 1.3))
    log_p = -0.5 * z**2 - coupling * wells
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    root = np.sqrt(p)
    hops = 1 / spacing**2
    diagonal = hops * (np.append(root[1:] / root[:-1], 0) + np.insert(root[:-1] / root[1:], 0, 0))
    levels, modes = eigh_tridiagonal(diagonal, np.full(n_nodes - 1, -hops))
    q = np.exp(-0.5 * (z - mean) ** 2 / variance)
    q /= q.sum()
    fading = np.exp(-np.outer(times, np.maximum(levels, 0))) * (modes.T @ (q / root))
    f = np.maximum(fading @ modes.T / root, 0)  # (n_times, n_nodes)
    energies = hops * (root[1:] * root[:-1] * np.diff(np.sqrt(f), axis=1) ** 2).sum(axis=1)
    kl = float((q * (np.log(np.maximum(q, 1e-300)) - np.log(p))).sum())
    return energies, kl


def draw(data: Arrays) -> Any:
    figure = plotting.new_figure(PAGE, 2.35)
    flow, identity, order = figure.subplots(1, 3, width_ratios=(1.1, 1.0, 0.95))
    looks = {
        "prior": (GREY, "o", "prior"),
        "field": (RED, "D", "prior + field"),
        "landscape": (BLUE, "s", "prior + wells (1 axis)"),
    }
    times = data["times"]
    shown = times > 1e-5
    for name, (colour, marker, label) in looks.items():
        power = 4 * times * data[f"{name}.energy"][:, 0]
        flow.plot(times[shown], power[shown], color=colour, label=label)
        flow.fill_between(times[shown], power[shown], color=colour, alpha=0.18, linewidth=0)
        kl, dissipated = _claims_pairs(data, name)
        identity.plot(kl, dissipated, marker, color=colour, markersize=3.2, mew=0, alpha=0.7)
    flow.set(
        xscale="log",
        xlabel="time t of the relaxation",
        ylabel="$4\\,t\\,E(t)$: nats per unit of ln t",
        ylim=(0, None),
    )
    flow.set_ylim(0, 1.5 * flow.get_ylim()[1])
    flow.legend(loc="upper left")
    letter(flow, "a", "one digit relaxes: area = KL")
    kls = [_claims_pairs(data, name)[0] for name in looks]
    low, high = 0.8 * min(kl.min() for kl in kls), 1.25 * max(kl.max() for kl in kls)
    identity.plot([low, high], [low, high], color=BLACK, linewidth=0.7, zorder=0)
    identity.set(xlabel="KL (nats)", ylabel="$4\\int E\\,dt$ (nats)")
    identity.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50) if low < tick < high]
    identity.set_xticks(ticks, [str(tick) for tick in ticks])
    identity.set_yticks(ticks, [str(tick) for tick in ticks])
    identity.minorticks_off()
    letter(identity, "b", f"{len(data['prior.kl'])} digits")
    spacing = 2 * data["reach"] / (data["n_nodes"] - 1)
    error = _claims_errors(data)
    order.loglog(spacing, error, "s-", color=BLUE, label="measured: KL above")
    order.loglog(
        spacing, error[-1] * (spacing / spacing[-1]) ** 2, ":", color=BLACK, label="$h^2$"
    )
    order.set(xlabel="spacing h of the grid", ylabel="relative difference")
    order.set_xticks([0.03, 0.1, 0.2], ["0.03", "0.1", "0.2"])
    order.minorticks_off()
    order.legend(loc="upper left")
    letter(order, "c", "wells: grid's error")
    return figure


def _claims_pairs(data: Arrays, name: str) -> tuple[np.ndarray, np.ndarray]:
    kl, dissipated = data[f"{name}.kl"], data[f"{name}.dissipated"]
    return (kl, dissipated) if kl.ndim == 1 else (kl[-1], dissipated[-1])


def _claims_errors(data: Arrays) -> np.ndarray:
    """Mean over the posteriors of 1 − 4∫E dt/KL, for each grid."""
    return (1 - data["landscape.dissipated"] / data["landscape.kl"]).mean(axis=1)


def claims(data: Arrays) -> dict[str, str]:
    found = {}
    for name in ("prior", "field"):
        kl, dissipated = _claims_pairs(data, name)
        found[f"{name}.error"] = scientific(np.abs(dissipated / kl - 1).max())
    error = _claims_errors(data)
    found["landscape.error"] = scientific(error[-1])
    found["landscape.order"] = f"{np.log2(error[-2] / error[-1]):.2f}"
    found["bound"] = f"{(data['prior.kl'] / data['prior.bound']).max():.2f}"
    found["kl"] = f"{data['prior.kl'].mean():.1f}"
    return found


if __name__ == "__main__":
    figure_main("fig9_dissipation")
