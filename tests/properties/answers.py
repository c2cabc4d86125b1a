"""One answer of every public function that computes, from fixed arguments, as arrays.

`python -m tests.properties.answers FILE [THREADS]` writes them all, to compare processes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import topopert as tp
from topopert import datasets, models
from topopert.hamiltonian import (
    FunctionSurface,
    TiltedSurface,
    grid_spectrum,
    kramers_spectrum,
    marginal_spectrum,
    overdamped_langevin,
    posterior_surface,
    ritz_spectrum,
    sample_surface,
    structured_spectrum,
    surface_spectrum,
    underdamped_langevin,
)
from topopert.topology import prior_scale

from .scenes import ROW_FUNCTIONS, cloud, data, landscape, posterior, potential

__all__ = ["ANSWERS", "answers"]

Answer = dict[str, np.ndarray]
TOYS = (
    "circle",
    "clusters",
    "figure_eight",
    "klein_bottle",
    "linked_circles",
    "sphere",
    "swiss_roll",
    "torus",
    "trefoil",
)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def arrays(**values: Any) -> Answer:
    return {
        name: value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
        for name, value in values.items()
    }


def of_spectrum(found: tp.Spectrum) -> Answer:
    z = torch.linspace(-1, 1, 2 * found.surface.latent_dim, dtype=torch.float64)
    states = found.states(z.reshape(2, -1))
    return arrays(levels=found.levels, degeneracies=found.degeneracies, states=states)


def of_metrics(metrics: tp.DegeneracyMetrics | tp.FaithfulnessMetrics) -> Answer:
    return arrays(**{name: list(value.values()) for name, value in asdict(metrics).items()})


def energies() -> Answer:
    # Large enough that torch shares the work among its threads: some 1e5 numbers at once.
    n = 8000
    mean, logvar, x = *posterior(4, n=n), data(n)

    def rows(name: str) -> slice:
        quadrature = "function" in name or name in (
            "excitation in polynomial",
            "excitation in sum",
        )
        return slice(n // 40 if quadrature else n)

    return arrays(
        **{
            name: function(mean[rows(name)], logvar[rows(name)], x[rows(name)])
            for name, function in ROW_FUNCTIONS.items()
        },
        signature=potential("signature", 4).expectation(mean[:300], None, x[:300]),
    )


def training() -> Answer:
    points = torch.from_numpy(cloud(300, dim=12)).float()
    streams = tp.rng.spawn_runs(0, 3)

    def model(stream: tp.rng.RunStreams) -> nn.Module:
        with tp.rng.seeded_init(stream.init):
            return models.MLPVAE(12, 2)

    losses: list[Tensor] = []
    trained = models.train_ensemble(
        [model(stream) for stream in streams],
        points,
        noise_variance=0.1,
        config=tp.TrainingConfig(n_steps=8, batch_size=64),
        streams=streams,
        on_step=lambda record: losses.append(record.loss.clone()),
    )
    mean, logvar = trained.encode(points)
    return arrays(losses=torch.stack(losses), mean=mean, logvar=logvar)


def attached() -> Answer:
    with tp.rng.seeded_init(0):
        encoder = nn.Linear(12, 4)
    x = torch.from_numpy(cloud(64, dim=12)).float()
    hamiltonian = tp.Hamiltonian(potential("wells", 2).float(), 2.0)
    with tp.attach(
        encoder, hamiltonian, n_steps=3, posterior=lambda out: out.chunk(2, dim=1)
    ) as handle:
        for _ in range(3):
            encoder(x).square().mean().backward()
    return arrays(energies=list(handle.energies), gradient=encoder.weight.grad)


def topology() -> Answer:
    points = cloud(500, dim=6)
    own = tp.PersistentTopology(2, n_landmarks=60).fit(points)
    return arrays(
        anchors=own.transform(points),
        angles=own.circular_coordinates(points),
        components=own.components(points),
        bars=own.diagrams_[1].pairs,
        p_values=[feature.p_value for feature in own.features_],
        depths=own.wells().depths,
    )


def diagrams() -> Answer:
    a, b = (tp.persistence_diagrams(cloud(60, seed=seed)) for seed in (0, 1))
    return arrays(
        bars=a[1].pairs,
        bottleneck=tp.bottleneck_distance(a[0], b[0]),
        wasserstein=tp.wasserstein_distance(a[0], b[0]),
    )


def landmarks() -> Answer:
    indices, radius = tp.maxmin_landmarks(cloud(5000, dim=20), 50)
    return arrays(indices=indices, radius=radius)


def comparison_metrics() -> Answer:
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(400, 3)) + 0.3 * rng.normal(size=(4, 400, 3))
    points = runs[0] @ rng.normal(size=(3, 30))
    degenerate, faithful = tp.degeneracy(runs), tp.faithfulness(points, runs)
    return of_metrics(degenerate) | {f"f {k}": v for k, v in of_metrics(faithful).items()}


def toys() -> Answer:
    return {
        name: getattr(datasets, name)(n_points=50, noise=0.1, rng=np.random.default_rng(0)).points
        for name in TOYS
    } | arrays(digits=datasets.digits().points[:50])


def patches() -> Answer:
    found = datasets.image_patches(200, rng=np.random.default_rng(0))
    return arrays(points=found.points, parameters=found.parameters)


def prior() -> Answer:
    own = tp.Hamiltonian(landscape(), 2.0).prior()
    draws = own.sample(torch.Size((500,)), generator=generator())
    return arrays(draws=draws, log_prob=own.log_prob(draws))


def prior_in_six() -> Answer:
    own = tp.Hamiltonian(potential("function", 6), 0.5).prior(latent_dim=6)
    draws = own.sample(torch.Size((50,)), generator=generator())
    return arrays(draws=draws, log_prob=own.log_prob(draws))


def map_of_states() -> Answer:
    mean, logvar = posterior(2, n=40)
    own = tp.EnergyLandscape.from_posterior(2 * mean, logvar - 1)
    tree = own.barrier_tree()
    last = len(own.minima) - 1
    return arrays(
        minima=own.minima,
        energies=own.energies,
        deaths=tree.deaths,
        path=own.path(0, last).points if last else own.minima,
        walk=own.simulate(own.minima, 20, generator=generator()),
        draws=own.sample(30, generator=generator()),
    )


def dynamics() -> Answer:
    surface = posterior_surface(*posterior(3, n=40))
    start = torch.zeros(200, 3, dtype=torch.float64)
    over = overdamped_langevin(surface, start, 20, generator=generator())
    under = underdamped_langevin(surface, start, 20, friction=1.0, generator=generator())
    drawn = sample_surface(surface, 50, generator=generator())
    decoded = tp.decode_along(lambda z: torch.tanh(z @ z.T[:, :5]), over.points[-1])
    return arrays(over=over.points, under=under.points, drawn=drawn, decoded=decoded)


def surgery() -> Answer:
    found = tp.energy_surgery(*posterior(3, n=100), n_samples=4096)
    return arrays(
        total=found.total, information=found.information.value, misfit=found.misfit.value
    )


def bars_of_energy() -> Answer:
    surface = posterior_surface(*posterior(2, n=8))
    found = tp.energy_barcode(surface)
    series = tp.arrhenius(surface, temperatures=[1.0], n_levels=2)
    spectrum = tp.posterior_spectrum(*posterior(2, n=8), n_levels=3)
    beside = tp.barcode_comparison(spectrum, found.diagrams[0])
    return arrays(
        bars=found.diagrams[0].pairs, levels=series.levels, activation=beside.activation_energies
    )


def differentiable() -> Answer:
    mean, logvar = (value.requires_grad_() for value in posterior(1, n=10))
    levels = tp.differentiable_posterior_levels(mean, logvar, n_levels=3)
    (slope,) = torch.autograd.grad(levels.sum(), mean)
    own = tp.differentiable_levels(landscape(), coupling=0.5, latent_dim=2, n_levels=3)
    return arrays(levels=levels, slope=slope, own=own)


def quadratures() -> Answer:
    return arrays(
        quasi=tp.QuasiMonteCarlo(256).nodes(1, 6)[0],
        product=tp.GaussHermite(7).nodes(1, 3)[0],
        random=tp.MonteCarlo(n_nodes=64, generator=generator()).nodes(4, 3)[0],
    )


def theory() -> Answer:
    mean, logvar = posterior(3, n=50)
    curvature = tp.gauge_curvature(mean, logvar)
    return arrays(
        curvatures=curvature.curvatures,
        splitting=tp.splitting_matrix(potential("wells", 3), 3),
        scaled=prior_scale(mean.numpy(), of=logvar.numpy()),
    )


def quick_comparison() -> Answer:
    report = tp.compare(
        cloud(80, dim=5),
        latent_dim=2,
        n_seeds=3,
        controls=(),
        training=tp.TrainingConfig(n_steps=10, batch_size=32),
    )
    return arrays(**{name: arm.latents for name, arm in report.arms.items()})


def quick_calibration() -> Answer:
    found = tp.calibrate(
        cloud(80, dim=5),
        n_seeds=3,
        couplings=(1.0, tp.Adiabatic(3.0)),
        training=tp.TrainingConfig(n_steps=5, batch_size=32),
        elbo_budget=1e9,
    )
    return arrays(front=[(point.disparity, point.neg_elbo) for point in found.front])


def quartic(z: Tensor) -> Tensor:
    return z.square().sum(dim=1).square() / 4


def bimodal() -> tuple[Tensor, Tensor]:
    mean, logvar = posterior(2, n=20)
    mean = 0.2 * mean
    mean[:10, 0] += 2.0
    mean[10:, 0] -= 2.0
    return mean, torch.full_like(logvar, -1.5)


def in_a_plane() -> Answer:
    """Two wells in five dimensions: they span a line, the rest are oscillators."""
    spec = tp.WellSpec(
        centers=np.array([[1.0, 0, 0, 0, 0], [-1.5, 0, 0, 0, 0]]),
        depths=np.array([2.0, 3.0]),
        widths=np.full(2, 0.8),
    )
    found = structured_spectrum(TiltedSurface(tp.WellPotential(spec), 1.0, 5), n_levels=6)
    if found is None:
        msg = "no structure was found"
        raise RuntimeError(msg)
    return of_spectrum(found)


ANSWERS: dict[str, Callable[[], Answer]] = {
    "energies": energies,
    "quadratures": quadratures,
    "theory": theory,
    "training": training,
    "attach": attached,
    "topology": topology,
    "diagrams": diagrams,
    "landmarks": landmarks,
    "metrics": comparison_metrics,
    "toys": toys,
    "image_patches": patches,
    "prior": prior,
    "prior in six dimensions": prior_in_six,
    "landscape": map_of_states,
    "dynamics": dynamics,
    "energy_surgery": surgery,
    "energy_barcode": bars_of_energy,
    "differentiable levels": differentiable,
    "spectrum": lambda: of_spectrum(
        tp.spectrum(landscape(), coupling=1.0, latent_dim=2, n_levels=5)
    ),
    "structured_spectrum": in_a_plane,
    "posterior_spectrum": lambda: of_spectrum(
        tp.posterior_spectrum(*posterior(2, n=30), n_levels=5)
    ),
    "grid_spectrum": lambda: of_spectrum(
        grid_spectrum(posterior_surface(*posterior(2, n=20)), n_levels=4)
    ),
    "marginal_spectrum": lambda: of_spectrum(
        marginal_spectrum(posterior_surface(*posterior(5, n=30)), n_levels=4)
    ),
    "ritz_spectrum": lambda: of_spectrum(
        ritz_spectrum(FunctionSurface(quartic, 4), n_levels=3, generator=generator())
    ),
    "kramers_spectrum": lambda: of_spectrum(
        kramers_spectrum(posterior_surface(*bimodal()), n_levels=2, temperature=0.3)
    ),
    "surface_spectrum": lambda: of_spectrum(
        surface_spectrum(FunctionSurface(quartic, 1), n_levels=3)
    ),
    "perturbation_levels": lambda: of_spectrum(
        tp.perturbation_levels(landscape(), coupling=0.1, latent_dim=2, n_levels=6, order=2)
    ),
    "compare": quick_comparison,
    "calibrate": quick_calibration,
}


def answers() -> dict[str, np.ndarray]:
    """All of them, by names of the form "function: array"."""
    return {
        f"{name}: {part}": value
        for name, answer in ANSWERS.items()
        for part, value in answer().items()
    }


if __name__ == "__main__":
    if len(sys.argv) > 2:
        torch.set_num_threads(int(sys.argv[2]))
    np.savez(sys.argv[1], **answers())
