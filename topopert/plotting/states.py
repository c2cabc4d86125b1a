"""States of a two-dimensional spectrum over the contours of its energy surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from topopert._checks import check_choice, check_count
from topopert.errors import InvalidInputError

from .axes import new_axes, new_figure
from .contours import draw_contours
from .mesh import Mesh, mesh_over
from .numbers import brief
from .palette import SMALL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from torch import Tensor

    from topopert.hamiltonian.spectra import Spectrum

__all__ = ["checked_states", "occupied", "plot_state", "plot_states"]

_RARE = 1e-4  # of the largest weight: nodes of less are not in the picture
_THIN = 1e-3  # of the largest density: where it is less, a mode is not drawn


def plot_state(
    spectrum: Spectrum,
    index: int,
    *,
    kind: str = "states",
    n_points: int = 151,
    ax: Axes | None = None,
    **image_kw: Any,
) -> Axes:
    """One state as an image, red where it is positive and blue where negative, over contours of U.

    Args:
        spectrum: One of a two-dimensional surface.
        index: k, 0 for the ground state.
        kind: "states" draws φ_k, "modes" f_k = φ_k/√p where there is density to speak of.
        n_points: Along each axis of the mesh that the functions are evaluated on.
        ax: Where to draw; None makes new axes.
        **image_kw: For matplotlib's `Axes.imshow`.

    Raises:
        InvalidInputError: If the surface is not two-dimensional or there is no such state.
    """
    checked_states(spectrum, [index], latent_dim=2, instead="plot_states_in_well")
    check_choice(kind, ("states", "modes"), name="kind")
    mesh = mesh_over(occupied(spectrum), n_points)
    ax = new_axes(3.4, 3.4) if ax is None else ax
    _draw(spectrum, [index], kind, mesh, [ax], 1.0, image_kw)
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    return ax


def plot_states(
    spectrum: Spectrum,
    indices: Sequence[int],
    *,
    kind: str = "states",
    n_points: int = 151,
    n_columns: int = 3,
    **image_kw: Any,
) -> Figure:
    """Several states side by side, on one mesh; arguments as `plot_state` has them.

    Raises:
        InvalidInputError: If the surface is not two-dimensional, there is no such state, or none
            is asked for.
    """
    checked_states(spectrum, indices, latent_dim=2, instead="plot_states_in_well")
    check_choice(kind, ("states", "modes"), name="kind")
    n_columns = min(check_count(n_columns, name="n_columns"), len(indices))
    n_rows = -(-len(indices) // n_columns)
    mesh = mesh_over(occupied(spectrum), n_points)
    left, right, bottom, top = mesh.extent
    width = max(3.4, 1.13 * n_columns) / n_columns  # inches a panel
    height = 0.93 * width * min(2.0, (top - bottom) / (right - left)) + 0.22  # and its title
    figure = new_figure(width * n_columns, height * n_rows)
    grid: Any = figure.subplots(n_rows, n_columns, squeeze=False)
    panels = list(grid.flat)
    _draw(spectrum, list(indices), kind, mesh, panels[: len(indices)], 2.0, image_kw)
    for panel in panels:
        panel.set(xticks=[], yticks=[])
    for panel in panels[len(indices) :]:
        panel.set_visible(False)
    return figure


def checked_states(
    spectrum: Spectrum, indices: Sequence[int], *, latent_dim: int, instead: str
) -> None:
    """Refuse states that there are not, and surfaces of another dimension.

    Raises:
        InvalidInputError: If the surface is not of `latent_dim` dimensions, or the indices are
            none or out of range.
    """
    given = spectrum.sample.nodes.shape[1]
    if given != latent_dim:
        msg = (
            f"Only states of {latent_dim} latent dimension(s) can be drawn here, these have "
            f"{given}. Use `{instead}` if they have {3 - latent_dim}, else draw the modes at "
            "the codes as the colour of `plot_latents`."
        )
        raise InvalidInputError(msg)
    n_levels = len(spectrum.levels)
    if not len(indices) or not all(0 <= index < n_levels for index in indices):
        msg = (
            f"States are numbered 0 to {n_levels - 1} here, asked for {list(indices)}. Compute "
            "the spectrum with more `n_levels` for higher ones."
        )
        raise InvalidInputError(msg)


def occupied(spectrum: Spectrum) -> Tensor:
    """The nodes of a spectrum's sample that have weight to speak of, (G, d)."""
    weights = spectrum.sample.weights
    return spectrum.sample.nodes[weights >= _RARE * weights.max()]


def _draw(
    spectrum: Spectrum,
    indices: list[int],
    kind: str,
    mesh: Mesh,
    panels: list[Axes],
    step: float,
    image_kw: dict[str, Any],
) -> None:
    """All states from one evaluation of the functions on the mesh."""
    energy = mesh.values(spectrum.surface.energy)
    function = spectrum.states if kind == "states" else spectrum.modes
    values = mesh.values(function)[..., indices]  # (n, n, K)
    if kind == "modes":
        # Where there is no density a mode is any number: up to there it would set the scale.
        thin = energy - energy.min() > -spectrum.temperature * np.log(_THIN)
        values[thin] = np.nan
    for number, (panel, index) in enumerate(zip(panels, indices, strict=True)):
        reach = float(np.nanmax(np.abs(values[..., number]))) or 1.0
        options = {
            "extent": mesh.extent,
            "origin": "lower",
            "cmap": "RdBu_r",
            "vmin": -reach,
            "vmax": reach,
            "interpolation": "bilinear" if kind == "states" else "nearest",
            **image_kw,
        }
        panel.imshow(values[..., number], **options)
        draw_contours(panel, mesh, energy, step=step)
        level = float(spectrum.levels[index])
        panel.set_title(f"$k$ = {index},  $E$ = {brief(level)}", fontsize=SMALL)
