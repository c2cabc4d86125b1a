"""What is said of a row depends on that row alone, and on nothing about how it is stored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import topopert as tp

from .scenes import DATA_DIM, ROW_FUNCTIONS, data, posterior, potential

Arguments = tuple[Tensor, Tensor, Tensor]


def arguments(d: int, n: int, seed: int) -> Arguments:
    return (*posterior(d, n=n, seed=seed), data(n, seed))


def close(found: Tensor, expected: Tensor) -> None:
    # A product of matrices of another shape may round otherwise.
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ROW_FUNCTIONS)
@settings(max_examples=10)
@given(
    d=st.integers(1, 5),
    order=st.permutations(range(6)),
    cut=st.integers(0, 6),
    seed=st.integers(0, 9),
)
def test_rows_move_split_and_join(
    name: str, d: int, order: list[int], cut: int, seed: int
) -> None:
    function = ROW_FUNCTIONS[name]
    given_rows = arguments(d, 6, seed)
    whole = function(*given_rows)
    assert whole.shape == (6,)
    close(function(*(value[order] for value in given_rows)), whole[order])
    parts = [function(*(v[rows] for v in given_rows)) for rows in (slice(cut), slice(cut, None))]
    close(torch.cat(parts), whole)


@pytest.mark.parametrize("name", [*ROW_FUNCTIONS, "signature"])
def test_an_empty_batch_has_no_energies(name: str) -> None:
    function = ROW_FUNCTIONS.get(name) or tp.Hamiltonian(potential(name, 2)).energy
    assert function(*(v.requires_grad_() for v in arguments(2, 0, 0))).shape == (0,)


def transposed(value: Tensor) -> Tensor:
    return value.T.contiguous().T


def every_other(value: Tensor) -> Tensor:
    wide = torch.full((2 * len(value), 2 * value.shape[1]), torch.nan, dtype=value.dtype)
    wide[::2, ::2] = value
    return wide[::2, ::2]


STORED: dict[str, Callable[[Tensor], Tensor]] = {
    "transposed": transposed,
    "every other": every_other,
    "of a view": lambda value: torch.stack([value, value])[1],
    "with gradient": lambda value: value.clone().requires_grad_(),
    "conjugate view": lambda value: torch.complex(value, value).real,
}


@pytest.mark.parametrize("name", [*ROW_FUNCTIONS, "signature"])
@pytest.mark.parametrize("how", STORED)
def test_storage_does_not_matter_and_stays_as_it_was(name: str, how: str) -> None:
    function = ROW_FUNCTIONS.get(name) or tp.Hamiltonian(potential(name, 3)).energy
    plain = arguments(3, 6, 0)
    stored = [STORED[how](value) for value in plain]
    versions = [value._version for value in stored]
    found = function(*stored)
    close(found.detach(), function(*plain))
    assert [value._version for value in stored] == versions  # nothing was written in place
    for value, original in zip(stored, plain, strict=True):
        assert torch.equal(value, original)
        assert found.untyped_storage().data_ptr() != value.untyped_storage().data_ptr()


@pytest.mark.parametrize("name", ["field", "signature"])
@pytest.mark.parametrize("how", ["read-only", "reversed"])
def test_numpy_data_may_be_read_only_or_a_view(name: str, how: str) -> None:
    mean, logvar, x = arguments(2, 6, 0)
    expected = potential(name, 2).expectation(mean, logvar, x)
    array = x.numpy().copy() if how == "read-only" else x.numpy()[::-1].copy()[::-1]
    array.setflags(write=False)
    rows = array  # NumPy stands for a tensor wherever data do
    found = potential(name, 2).expectation(mean, logvar, rows)
    torch.testing.assert_close(found, expected)


def test_potentials_own_their_buffers() -> None:
    """Not even in torch's default dtype does a potential share memory with the record."""
    arrays = {
        "centers": np.ones((2, 2)),
        "depths": np.ones(2),
        "widths": np.ones(2),
        "landmarks": np.ones((2, DATA_DIM)),
        "values": np.ones((2, 2)),
    }
    for array in arrays.values():
        array.setflags(write=False)
    spec = tp.WellSpec(**{name: arrays[name] for name in ("centers", "depths", "widths")})
    anchors = tp.AnchorSpec(landmarks=arrays["landmarks"], values=arrays["values"], radius=1.0)
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)  # noqa: TID251 - the very case
        potentials = [tp.WellPotential(spec), tp.AnchorPotential(anchors)]
    finally:
        torch.set_default_dtype(default)  # noqa: TID251
    for own in potentials:
        for buffer in own.buffers():
            buffer.add_(1)
    assert all((array == 1).all() for array in arrays.values())


def test_a_code_without_axes_is_refused() -> None:
    empty = torch.zeros(3, 0)
    for name in ("wells", "function", "signature"):
        with pytest.raises(tp.InvalidInputError, match="d >= 1"):
            potential(name, 2).expectation(empty, empty, torch.zeros(3, DATA_DIM))
