"""Products of modes of some coordinates each, and what is left of them where these depend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topopert.hamiltonian.spectra.record import Spectrum

__all__ = ["MixedModes", "ModeProducts", "Product", "lowest_products", "mixed_modes"]

# A product is a mode of its own if more than this share of its square is not a combination of
# modes that are there.
_NEW = 0.5
# Squared overlaps below so many times 1/n, what noise gives in n draws, are taken for 0: products
# have heavy tails, and there are thousands of overlaps.
_NOISE = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A mode of each block of coordinates, multiplied."""

    numbers: tuple[int, ...]  # which mode of each block; 0 is the constant
    level: float  # the sum of theirs
    error: float  # likewise, of the grids
    change: float  # likewise, of solving more coordinates together
    heat: float  # Σ level · activation energy, over the blocks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModeProducts:
    """Products as functions of the coordinates."""

    blocks: list[Spectrum]
    products: list[Product]

    def __call__(self, y: Tensor) -> Tensor:
        """All products at coordinates y (B, d), the blocks' in their order, shape (B, P)."""
        total = y.new_ones(len(y), len(self.products))
        begin = 0
        for place, block in enumerate(self.blocks):
            end = begin + block.surface.latent_dim
            numbers = [product.numbers[place] for product in self.products]
            if any(numbers):
                total = total * block.modes(y[:, begin:end])[:, numbers]
            begin = end
        return total


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixedModes:
    """Orthonormal combinations of products, ascending in level."""

    mixing: Tensor  # (P, n)
    levels: NDArray[np.float64]  # (n,)
    errors: NDArray[np.float64]  # of the grids, (n,)
    changes: NDArray[np.float64]  # of solving more coordinates together, (n,)
    activations: NDArray[np.float64]  # (n,), NaN for the ground level


def lowest_products(
    blocks: list[Spectrum], changes: NDArray[np.float64], n_products: int
) -> list[Product]:
    """All modes of the first block alone, then the products with others of lowest level.

    Args:
        blocks: Spectra of one block of coordinates each.
        changes: Of the first block's levels by solving its coordinates together.
        n_products: How many, at most, that are not of the first block alone.
    """
    alone = _of_block(blocks[0], changes)
    lowest = alone
    for block in blocks[1:]:
        sums = [
            _product(a, b) for a in lowest for b in _of_block(block, np.zeros(len(block.levels)))
        ]
        lowest = sorted(sums, key=lambda product: product.level)[: n_products + len(alone)]
    still = Product(numbers=(0,) * (len(blocks) - 1), level=0, error=0, change=0, heat=0)
    first = [_product(a, still) for a in alone]
    mixed = [product for product in lowest if any(product.numbers[1:])]
    return [*first, *mixed[:n_products]]


def mixed_modes(products: list[Product], values: Tensor, *, coupling: float) -> MixedModes:
    """The modes that products give, ascending, made orthogonal on draws of p.

    The first block's own modes are orthonormal and stay. A product f with others loses what it
    shares with modes φ_k that are there: with c_k = ⟨φ_k, f⟩ its quotient is then
    (E − Σ c_k² E_k)/(1 − Σ c_k²), as ∫p ∇φ_k·∇f = E_k c_k.

    Args:
        products: Those of the first block alone first.
        values: At the draws, (n_draws, P).
        coupling: By what share of a level independent coordinates are off, as measured elsewhere.
    """
    n_draws = len(values)
    mixing: list[NDArray[np.float64]] = []
    levels: list[float] = []
    errors: list[float] = []
    changes: list[float] = []
    heats: list[float] = []
    unit = np.eye(len(products))
    gram = (values.T @ values / n_draws).cpu().numpy()  # (P, P)
    for i, product in enumerate(products):
        vector, level, change = unit[i], product.level, product.change
        if any(product.numbers[1:]):
            modes = np.array(mixing)  # (k, P)
            overlaps = modes @ gram[i] / np.sqrt(gram[i, i])
            overlaps[overlaps**2 < _NOISE / n_draws] = 0.0
            shared = float((overlaps**2).sum())
            if shared > _NEW:
                continue
            own = (product.level - float(overlaps**2 @ levels)) / (1 - shared)
            change = change + coupling * product.level + abs(own - product.level)
            vector = (unit[i] - np.sqrt(gram[i, i]) * (overlaps @ modes)) / np.sqrt(1 - shared)
            level = max(own, 0.0)
        mixing.append(vector)
        levels.append(level)
        errors.append(product.error)
        changes.append(change)
        heats.append(product.heat / product.level if product.level > 0 else np.nan)
    order = np.argsort(levels, kind="stable")
    return MixedModes(
        mixing=torch.from_numpy(np.array(mixing)[order].T.copy()).to(values.device),
        levels=np.array(levels)[order],
        errors=np.array(errors)[order],
        changes=np.array(changes)[order],
        activations=np.array(heats)[order],
    )


def _of_block(block: Spectrum, changes: NDArray[np.float64]) -> list[Product]:
    heats = block.levels * block.activation_energies.nan_to_num()
    parts = (block.levels.tolist(), block.errors.tolist(), changes.tolist(), heats.tolist())
    return [
        Product(numbers=(k,), level=level, error=error, change=change, heat=heat)
        for k, (level, error, change, heat) in enumerate(zip(*parts, strict=True))
    ]


def _product(a: Product, b: Product) -> Product:
    return Product(
        numbers=(*a.numbers, *b.numbers),
        level=a.level + b.level,
        error=a.error + b.error,
        change=a.change + b.change,
        heat=a.heat + b.heat,
    )
