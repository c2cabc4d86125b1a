"""A Hamiltonian as plain values and arrays, and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from topopert.errors import InvalidInputError
from topopert.records import AnchorSpec, WellSpec

from .couplings import Adiabatic, Constant
from .hamiltonian import Hamiltonian
from .potentials.anchor_potential import AnchorPotential
from .potentials.polynomial_potential import PolynomialPotential
from .potentials.potential import Potential, SumPotential
from .potentials.signature_potential import SignaturePotential
from .potentials.well_potential import WellPotential

__all__ = ["hamiltonian_from_state", "hamiltonian_state"]

_COUPLINGS = {"Constant": Constant, "Adiabatic": Adiabatic}


def hamiltonian_state(
    hamiltonian: Hamiltonian,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a Hamiltonian consists of: values for JSON, and its buffers by name.

    Raises:
        InvalidInputError: If the coupling or a potential is a Python function or a class of the
            user's own: a file without pickle cannot hold code.
    """
    coupling = hamiltonian.coupling
    if not isinstance(coupling, (Constant, Adiabatic)):
        msg = (
            f"The coupling {coupling!r} is code, which topopert.save does not write. Use Constant "
            "or Adiabatic, or save `hamiltonian.state_dict()` and build the Hamiltonian anew."
        )
        raise InvalidInputError(msg)
    buffers = {name: tensor.detach().cpu() for name, tensor in hamiltonian.state_dict().items()}
    dtypes = {name: str(buffer.dtype).removeprefix("torch.") for name, buffer in buffers.items()}
    record = {
        "coupling": {"kind": type(coupling).__name__, **asdict(coupling)},
        "potential": _potential_record(hamiltonian.potential),
        "dtypes": dtypes,
    }
    # NumPy knows no bfloat16; every bfloat16 is a float32.
    arrays = {
        name: (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()
        for name, tensor in buffers.items()
    }
    return record, arrays


def hamiltonian_from_state(record: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Hamiltonian:
    """The Hamiltonian that `hamiltonian_state` took apart, on the CPU."""
    coupling = dict(record["coupling"])
    kind = _COUPLINGS[coupling.pop("kind")]
    hamiltonian = Hamiltonian(
        _potential(record["potential"], arrays, "potential."), kind(**coupling)
    )
    tensors = {
        name: _tensor(arrays[name], name, dtype) for name, dtype in record["dtypes"].items()
    }
    # assign: the buffers keep the precision that they were saved in.
    hamiltonian.load_state_dict(tensors, assign=True)
    return hamiltonian


def _tensor(array: NDArray[Any], name: str, dtype: str) -> torch.Tensor:
    """The buffer in the precision that it was saved in.

    Raises:
        InvalidInputError: If the precision is none of torch's, or the buffer holds no numbers.
    """
    kind = getattr(torch, dtype, None)
    if not isinstance(kind, torch.dtype):
        msg = f"Buffer {name!r:.60} has the dtype {dtype!r:.60}, which torch does not know."
        raise InvalidInputError(msg)
    tensor = torch.from_numpy(np.array(array)).to(kind)
    if not tensor.isfinite().all():
        msg = f"Buffer {name!r:.60} holds NaN or infinity."
        raise InvalidInputError(msg)
    return tensor


def _potential_record(potential: nn.Module) -> dict[str, Any]:
    kind = type(potential)
    if isinstance(potential, SumPotential):
        terms = [_potential_record(term) for term in potential.get_submodule("terms").children()]
        return {"kind": "SumPotential", "factors": list(potential.factors), "terms": terms}
    if kind in (AnchorPotential, PolynomialPotential, WellPotential):
        return {"kind": kind.__name__}
    if isinstance(potential, SignaturePotential):
        return {"kind": "SignaturePotential", "max_homology_dim": potential.max_homology_dim}
    msg = (
        f"A {kind.__name__} is code of your own, which topopert.save does not write. Save "
        "`hamiltonian.state_dict()` and build the Hamiltonian anew."
    )
    raise InvalidInputError(msg)


def _potential(record: dict[str, Any], arrays: dict[str, NDArray[Any]], prefix: str) -> Potential:
    """A potential whose buffers have the right names and shapes; their content comes later."""
    kind = record["kind"]
    if kind == "SumPotential":
        if not record["terms"]:
            msg = "A sum of potentials has no terms."
            raise InvalidInputError(msg)
        terms = [
            _potential(term, arrays, f"{prefix}terms.{k}.")
            for k, term in enumerate(record["terms"])
        ]
        return SumPotential(terms, record["factors"])
    if kind == "AnchorPotential":
        landmarks = arrays[f"{prefix}extension.landmarks"]
        weighted = arrays[f"{prefix}extension.weighted"]
        return AnchorPotential(
            AnchorSpec(landmarks=landmarks, values=weighted[:, :-1], radius=1.0)
        )
    if kind == "WellPotential":
        fields = {name: arrays[f"{prefix}{name}"] for name in ("centers", "depths", "widths")}
        return WellPotential(WellSpec(**fields))
    if kind == "PolynomialPotential":
        return PolynomialPotential(arrays[f"{prefix}exponents"], arrays[f"{prefix}coefficients"])
    if kind == "SignaturePotential":
        return SignaturePotential(record["max_homology_dim"])
    msg = f"A potential of kind {kind!r} is not known to this release."
    raise InvalidInputError(msg)
