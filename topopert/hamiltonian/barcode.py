"""The low spectrum as a barcode: bars of U against activation energies of levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_count, check_real
from topopert.backends import bottleneck_distance, sublevel_diagrams
from topopert.errors import InvalidInputError, InvalidTypeError
from topopert.hamiltonian.surfaces import EnergySurface
from topopert.records import PersistenceDiagram

from .grids.grid import confining_box, energy_grid, fine_width
from .level_solver import surface_spectrum
from .spectra.record import Spectrum

__all__ = [
    "ArrheniusSeries",
    "BarcodeComparison",
    "EnergyBarcode",
    "arrhenius",
    "barcode_comparison",
    "energy_barcode",
]

# Spacing in units of the finest width of the surface, by dimension. Between two Gaussians 6 sd
# apart, where U'' is −8 at the saddle, bars are right to 3e-3, 7e-3 and 6e-2 nats.
_SPACING = {1: 0.05, 2: 0.1, 3: 0.3}
# Bars that end within so many nats of the minimum are seen; the box ends where U is higher.
_CUT = 40.0
_MAX_NODES = 4_000_000
# A level whose error is a larger share of it is rounding and says nothing.
_LEAST_KNOWN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnergyBarcode:
    """The bars of U's sublevel sets on a grid, in nats."""

    diagrams: tuple[PersistenceDiagram, ...]  # index = homology dimension, d of them
    spacing: NDArray[np.float64]  # of the grid, (d,)
    error: float  # bottleneck distance, nats, to the bars on every second node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarcodeComparison:
    """The k-th longest bar of H0 beside the k-th level above the ground, all in nats but levels.

    For T → 0, E_k ≈ A_k e^{−b_k/T}, b_k the bar. At T of the order of the bars the activation
    energy is still near b_k, while −T log E_k is low by T log A_k, whose A_k has a unit.
    """

    bars: NDArray[np.float64]  # b_k, descending, (K,); +∞ beyond what the grid sees
    levels: NDArray[np.float64]  # E_k, (K,)
    activation_energies: NDArray[np.float64]  # −d log E_k/d(1/T), (K,); NaN for rounding
    raw: NDArray[np.float64]  # −T log E_k, (K,); NaN for rounding
    temperature: float

    @property
    def attempt_rates(self) -> NDArray[np.float64]:
        """A_k = E_k e^{activation/T}: the rate at which barriers are tried, (K,)."""
        return self.levels * np.exp(self.activation_energies / self.temperature)

    def __str__(self) -> str:
        rows = [f"{'k':>3}  {'bar':>8}  {'activation':>10}  {'−T log E':>8}  {'level':>10}"]
        for k, values in enumerate(
            zip(self.bars, self.activation_energies, self.raw, self.levels, strict=True), start=1
        ):
            bar, activation, raw, level = values
            rows.append(f"{k:>3}  {bar:>8.3f}  {activation:>10.3f}  {raw:>8.3f}  {level:>10.4g}")
        return "\n".join([f"nats, T = {self.temperature:g}", *rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArrheniusSeries:
    """Levels over temperatures, against the bars that they tend to."""

    temperatures: NDArray[np.float64]  # descending, (J,)
    levels: NDArray[np.float64]  # E_k, the ground left out, (J, K)
    activation_energies: NDArray[np.float64]  # (J, K), nats; NaN for rounding
    raw: NDArray[np.float64]  # −T log E_k, (J, K), nats; NaN for rounding
    bars: NDArray[np.float64]  # (K,), nats, descending; 0 where U has no more bars

    @property
    def slopes(self) -> NDArray[np.float64]:
        """−Δ log E/Δ(1/T) between neighbouring temperatures, (J − 1, K), nats.

        The textbook's Arrhenius estimate, by which the activation energies can be checked: by the
        mean value theorem each lies between those of its two temperatures or near.
        """
        logs = np.where(np.isnan(self.raw), np.nan, -self.raw / self.temperatures[:, None])
        return -np.diff(logs, axis=0) / np.diff(1 / self.temperatures)[:, None]


def energy_barcode(surface: EnergySurface, *, spacing: float | None = None) -> EnergyBarcode:
    """The bars of U's sublevel sets on a grid, d ≤ 3, with an estimate of their error.

    Bars are seen in full if they end within 40 nats of the minimum. In more dimensions H0 is
    that of a landscape: `EnergyLandscape.barrier_tree().diagram`.

    Args:
        surface: U.
        spacing: Of the grid along each axis; None takes .05, .1 or .3 of the finest width along
            it in one, two or three dimensions.

    Raises:
        InvalidInputError: If d > 3, U does not confine or is NaN somewhere, the spacing is no
            number > 0, or the grid would have too many nodes.
        BackendError: If GUDHI fails.
    """
    _check_surface(surface)
    d = surface.latent_dim
    if d not in _SPACING:
        msg = (
            f"A grid needs d ≤ 3, got d = {d}. For H0 take "
            "`EnergyLandscape.from_surface(surface).barrier_tree().diagram`."
        )
        raise InvalidInputError(msg)
    if spacing is None:
        step = _SPACING[d] * fine_width(surface)
    else:
        step = np.full(d, check_real(spacing, name="spacing", low=0.0, low_open=True))
    box = confining_box(surface, _CUT)
    grid = energy_grid(surface, box, step, cut=_CUT, max_nodes=_MAX_NODES)
    values = grid.energy + grid.offset
    diagrams = sublevel_diagrams(values)
    coarse = sublevel_diagrams(values[(slice(None, None, 2),) * d])
    differences = [bottleneck_distance(a, b) for a, b in zip(diagrams, coarse, strict=True)]
    return EnergyBarcode(diagrams=diagrams, spacing=grid.spacing, error=max(differences))


def barcode_comparison(
    spectrum: Spectrum, diagram: PersistenceDiagram | None = None
) -> BarcodeComparison:
    """Bars of U against the small levels of a spectrum, one to one.

    Args:
        spectrum: Levels at temperature T.
        diagram: The H0 bars of the same U; None takes them from a grid, d ≤ 3. In more dimensions
            pass `EnergyLandscape.from_surface(surface).barrier_tree().diagram`.

    Returns:
        As many rows as there are bars and levels above the ground, the fewer of both.

    Raises:
        InvalidInputError: As `energy_barcode` does, or if the diagram is not one of H0.
    """
    if not isinstance(spectrum, Spectrum):
        msg = f"`spectrum` must be a Spectrum, got {type(spectrum).__name__}."
        raise InvalidTypeError(msg)
    if diagram is None:
        diagram = energy_barcode(spectrum.surface).diagrams[0]
    lengths = _bar_lengths(diagram)
    n = min(len(lengths), len(spectrum.levels) - 1)
    levels, activation, raw = _known(spectrum, n)
    return BarcodeComparison(
        bars=lengths[:n],
        levels=levels,
        activation_energies=activation,
        raw=raw,
        temperature=spectrum.temperature,
    )


def arrhenius(
    surface: EnergySurface,
    *,
    temperatures: Sequence[float],
    n_levels: int,
    diagram: PersistenceDiagram | None = None,
) -> ArrheniusSeries:
    """Levels and activation energies over temperatures, with the bars that they tend to.

    For T → 0, −T log E_k → b_k, the length of the k-th longest H0 bar of U.

    Args:
        surface: U.
        temperatures: T > 0, at least one, in any order.
        n_levels: How many levels, the ground level included, at least 2.
        diagram: As for `barcode_comparison`.

    Raises:
        InvalidInputError: If a number is out of range, or as the solver or `energy_barcode` does.
        BackendError: If an eigensolver did not converge.

    References:
        Bovier, Gayrard, Klein, Metastability in reversible diffusion processes II: precise
        asymptotics for small eigenvalues (2005), theorem 1.2.
    """
    n_levels = check_count(n_levels, name="n_levels", minimum=2)
    _check_surface(surface)
    if not isinstance(temperatures, Iterable):
        msg = f"`temperatures` must be a sequence of numbers, got {temperatures!r}."
        raise InvalidTypeError(msg)
    checked = [check_real(t, name="temperatures", low=0.0, low_open=True) for t in temperatures]
    if not checked:
        msg = "`temperatures` is empty. Give at least one, e.g. `[1.0, 0.5, 0.25]`."
        raise InvalidInputError(msg)
    if diagram is None:
        diagram = energy_barcode(surface).diagrams[0]
    lengths = _bar_lengths(diagram)
    ordered = sorted(set(checked), reverse=True)
    known = [
        _known(surface_spectrum(surface, n_levels=n_levels, temperature=t), n_levels - 1)
        for t in ordered
    ]
    levels, activation, raw = (np.stack(part) for part in zip(*known, strict=True))
    bars = np.zeros(n_levels - 1)
    n_bars = min(len(lengths), n_levels - 1)
    bars[:n_bars] = lengths[:n_bars]
    return ArrheniusSeries(
        temperatures=np.array(ordered),
        levels=levels,
        activation_energies=activation,
        raw=raw,
        bars=bars,
    )


def _check_surface(surface: Any) -> None:
    if not isinstance(surface, EnergySurface):
        msg = (
            f"`surface` must be an energy surface, got {type(surface).__name__}. Pass "
            "`landscape.surface` of an EnergyLandscape, or `spectrum.surface`."
        )
        raise InvalidTypeError(msg)


def _bar_lengths(diagram: PersistenceDiagram) -> NDArray[np.float64]:
    """Lengths of H0's bars but that of the lowest minimum, descending."""
    if not isinstance(diagram, PersistenceDiagram):
        msg = f"`diagram` must be a PersistenceDiagram or None, got {type(diagram).__name__}."
        raise InvalidTypeError(msg)
    if diagram.homology_dim != 0:
        msg = (
            f"Levels are compared with bars of H0, got a diagram of H{diagram.homology_dim}. Pass "
            "`energy_barcode(surface).diagrams[0]`."
        )
        raise InvalidInputError(msg)
    without_end = np.full(max(len(diagram.essential) - 1, 0), math.inf)
    return np.concatenate([without_end, np.sort(diagram.persistence)[::-1]])


def _known(
    spectrum: Spectrum, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Levels, activation energies and −T log E of the n levels above the ground."""
    levels, errors, activation = (
        values[1 : n + 1].detach().cpu().numpy().astype(np.float64)
        for values in (spectrum.levels, spectrum.errors, spectrum.activation_energies)
    )
    lost = (levels <= 0) | (errors > _LEAST_KNOWN * levels)
    raw = -spectrum.temperature * np.log(np.where(lost, np.nan, levels))
    return levels, np.where(lost, np.nan, activation), raw
