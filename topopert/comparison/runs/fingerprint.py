"""All that decides what is trained, as plain values: to tell one comparison from another."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.hamiltonian import Coupling, Hamiltonian, coupling_at

__all__ = [
    "array_digest",
    "callable_name",
    "coupling_values",
    "hamiltonian_digest",
    "named_digest",
    "versions",
]


def versions() -> dict[str, str]:
    """The releases that the last bits of a result depend on."""
    return {
        "topopert": importlib.metadata.version("topopert"),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def array_digest(*arrays: NDArray[Any] | Tensor) -> str:
    """SHA-256 of the arrays' order, types, shapes and values."""
    return named_digest({f"{index:09d}": array for index, array in enumerate(arrays)})


def named_digest(arrays: Mapping[str, NDArray[Any] | Tensor]) -> str:
    """SHA-256 of arrays with their names, in whatever order they come."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        value = array.detach().cpu().numpy() if isinstance(array, Tensor) else array
        digest.update(f"{name} {value.dtype.str} {value.shape}\n".encode())
        digest.update(np.ascontiguousarray(value).data)  # the buffer itself: no copy
    return digest.hexdigest()


def hamiltonian_digest(hamiltonian: Hamiltonian) -> str:
    """SHA-256 of a Hamiltonian's buffers and of what it prints."""
    printed = np.frombuffer(repr(hamiltonian.potential).encode(), dtype=np.uint8)
    return named_digest({"": printed, **hamiltonian.state_dict()})


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
