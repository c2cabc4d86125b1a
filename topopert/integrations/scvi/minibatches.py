"""Rows of an array that ride along with the cells of scvi-tools' minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Subset

__all__ = ["ROWS_KEY", "rows_in_minibatches", "shadowed"]

ROWS_KEY = "topopert_rows"


class _WithRows(Dataset):
    """A data set of scvi-tools whose minibatches have one entry more."""

    def __init__(self, dataset: Any, rows: NDArray[np.float32], *, is_sorted: bool) -> None:
        self._dataset = dataset
        self._rows = rows
        self._is_sorted = is_sorted

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: Any) -> dict[str, Any]:
        if isinstance(index, int):
            index = [index]  # scvi-tools has no minibatch without its first axis
        elif self._is_sorted and not isinstance(index, slice):
            index = np.sort(index)
        return {**self._dataset[index], ROWS_KEY: self._rows[index]}


@contextmanager
def rows_in_minibatches(manager: Any, rows: NDArray[np.floating]) -> Iterator[None]:
    """Within the block the minibatches of the manager hold their cells' rows under `ROWS_KEY`.

    Args:
        manager: The `AnnDataManager` of a model.
        rows: One per cell, shape (N, D); they go in as float32.
    """
    create = manager.create_torch_dataset
    light = np.asarray(rows, dtype=np.float32)

    def create_torch_dataset(indices: Any = None, *args: Any, **kwargs: Any) -> Dataset:
        # A file on disk is read in ascending order, whatever the order asked for.
        dataset = _WithRows(create(None, *args, **kwargs), light, is_sorted=manager.adata.isbacked)
        return dataset if indices is None else Subset(dataset, indices)

    with shadowed(manager, "create_torch_dataset", create_torch_dataset):
        yield


@contextmanager
def shadowed(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Within the block the instance has an attribute that hides its class's method."""
    setattr(owner, name, value)
    try:
        yield
    finally:
        delattr(owner, name)
