"""One number a step, kept without making the device wait."""

from __future__ import annotations

import threading

from torch import Tensor

__all__ = ["EnergyLog"]

# Scalars wait on their device until so many are there: one transfer each would stall a GPU, and
# a long training's scalars would fill its memory.
_PENDING = 1024


class EnergyLog:
    """Numbers in the order of `append`, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: list[float] = []
        self._pending: list[float | Tensor] = []

    def append(self, value: float | Tensor) -> None:
        """Note a number: a float or a detached scalar tensor."""
        with self._lock:
            self._pending.append(value)
            if len(self._pending) >= _PENDING:
                self._flush()

    def values(self) -> list[float]:
        """All numbers so far."""
        with self._lock:
            self._flush()
            return list(self._values)

    def is_empty(self) -> bool:
        """Nothing was noted yet."""
        with self._lock:
            return not (self._values or self._pending)

    def _flush(self) -> None:
        self._values += map(float, self._pending)
        self._pending.clear()
