"""Save and load a fitted topology or a Hamiltonian."""

from __future__ import annotations

from pathlib import Path

from topopert.errors import InvalidInputError, InvalidTypeError
from topopert.hamiltonian import Hamiltonian, hamiltonian_from_state, hamiltonian_state
from topopert.topology import PersistentTopology, topology_from_state, topology_state

from .archive import read_archive, write_archive

__all__ = ["load", "save"]


def save(obj: PersistentTopology | Hamiltonian, path: str | Path) -> None:
    """Save a fitted topology or a Hamiltonian in one file: JSON and arrays, no pickle.

    The file appears when it is complete; one that was there before stays until then.

    Args:
        obj: What to save.
        path: The file; `.npz` is its natural suffix, none is added.

    Raises:
        InvalidInputError: If the object is of another kind, a topology is not fitted, a part of a
            Hamiltonian is a Python function, or the path cannot be written to.
    """
    if isinstance(obj, PersistentTopology):
        record, arrays = topology_state(obj)
    elif isinstance(obj, Hamiltonian):
        record, arrays = hamiltonian_state(obj)
    else:
        msg = (
            f"A PersistentTopology or a Hamiltonian can be saved, got {type(obj).__name__}. "
            "Reports have a method: `report.save(directory)`."
        )
        raise InvalidTypeError(msg)
    write_archive(path, {"kind": type(obj).__name__, **record}, arrays)


def load(path: str | Path) -> PersistentTopology | Hamiltonian:
    """The object that `save` wrote to the file.

    Raises:
        InvalidInputError: If the file is missing, damaged, not ours or of a later version.
    """
    record, arrays = read_archive(path)
    readers = {"PersistentTopology": topology_from_state, "Hamiltonian": hamiltonian_from_state}
    reader = readers.get(str(record.get("kind")))
    if reader is None:
        msg = f"`{path}` holds a {record.get('kind')!r:.60}, which this release does not know."
        raise InvalidInputError(msg)
    try:
        return reader(record, arrays)
    # RuntimeError: torch's, for buffers of another shape, and Python's, for potentials nested
    # without end.
    except (
        AttributeError,
        IndexError,
        KeyError,
        OverflowError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as err:
        reason = f"{type(err).__name__} {' '.join(str(err).split())[:300]}"
        msg = f"`{path}` is incomplete or was changed: {reason}. Save it again."
        raise InvalidInputError(msg) from err
