"""All that decides what is trained, as plain values: to tell one comparison from another."""

from __future__ import annotations

import hashlib
import importlib.metadata
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.hamiltonian import Coupling, Hamiltonian, coupling_at

__all__ = ["array_digest", "callable_name", "coupling_values", "hamiltonian_digest", "versions"]


def versions() -> dict[str, str]:
    """The releases that the last bits of a result depend on."""
    return {
        "topopert": importlib.metadata.version("topopert"),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def array_digest(*arrays: NDArray[Any] | Tensor) -> str:
    """SHA-256 of the arrays' types, shapes and values."""
    digest = hashlib.sha256()
    for array in arrays:
        if isinstance(array, Tensor):
            array = array.detach().cpu().numpy()
        digest.update(f"{array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def hamiltonian_digest(hamiltonian: Hamiltonian) -> str:
    """SHA-256 of a Hamiltonian's buffers and of what it prints."""
    printed = np.frombuffer(repr(hamiltonian.potential).encode(), dtype=np.uint8)
    state = hamiltonian.state_dict()
    return array_digest(printed, *(state[name] for name in sorted(state)))


def coupling_values(coupling: Coupling) -> list[float]:
    """λ at 11 values of progress: a callable has no other identity."""
    return [coupling_at(coupling, tenth / 10) for tenth in range(11)]


def callable_name(function: Any) -> str:
    """A name that says which function, class or partial it is, without an address in memory."""
    inner = getattr(function, "func", None)  # functools.partial
    if inner is not None:
        arguments = [*map(repr, function.args)]
        arguments += [f"{name}={value!r}" for name, value in function.keywords.items()]
        return f"{callable_name(inner)}({', '.join(arguments)})"
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{module}.{name}"
