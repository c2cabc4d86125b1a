"""What a model of scvi-tools is perturbed by, and what its minibatches carry for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from topopert._checks import check_points
from topopert.errors import InvalidInputError
from topopert.hamiltonian import Adiabatic, Coupling, Hamiltonian, checked_coupling
from topopert.topology import PersistentTopology

from .carried import CarriedAnchors, CarriedField
from .representation import log_normalised_components

__all__ = ["resolve_perturbation"]

# Weak at the end but long: so much more of SCVI's likelihood, hundreds of counts a cell, pulls at
# the latents than of a Gaussian one that a field switched off early is forgotten.
DEFAULT_COUPLING = Adiabatic(10.0, off_at=0.95)
# Anchors in d dimensions can carry d components; more only blur the distances. On blood cells,
# d = 10, ten components left four fifths of the disparity that thirty left, at a better ELBO.
MIN_COMPONENTS = 10


def resolve_perturbation(
    model: Any,
    hamiltonian: Hamiltonian | None,
    points: Any,
    anchors: Any,
    coupling: float | Coupling | None,
) -> tuple[Hamiltonian, NDArray[np.floating] | None]:
    """The Hamiltonian, and what the minibatches carry as its x: points, anchors or nothing."""
    if points is not None and anchors is not None:
        msg = "Pass either `points` or `anchors`, got both: anchors stand in for the points."
        raise InvalidInputError(msg)
    latent_dim = model.module.n_latent
    if hamiltonian is None:
        coupling = checked_coupling(DEFAULT_COUPLING if coupling is None else coupling)
        if anchors is None:
            cells = _counts_as_points(model) if points is None else _cells(model, points, "points")
            anchors = PersistentTopology(latent_dim=latent_dim).fit_transform(cells)
        hamiltonian = Hamiltonian(CarriedField(), coupling)
    elif not isinstance(hamiltonian, Hamiltonian):
        msg = f"`hamiltonian` must be a topopert.Hamiltonian, got {type(hamiltonian).__name__}."
        raise InvalidInputError(msg)
    elif coupling is not None:
        msg = "`coupling` is for a Hamiltonian built here; the one given has its own. Drop one."
        raise InvalidInputError(msg)
    elif anchors is not None:
        potential = CarriedAnchors(hamiltonian.potential)
        hamiltonian = Hamiltonian(potential, hamiltonian.coupling)
    name, values = ("points", points) if anchors is None else ("anchors", anchors)
    rows = None if values is None else _cells(model, values, name)
    # A shape that does not fit is better known before an hour of training than after.
    two = None if rows is None else torch.as_tensor(rows[:2], dtype=torch.get_default_dtype())
    hamiltonian.energy(torch.zeros(2, latent_dim), None, two, progress=0.0)
    return hamiltonian, rows


def _counts_as_points(model: Any) -> NDArray[np.float64]:
    stats = model.summary_stats
    nuisances = {
        "batches": stats.get("n_batch", 1) - 1,
        "categorical covariates": stats.get("n_extra_categorical_covs", 0),
        "continuous covariates": stats.get("n_extra_continuous_covs", 0),
    }
    found = [name for name, number in nuisances.items() if number > 0]
    if found:
        msg = (
            f"The model has {' and '.join(found)}, whose effect components of the raw counts "
            "would carry into the latent space. Pass `points=`, an integrated representation as "
            "an array or a key of `adata.obsm`."
        )
        raise InvalidInputError(msg)
    counts = model.adata_manager.get_from_registry("X")
    return log_normalised_components(counts, max(MIN_COMPONENTS, model.module.n_latent))


def _cells(model: Any, values: Any, name: str) -> NDArray[np.floating]:
    """The values as floating rows, one a cell; a string is looked up in `obsm`."""
    adata = model.adata_manager.adata
    if isinstance(values, str):
        if values not in adata.obsm:
            msg = f"`{name}`: `adata.obsm` has no {values!r}, only {sorted(adata.obsm.keys())}."
            raise InvalidInputError(msg)
        values = adata.obsm[values]
    rows = check_points(values, name=name)
    if len(rows) != adata.n_obs:
        msg = (
            f"`{name}` has {len(rows)} rows but the model {adata.n_obs} cells. Give one row per "
            "cell of the AnnData that the model was made with, in its order."
        )
        raise InvalidInputError(msg)
    return rows
