"""Points read a block of rows at a time: arrays, memory maps and dask arrays alike."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array

from topopert._checks import check_points, plain_array, unusable
from topopert._lazy import require
from topopert.errors import InvalidInputError

__all__ = ["DaskRows", "Rows", "is_dask", "read_rows"]

# A block and its distances to a few hundred landmarks stay in the cache; a block of many features
# has fewer rows, so that it takes no more than 32 MB.
BLOCK = 4096
_NUMBERS = 1 << 22

Result = TypeVar("Result")


class Rows:
    """Finite points (N, D) in blocks of floating-point rows; the source is never copied whole.

    Args:
        array: Numbers, shape (N, D), in memory or mapped; checked by `read_rows`.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.shape: tuple[int, int] = array.shape[0], array.shape[1]
        self.dtype = floating_type(array.dtype)
        self._array = array

    def __len__(self) -> int:
        return self.shape[0]

    def blocks(self) -> Iterator[NDArray[np.floating[Any]]]:
        """The rows in order, at most 4096 at a time; writable, as tensors want them."""
        size = min(BLOCK, max(1, _NUMBERS // self.shape[1]))
        for start in range(0, len(self), size):
            yield self._floating(self._array[start : start + size])

    def take(self, indices: NDArray[np.integer[Any]]) -> NDArray[np.floating[Any]]:
        """The rows with these indices, in their order."""
        return self._floating(self._array[indices])

    def in_memory(self) -> NDArray[np.floating[Any]]:
        """All rows at once.

        Raises:
            InvalidInputError: If they are kept outside of memory.
        """
        if isinstance(self._array, np.ndarray) and not isinstance(self._array, np.memmap):
            return self._array
        msg = (
            f"This needs all {len(self)} points in memory and got a {type(self._array).__name__}. "
            "Pass `np.array(points)` if they fit."
        )
        raise InvalidInputError(msg)

    def map(self, work: Callable[[NDArray[np.floating[Any]]], Result]) -> list[Result]:
        """What `work` gives for each block, in order."""
        return [work(block) for block in self.blocks()]

    def rowwise(self, work: Callable[[NDArray[np.floating[Any]]], NDArray[Any]]) -> NDArray[Any]:
        """What `work` gives for the rows of each block, shape (B, ...), in one array (N, ...)."""
        answer: NDArray[Any] | None = None
        start = 0
        # Written into one array: a result kept after each block would lie in the room that the
        # block's distances have left, and the next block's would find none there: 3 GB at N = 10⁶.
        for block in self.blocks():
            part = work(block)
            if answer is None:
                answer = np.empty((len(self), *part.shape[1:]), dtype=part.dtype)
            answer[start : start + len(part)] = part
            start += len(part)
        return np.empty(0) if answer is None else answer

    def reduce(
        self,
        work: Callable[[NDArray[np.floating[Any]]], Result],
        combine: Callable[[Result, Result], Result],
    ) -> Result:
        """What `work` gives for each block, put together two by two, in order."""
        return functools.reduce(combine, (work(block) for block in self.blocks()))

    def _floating(self, block: NDArray[Any]) -> NDArray[np.floating[Any]]:
        # A block of a read-only array, or of one in reverse such as scikit-learn's principal
        # components, is copied: tensors can be neither.
        return np.require(block, dtype=self.dtype, requirements=["C", "W"])


class DaskRows(Rows):
    """The rows of a dask array; its chunks are computed one by one, on dask's own scheduler.

    Args:
        array: A two-dimensional dask array; checked by `read_rows`.
    """

    def __init__(self, array: Any) -> None:
        super().__init__(array)
        self._array = array.rechunk({1: -1})

    def blocks(self) -> Iterator[NDArray[np.floating[Any]]]:
        """The rows in order, at most 4096 at a time; one chunk is held in memory."""
        for chunk in self._array.blocks:
            yield from Rows(chunk.compute()).blocks()

    def take(self, indices: NDArray[np.integer[Any]]) -> NDArray[np.floating[Any]]:
        """The rows with these indices, in their order."""
        return self._floating(self._array[np.asarray(indices)].compute())

    def map(self, work: Callable[[NDArray[np.floating[Any]]], Result]) -> list[Result]:
        """What `work` gives for each block, in order."""
        return [result for results in self.map_chunks(_OnBlocks(work)) for result in results]

    def rowwise(self, work: Callable[[NDArray[np.floating[Any]]], NDArray[Any]]) -> NDArray[Any]:
        """What `work` gives for the rows of each block, shape (B, ...), in one array (N, ...)."""
        return np.concatenate(self.map(work))

    def reduce(
        self,
        work: Callable[[NDArray[np.floating[Any]]], Result],
        combine: Callable[[Result, Result], Result],
    ) -> Result:
        """What `work` gives for each block, put together two by two, in order."""
        return functools.reduce(combine, self.map(work))

    def map_chunks(self, work: Callable[[NDArray[Any]], Result]) -> list[Result]:
        """What `work` gives for each chunk, in order; only the results leave the workers."""
        dask = require("dask", extra="dask")
        chunks = self._array.to_delayed().ravel()
        return list(dask.compute(*[dask.delayed(work)(chunk) for chunk in chunks]))

    @property
    def chunk_sizes(self) -> tuple[int, ...]:
        """Number of rows of each chunk."""
        return self._array.chunks[0]


class _OnBlocks:
    """Work on the blocks of one chunk; a class, so that dask can send it to a worker."""

    def __init__(self, work: Callable[[NDArray[np.floating[Any]]], Any]) -> None:
        self._work = work

    def __call__(self, chunk: NDArray[Any]) -> list[Any]:
        return Rows(chunk).map(self._work)


def read_rows(points: Any, *, name: str = "points", min_points: int = 1) -> Rows:
    """The points as checked rows; memory maps and dask arrays are read block by block.

    Raises:
        InvalidInputError: If they are not a real, dense, finite array of shape (N, D) with
            N >= min_points and D >= 1.
    """
    if is_dask(points):
        _check_head(points, name=name, min_points=min_points)
        rows: Rows = DaskRows(points)
    else:
        points = plain_array(points, name=name)
        if not isinstance(points, np.memmap):
            return Rows(check_points(points, name=name, min_points=min_points))
        _check_head(points, name=name, min_points=min_points)
        rows = Rows(points)
    try:
        rows.map(_AllFinite(name))
    except ValueError as err:
        raise unusable(name, err) from err
    return rows


def is_dask(points: Any) -> bool:
    """Whether the points are a dask array; dask itself is not imported."""
    return type(points).__module__.startswith("dask.array")


def floating_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """float32 stays; everything else becomes float64."""
    return np.dtype(np.float32) if dtype == np.float32 else np.dtype(np.float64)


class _AllFinite:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, block: NDArray[np.floating[Any]]) -> None:
        assert_all_finite(block, input_name=self._name)


def _check_head(points: Any, *, name: str, min_points: int) -> None:
    """Refuse by shape and type, from one row: what is out of memory is not read for that."""
    if points.ndim != 2 or any(np.isnan(size) for size in points.shape):
        msg = (
            f"`{name}` must have shape (N, D), got {points.shape}. Give each sample one row; on a "
            "dask array of unknown size call `compute_chunk_sizes()` first."
        )
        raise InvalidInputError(msg)
    if len(points) < min_points or points.shape[1] < 1:
        msg = (
            f"`{name}` has shape {points.shape}, with {len(points)} sample(s) and "
            f"{points.shape[1]} feature(s): a minimum of {min_points} and 1 is required."
        )
        raise InvalidInputError(msg)
    try:
        check_array(np.zeros((1, 1), points.dtype) if points.dtype.kind in "biuf" else points[:1])
    except (TypeError, ValueError) as err:
        raise unusable(name, err) from err
