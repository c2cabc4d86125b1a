"""From a potential to its tilted prior: what is quadratic is solved, the rest is a tilt."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from topopert._checks import check_count
from topopert.errors import InvalidInputError
from topopert.hamiltonian.potentials.anchor_potential import AnchorPotential
from topopert.hamiltonian.potentials.potential import Potential, compute_dtype, leaves
from topopert.hamiltonian.potentials.well_potential import WellPotential

from .tilt import Term, Tilt, checked_energy
from .tilted_gaussian import TiltedGaussian
from .tilted_prior import TiltedPrior

__all__ = ["tilted_prior"]


def tilted_prior(
    potential: Potential,
    coupling: float,
    x: Tensor | None = None,
    *,
    anchors: Tensor | None = None,
    latent_dim: int | None = None,
) -> TiltedGaussian | TiltedPrior:
    """p_λ ∝ e^{−λV} p₀ as a distribution: a Gaussian if V is a sum of external fields.

    Fields are completed to a square with p₀: with precision 1 + Σλκ, so that of a sum of fields,
    wells and others only the others and the wells have to be integrated.

    Args:
        potential: V, a one-body potential.
        coupling: λ ≥ 0.
        x: The data that V depends on, shape (B, D).
        anchors: T(x), shape (B, d), in place of x.
        latent_dim: d, where nothing else says it.

    Raises:
        InvalidInputError: If data are missing or misshapen, the potential is an interaction, or
            e^{−λV} p₀ has no finite integral.
    """
    if potential.scope == "batch":
        raise InvalidInputError(_INTERACTION)
    if x is not None and anchors is not None:
        msg = "Pass either `x` or `anchors`, got both."
        raise InvalidInputError(msg)
    parts = [(coupling * factor, leaf) for factor, leaf in leaves(potential)]
    d = _latent_dim(parts, anchors, latent_dim)
    data = _checked_data(x, anchors)
    fields = [(factor, leaf) for factor, leaf in parts if isinstance(leaf, AnchorPotential)]
    places = [_places(leaf, x, anchors) for _, leaf in fields]  # of each field, (b, d)
    strength = math.fsum(factor for factor, _ in fields)
    rest = [(f, leaf) for f, leaf in parts if f != 0 and not isinstance(leaf, AnchorPotential)]
    others = [(f, leaf) for f, leaf in rest if not isinstance(leaf, WellPotential)]
    if 1 + strength <= 0:
        if not others:
            msg = (
                f"e^{{−λV}} p₀ has no finite integral: the external field's total strength is "
                f"{strength:g}, which must exceed −1. Choose a smaller coupling or factor."
            )
            raise InvalidInputError(msg)
        # What is not quadratic may yet confine: the fields are integrated with it.
        rest, others = rest + fields, others + fields
        fields, places, strength = [], [], 0.0

    dtype = _dtype(potential, places)
    batch_shape = () if data is None else (len(data),)
    # Where the data play no part, one density stands for all.
    same = not fields and all(leaf.scope == "code" for _, leaf in rest)
    n_data = 1 if data is None or same else len(data)
    device = _device(potential, data)
    pull = torch.zeros(n_data, d, dtype=dtype, device=device)  # Σ λκT
    log_quadratic = torch.full((n_data,), -0.5 * d * math.log1p(strength), dtype=dtype)
    log_quadratic = log_quadratic.to(device)
    for (factor, _), place in zip(fields, places, strict=True):
        pull = pull + factor * place.to(dtype)
        log_quadratic = log_quadratic - 0.5 * factor * place.to(dtype).square().sum(dim=1)
    log_quadratic = log_quadratic + 0.5 * pull.square().sum(dim=1) / (1 + strength)
    loc = pull / (1 + strength)  # (b, d)
    # Said outright: `torch.compile`, once used anywhere, turns torch's default off.
    if not rest:
        scale = torch.full_like(loc, (1 + strength) ** -0.5)
        return TiltedGaussian(
            loc.expand(*batch_shape, d) if batch_shape else loc[0],
            scale.expand(*batch_shape, d) if batch_shape else scale[0],
            log_quadratic if batch_shape else log_quadratic[0],
            validate_args=True,
        )
    tilt = Tilt(
        loc=loc.detach().double(),
        scale=(1 + strength) ** -0.5,
        **_wells(rest, d, device),
        terms=tuple(Term(factor=f, potential=leaf) for f, leaf in others),
        x=x,
        anchors=anchors,
    )
    _check_one_body(tilt)
    return TiltedPrior(
        tilt,
        log_quadratic.detach().double(),
        batch_shape=batch_shape,
        dtype=dtype,
        validate_args=True,
    )


_INTERACTION = (
    "The potential is an interaction: the energy of a code depends on the rest of its batch, so "
    "there is a joint prior of the batch but none per sample. Leave the interaction out of the "
    "sum whose prior is asked for."
)


def _latent_dim(
    parts: list[tuple[float, Potential]], anchors: Tensor | None, latent_dim: int | None
) -> int:
    said = {}
    if latent_dim is not None:
        said["`latent_dim`"] = check_count(latent_dim, name="latent_dim")
    if isinstance(anchors, Tensor) and anchors.ndim == 2:
        said["`anchors`"] = anchors.shape[1]
    for _, leaf in parts:
        own = getattr(leaf, "latent_dim", None)
        if own is not None:
            said[type(leaf).__name__] = own
    if not said:
        msg = "Nothing says the dimension of the latent space. Pass `latent_dim=`."
        raise InvalidInputError(msg)
    if len(set(said.values())) > 1:
        listed = ", ".join(f"{name} says {d}" for name, d in said.items())
        msg = f"The dimension of the latent space is not one number: {listed}."
        raise InvalidInputError(msg)
    return next(iter(said.values()))


def _checked_data(x: Tensor | None, anchors: Tensor | None) -> Tensor | None:
    """What the batch is counted by: x or anchors, if any."""
    for name, data in (("x", x), ("anchors", anchors)):
        if data is None:
            continue
        if not isinstance(data, Tensor) or data.ndim < 2 or not len(data):
            given = tuple(data.shape) if isinstance(data, Tensor) else type(data).__name__
            msg = f"`{name}` must be a tensor with one row per datum, (B, ...), got {given}."
            raise InvalidInputError(msg)
        if not data.isfinite().all():
            msg = f"`{name}` has NaN or infinity. Drop or impute those rows."
            raise InvalidInputError(msg)
        return data
    return None


def _places(field: AnchorPotential, x: Tensor | None, anchors: Tensor | None) -> Tensor:
    """The anchors of a field, checked, (b, d)."""
    if x is None and anchors is None:
        msg = "Pass `x` or `anchors`, got neither: the field depends on the data."
        raise InvalidInputError(msg)
    places = field.anchors(x) if anchors is None and x is not None else anchors
    if places is None or places.ndim != 2 or not places.is_floating_point():
        msg = "`anchors` must be a floating-point tensor of shape (B, d)."
        raise InvalidInputError(msg)
    return places


def _dtype(potential: Potential, places: list[Tensor]) -> torch.dtype:
    """The type of the draws: the anchors', or the potential's where there are none."""
    tensors = [*places, *potential.parameters(), *potential.buffers()]
    dtypes = (tensor.dtype for tensor in tensors if tensor.is_floating_point())
    return compute_dtype(next(dtypes, torch.get_default_dtype()))


def _device(potential: Potential, data: Tensor | None) -> torch.device:
    tensors = [*([] if data is None else [data]), *potential.parameters(), *potential.buffers()]
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def _wells(rest: list[tuple[float, Potential]], d: int, device: torch.device) -> dict[str, Tensor]:
    """All wells of a sum as one list, in double precision."""
    wells = [(factor, leaf) for factor, leaf in rest if isinstance(leaf, WellPotential)]
    empty = torch.zeros(0, dtype=torch.float64, device=device)
    return {
        "centers": torch.cat([empty.reshape(0, d), *(w.centers.double() for _, w in wells)]),
        "depths": torch.cat([empty, *(factor * w.depths.double() for factor, w in wells)]),
        "widths": torch.cat([empty, *(w.widths.double() for _, w in wells)]),
    }


def _check_one_body(tilt: Tilt) -> None:
    """Refuse terms in which the energy of a code depends on the other codes.

    Raises:
        InvalidInputError: If one does, or does not answer with one number per code.
    """
    z = torch.randn(
        4, tilt.latent_dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    rows = torch.arange(4) % tilt.n_data
    for term in tilt.terms:
        codes = (tilt.loc[rows] + tilt.scale * z.to(tilt.loc.device)).to(term.dtype)
        energies = []
        for n in (4, 2):
            data = {"x": tilt.x, "anchors": tilt.anchors}
            own = {
                name: value[rows[:n]]
                for name, value in data.items()
                if value is not None and term.potential.scope == "datum"
            }
            energy = term.potential(codes[:n], own.get("x"), anchors=own.get("anchors"))
            energies.append(checked_energy(energy, n).detach().double())
        if not torch.allclose(energies[0][:2], energies[1], rtol=1e-3, atol=1e-5):
            raise InvalidInputError(_INTERACTION)
