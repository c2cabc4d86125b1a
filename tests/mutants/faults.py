"""Signs, constants (4, ¼, ½), bounds and off-by-ones of the theory, each made wrong once."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["FAULTS", "Fault"]


class Fault(NamedTuple):
    """A line of the package and what it is changed into."""

    file: str  # below topopert/
    line: str  # a part of one line, which occurs once in the file
    wrong: str
    tests: str  # files and folders below tests/, where the fault should be noticed


FAULTS = (
    # H₀, its energy and the ELBO
    Fault(
        "hamiltonian/excitation.py",
        "0.25 * mean.to",
        "0.5 * mean.to",
        "hamiltonian/test_excitation.py",
    ),
    Fault(
        "hamiltonian/excitation.py",
        "sinh(0.5 * logvar",
        "sinh(logvar",
        "hamiltonian/test_excitation.py",
    ),
    Fault("models/objective.py", "- 1 - logvar)", "- 1 + logvar)", "models"),
    Fault("models/objective.py", "/ (2 * noise_variance)", "/ noise_variance", "models"),
    Fault("models/objective.py", "mean + (0.5 * logvar)", "mean + (1.0 * logvar)", "models"),
    Fault(
        "models/objective.py",
        "return 0.5 * decoded[1]",
        "return decoded[1]",
        "models comparison/runs",
    ),
    # potentials and their Gaussian averages
    Fault(
        "hamiltonian/potentials/anchor_potential.py",
        "0.5 * energy",
        "1.0 * energy",
        "hamiltonian/potentials/test_potentials.py",
    ),
    Fault(
        "hamiltonian/potentials/anchor_potential.py",
        "energy + logvar.exp()",
        "energy - logvar.exp()",
        "hamiltonian/potentials/test_potentials.py",
    ),
    Fault(
        "hamiltonian/potentials/well_potential.py",
        "/ spread + (spread",
        "/ spread - (spread",
        "hamiltonian/potentials/test_potentials.py",
    ),
    Fault(
        "hamiltonian/potentials/well_potential.py",
        "exp(-0.5 * exponent",
        "exp(-1 * exponent",
        "hamiltonian/potentials/test_potentials.py",
    ),
    Fault(
        "hamiltonian/potentials/well_potential.py",
        "return -(depths",
        "return +(depths",
        "hamiltonian/potentials/test_potentials.py",
    ),
    Fault(
        "hamiltonian/potentials/quadrature.py",
        "product(weights / weights.sum()",
        "product(weights",
        "hamiltonian/potentials/test_one_body_potential.py",
    ),
    Fault(
        "hamiltonian/potentials/quadrature.py",
        "torch.cat([half, -half]), weights",
        "torch.cat([half, half]), weights",
        "hamiltonian/potentials/test_one_body_potential.py",
    ),
    Fault(
        "hamiltonian/hamiltonian.py",
        "return coupling * energy",
        "return energy",
        "hamiltonian/test_hamiltonian.py",
    ),
    Fault(
        "hamiltonian/attachment/injection.py",
        "full_like(energy, scale)",
        "ones_like(energy)",
        "hamiltonian/attachment/test_injection.py hamiltonian/attachment/test_attach.py",
    ),
    # λ over training
    Fault(
        "hamiltonian/couplings.py",
        "(1 - progress / self.off_at)",
        "(1 - progress)",
        "hamiltonian/test_couplings.py",
    ),
    Fault(
        "hamiltonian/couplings.py",
        "in range(101)",
        "in range(100)",
        "hamiltonian/test_couplings.py",
    ),
    # the gauge
    Fault("hamiltonian/gauge.py", "float(2 * s[-1])", "float(s[-1])", "hamiltonian/test_gauge.py"),
    Fault("hamiltonian/gauge.py", "anchors / len(mean)", "anchors", "hamiltonian/test_gauge.py"),
    Fault(
        "hamiltonian/gauge.py",
        "s[first] + s[second]",
        "s[first] - s[second]",
        "hamiltonian/test_gauge.py",
    ),
    # tilted priors
    Fault(
        "hamiltonian/priors/prior.py",
        "sum(dim=1) / (1 + strength)",
        "sum(dim=1)",
        "hamiltonian/priors/test_prior.py",
    ),
    Fault(
        "hamiltonian/priors/prior.py",
        "-0.5 * d * math.log1p",
        "-1.0 * d * math.log1p",
        "hamiltonian/priors/test_prior.py",
    ),
    Fault(
        "hamiltonian/priors/prior.py",
        "torch.full_like(loc, (1 + strength) ** -0.5)",
        "torch.full_like(loc, (1 + strength) ** -1.0)",
        "hamiltonian/priors/test_prior.py",
    ),
    # energies over a tilted prior
    Fault(
        "hamiltonian/perturbed_excitation.py",
        "energy = 0.25 * (slope",
        "energy = 0.5 * (slope",
        "hamiltonian/test_perturbed_excitation.py",
    ),
    Fault(
        "hamiltonian/perturbed_excitation.py",
        "slope * first + excess",
        "slope * first - excess",
        "hamiltonian/test_perturbed_excitation.py",
    ),
    Fault(
        "hamiltonian/perturbed_excitation.py",
        "cross + 0.25 * _sq",
        "cross + 0.5 * _sq",
        "hamiltonian/test_perturbed_excitation.py",
    ),
    Fault(
        "hamiltonian/perturbed_excitation.py",
        "where(a == b, 1.0, 2.0)",
        "where(a == b, 1.0, 1.0)",
        "hamiltonian/test_perturbed_excitation.py",
    ),
    Fault(
        "hamiltonian/perturbed_excitation.py",
        "0.25 * weights @",
        "0.5 * weights @",
        "hamiltonian/test_perturbed_excitation.py",
    ),
    Fault(
        "hamiltonian/energy_surgery.py",
        "4 * total]",
        "2 * total]",
        "hamiltonian/test_energy_surgery.py",
    ),
    Fault(
        "hamiltonian/energy_surgery.py",
        "0.25 * _controlled(torch.stack(misfit)",
        "0.5 * _controlled(torch.stack(misfit)",
        "hamiltonian/test_energy_surgery.py",
    ),
    Fault(
        "hamiltonian/energy_surgery.py",
        "(1 + math.log(2 * math.pi))",
        "math.log(2 * math.pi)",
        "hamiltonian/test_energy_surgery.py",
    ),
    # perturbation theory
    Fault(
        "hamiltonian/perturbation/splitting.py",
        "(2**0.5 if i == j",
        "(1.0 if i == j",
        "hamiltonian/perturbation/test_splitting.py",
    ),
    Fault(
        "hamiltonian/perturbation/coefficients.py",
        "(2**r * factorial(r))",
        "factorial(r)",
        "hamiltonian/perturbation",
    ),
    Fault(
        "hamiltonian/perturbation/elements.py",
        "0.5 * (level + self",
        "0.5 * (level - self",
        "hamiltonian/perturbation",
    ),
    Fault(
        "hamiltonian/perturbation/elements.py",
        "values[:n, axis] + 1.0",
        "values[:n, axis] + 0.0",
        "hamiltonian/perturbation",
    ),
    Fault(
        "hamiltonian/perturbation/effective.py",
        "0.25 * slope[:, :n_slope]",
        "0.5 * slope[:, :n_slope]",
        "hamiltonian/perturbation",
    ),
    Fault(
        "hamiltonian/perturbation/effective.py",
        "level - degrees.astype(np.float64)",
        "degrees.astype(np.float64) - level",
        "hamiltonian/perturbation",
    ),
    Fault(
        "hamiltonian/perturbation/effective.py",
        "+ 0.5 * potential",
        "- 0.5 * potential",
        "hamiltonian/perturbation",
    ),
    Fault(
        "hamiltonian/perturbation/shells.py",
        "0.25 * float(indices",
        "0.5 * float(indices",
        "hamiltonian/perturbation",
    ),
    # surfaces
    Fault(
        "hamiltonian/surfaces/tilted_surface.py",
        "(1 + pull.sum(",
        "(1 - pull.sum(",
        "hamiltonian/surfaces/test_tilted_surface.py",
    ),
    Fault(
        "hamiltonian/surfaces/tilted_surface.py",
        "bend = bend - (",
        "bend = bend + (",
        "hamiltonian/surfaces/test_tilted_surface.py",
    ),
    Fault(
        "hamiltonian/surfaces/tilted_surface.py",
        "exp(-0.5 * sq_dist",
        "exp(-1.0 * sq_dist",
        "hamiltonian/surfaces/test_tilted_surface.py",
    ),
    Fault(
        "hamiltonian/surfaces/mixture_surface.py",
        "- 0.5 * log_det",
        "- 1.0 * log_det",
        "hamiltonian/surfaces/test_mixture_surface.py",
    ),
    Fault(
        "hamiltonian/surfaces/mixture_surface.py",
        "where(a == b, 1.0, 2.0)",
        "where(a == b, 1.0, 1.0)",
        "hamiltonian/surfaces/test_mixture_surface.py",
    ),
    # the spectrum
    Fault(
        "hamiltonian/grids/operator.py",
        "_TRIPLE = 3 / 20",
        "_TRIPLE = 3 / 10",
        "hamiltonian/grids/test_grid_levels.py hamiltonian/grids/test_grid_modes.py",
    ),
    Fault(
        "hamiltonian/grids/operator.py",
        "_QUADRUPLE = 1 / 90",
        "_QUADRUPLE = 1 / 45",
        "hamiltonian/grids/test_grid_levels.py hamiltonian/grids/test_grid_modes.py",
    ),
    Fault(
        "hamiltonian/grids/operator.py",
        "-= 3 * _QUAD",
        "-= 2 * _QUAD",
        "hamiltonian/grids/test_grid_levels.py hamiltonian/grids/test_grid_modes.py",
    ),
    Fault(
        "hamiltonian/grids/operator.py",
        "np.exp(-0.5 * rise)",
        "np.exp(-rise)",
        "hamiltonian/grids/test_grid_levels.py hamiltonian/grids/test_grid_modes.py",
    ),
    Fault(
        "hamiltonian/grids/operator.py",
        "exp(-0.5 * grid.energy",
        "exp(-1.0 * grid.energy",
        "hamiltonian/grids/test_grid_levels.py hamiltonian/grids/test_grid_modes.py",
    ),
    Fault(
        "hamiltonian/structure/radial_operator.py",
        "n_axes + 2 * degree - 1",
        "n_axes + degree - 1",
        "hamiltonian/structure",
    ),
    Fault(
        "hamiltonian/structure/radial_operator.py",
        "[27.0, -1.0]) / 24",
        "[25.0, -1.0]) / 24",
        "hamiltonian/structure",
    ),
    Fault(
        "hamiltonian/structure/radial_operator.py",
        "total - (weight * energy) @",
        "total + (weight * energy) @",
        "hamiltonian/structure",
    ),
    Fault(
        "hamiltonian/structure/product.py",
        "comb(quanta + m - 1, quanta)",
        "comb(quanta + m, quanta)",
        "hamiltonian/structure",
    ),
    Fault(
        "hamiltonian/structure/product.py",
        "math.sqrt(n) * values[n - 1]",
        "n * values[n - 1]",
        "hamiltonian/structure",
    ),
    Fault(
        "hamiltonian/barcode.py",
        "raw = -spectrum.temperature * np",
        "raw = -np",
        "hamiltonian/test_barcode.py",
    ),
    # landscapes and dynamics
    Fault(
        "hamiltonian/landscape/kramers.py",
        "- math.log(2 * math.pi)",
        "- math.log(math.pi)",
        "hamiltonian/landscape/test_kramers.py",
    ),
    Fault(
        "hamiltonian/landscape/kramers.py",
        "temperature - 0.5 * log_det",
        "temperature + 0.5 * log_det",
        "hamiltonian/landscape/test_kramers.py",
    ),
    Fault(
        "hamiltonian/landscape/kramers.py",
        "0.0) + share * value",
        "0.0) + value",
        "hamiltonian/landscape/test_kramers.py",
    ),
    Fault(
        "hamiltonian/landscape/kramers.py",
        "activation[1:] -= ",
        "activation[1:] += ",
        "hamiltonian/landscape/test_kramers.py",
    ),
    Fault(
        "hamiltonian/landscape/merge_tree.py",
        "min(a, b), max(a, b)",
        "max(a, b), min(a, b)",
        "hamiltonian/landscape",
    ),
    Fault(
        "hamiltonian/landscape/merge_tree.py",
        "tree.deaths[first] <= tree.deaths[second]",
        "tree.deaths[first] >= tree.deaths[second]",
        "hamiltonian/landscape",
    ),
    Fault(
        "hamiltonian/dynamics/overdamped.py",
        "sqrt(2 * walk.temperature",
        "sqrt(walk.temperature",
        "hamiltonian/dynamics/test_overdamped.py hamiltonian/dynamics/test_sampling.py",
    ),
    Fault(
        "hamiltonian/dynamics/overdamped.py",
        "- 0.5 * back",
        "+ 0.5 * back",
        "hamiltonian/dynamics/test_overdamped.py hamiltonian/dynamics/test_sampling.py",
    ),
    Fault(
        "hamiltonian/dynamics/underdamped.py",
        "expm1(-2 * friction",
        "expm1(-friction",
        "hamiltonian/dynamics/test_underdamped.py",
    ),
    Fault(
        "hamiltonian/dynamics/underdamped.py",
        "kept * v + spread",
        "v + spread",
        "hamiltonian/dynamics/test_underdamped.py",
    ),
    # from diagrams to anchors and wells
    Fault(
        "topology/significance.py",
        "n * np.exp(-np.exp(x))",
        "np.exp(-np.exp(x))",
        "topology/test_significance.py",
    ),
    Fault(
        "topology/significance.py",
        "math.log(math.log(20))",
        "math.log(math.log(10))",
        "topology/test_significance.py",
    ),
    Fault(
        "topology/significance.py",
        "accumulate(p_ordered[::-1])[::-1]",
        "accumulate(p_ordered)",
        "topology/test_significance.py",
    ),
    Fault(
        "topology/components.py", "len(candidates) * tail", "tail", "topology/test_components.py"
    ),
    Fault(
        "topology/components.py",
        "min_share, 5 / n_points",
        "min_share, 1 / n_points",
        "topology/test_components.py",
    ),
    Fault(
        "topology/circular.py",
        "-2 * np.pi * (basis",
        "-1 * np.pi * (basis",
        "topology/test_circular.py",
    ),
    Fault(
        "topology/circular.py",
        "alpha - solution[cols] + solution[rows]",
        "alpha + solution[cols] - solution[rows]",
        "topology/test_circular.py",
    ),
    Fault(
        "topology/circular.py",
        "kernel / np.outer(density, density)",
        "kernel",
        "topology/test_circular.py",
    ),
    Fault(
        "topology/circular.py",
        "phasor *= -np.exp",
        "phasor *= np.exp",
        "topology/test_circular.py",
    ),
    Fault(
        "topology/prior_scale.py",
        "1 / np.sqrt(np.maximum",
        "1 / (np.maximum",
        "topology/test_layouts.py topology/test_estimator.py",
    ),
    Fault(
        "topology/prior_scale.py",
        "_NOISE_SHARE = 0.01",
        "_NOISE_SHARE = 0.1",
        "topology/test_layouts.py topology/test_estimator.py",
    ),
    Fault("topology/wells.py", "exp(-0.5 * cdist", "exp(-1.0 * cdist", "topology/test_wells.py"),
    Fault("topology/wells.py", "loop.death / np.sqrt(3)", "loop.death", "topology/test_wells.py"),
    # measures, intervals and the verdict
    Fault(
        "comparison/metrics/disparity.py",
        "1 - 2 * overlap / total",
        "1 - overlap / total",
        "comparison/metrics/test_disparity.py comparison/metrics/test_neighbourhoods.py",
    ),
    Fault(
        "comparison/metrics/disparity.py",
        "compute_uv=False).sum(axis=2)",
        "compute_uv=False).max(axis=2)",
        "comparison/metrics/test_disparity.py comparison/metrics/test_neighbourhoods.py",
    ),
    Fault(
        "comparison/metrics/disparity.py",
        "np.maximum(rank[:, None], rank)",
        "np.minimum(rank[:, None], rank)",
        "comparison/metrics/test_disparity.py comparison/metrics/test_neighbourhoods.py",
    ),
    Fault(
        "comparison/metrics/disparity.py",
        "/ (n * n_neighbours)",
        "/ (n * (n_neighbours + 1))",
        "comparison/metrics/test_disparity.py comparison/metrics/test_neighbourhoods.py",
    ),
    Fault(
        "comparison/statistics/pair_estimate.py",
        "(total - 2 * per_seed)",
        "(total - per_seed)",
        "comparison/statistics/test_pair_estimate.py",
    ),
    Fault(
        "comparison/statistics/pair_estimate.py",
        "freedom = n * (n - 3) / 2",
        "freedom = n * (n - 1) / 2",
        "comparison/statistics/test_pair_estimate.py",
    ),
    Fault(
        "comparison/statistics/pair_estimate.py",
        "double_counted=2 * noise",
        "double_counted=noise",
        "comparison/statistics/test_pair_estimate.py",
    ),
    Fault(
        "comparison/statistics/estimate.py",
        "(1 + 2 * quantile**2)",
        "(1 + quantile**2)",
        "comparison/statistics/test_estimate.py comparison/statistics/test_pair_estimate.py",
    ),
    Fault(
        "comparison/statistics/estimate.py",
        "0.5 + _LEVEL / 2",
        "_LEVEL",
        "comparison/statistics/test_estimate.py comparison/statistics/test_pair_estimate.py",
    ),
    Fault(
        "comparison/statistics/estimate.py",
        "left_out.std(ddof=1)",
        "left_out.std(ddof=0)",
        "comparison/statistics/test_estimate.py comparison/statistics/test_pair_estimate.py",
    ),
    Fault(
        "comparison/statistics/permutation.py",
        "to_others[1], to_others[0]",
        "to_others[0], to_others[1]",
        "comparison/statistics/test_permutation.py",
    ),
    Fault(
        "comparison/verdict.py",
        "not gauge_ratio.high < rule",
        "not gauge_ratio.value < rule",
        "comparison/test_verdict.py",
    ),
    Fault(
        "comparison/verdict.py",
        "largest_elbo_ratio: float = 1.01",
        "largest_elbo_ratio: float = 1.1",
        "comparison/test_verdict.py",
    ),
    Fault(
        "comparison/verdict.py",
        "least_disparity: float = 0.02",
        "least_disparity: float = 0.2",
        "comparison/test_verdict.py",
    ),
)
