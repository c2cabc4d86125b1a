"""What every perturbation potential is, and how potentials add and scale."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Literal

from torch import Tensor, nn

from topopert._checks import check_real
from topopert.errors import InvalidInputError
from topopert.hamiltonian.posterior import check_posterior, compute_dtype

__all__ = ["Potential", "Scope", "SumPotential", "check_posterior", "compute_dtype", "leaves"]

# What the energy of a code depends on besides the code: nothing, its datum, or the whole batch.
Scope = Literal["code", "datum", "batch"]


class Potential(nn.Module, ABC):
    """Base of the potentials V(z; x); energies are in nats, one per sample.

    A potential defines `forward` and `expectation`. Potentials form a vector space: ``2 * a + b``,
    ``a - b / 3``, ``-a`` and ``sum([a, b, c])`` are potentials.

    `scope` says what the energy of a code depends on: ``"code"`` for a landscape V(z), ``"datum"``
    for a field V(z; x), ``"batch"`` for an interaction, which has no prior per sample.
    """

    scope: Scope = "datum"

    @abstractmethod
    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """V(z; x), shape (B,), in nats.

        Args:
            z: Latent codes, shape (B, d).
            x: The data that the codes belong to, shape (B, D), where the potential needs them.
            anchors: T(x), shape (B, d), in place of x.
        """

    @abstractmethod
    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """E_q[V] for q = N(mean, diag exp(logvar)), shape (B,), in nats.

        Args:
            mean: Shape (B, d).
            logvar: Shape (B, d); None means a deterministic code.
            x: As in `forward`.
            anchors: As in `forward`.
        """

    def __add__(self, other: Potential) -> Potential:
        if not isinstance(other, Potential):
            return NotImplemented
        return _combination([*_factors_and_terms(self), *_factors_and_terms(other)])

    def __radd__(self, other: object) -> Potential:
        # The start of Python's `sum`.
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __sub__(self, other: Potential) -> Potential:
        return self + -other if isinstance(other, Potential) else NotImplemented

    def __mul__(self, factor: float) -> SumPotential:
        factor = check_real(factor, name="factor")
        return _combination([(factor * own, term) for own, term in _factors_and_terms(self)])

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> SumPotential:
        divisor = check_real(divisor, name="divisor")
        if divisor == 0:
            msg = "`divisor` must not be 0. To switch a potential off, multiply it by 0."
            raise InvalidInputError(msg)
        return self * (1 / divisor)

    def __neg__(self) -> SumPotential:
        return self * -1.0


class SumPotential(Potential):
    """A linear combination of potentials; made by ``2 * a + b``. It is flat, each term once."""

    def __init__(self, terms: list[Potential], factors: list[float]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)
        self.factors = tuple(factors)
        scopes = {term.scope for term in terms}
        self.scope = next(scope for scope in ("batch", "datum", "code") if scope in scopes)

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """The combination of the terms' energies, shape (B,)."""
        return self._combine(lambda term: term(z, x, anchors=anchors))

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """The combination of the terms' expectations, shape (B,)."""
        return self._combine(lambda term: term.expectation(mean, logvar, x, anchors=anchors))

    def _combine(self, energy: Callable[[Any], Tensor]) -> Tensor:
        first, *others = (
            factor * energy(term) for factor, term in zip(self.factors, self.terms, strict=True)
        )
        for other in others:
            first = first + other
        return first

    def extra_repr(self) -> str:
        """The factors, for `print`."""
        return f"factors={self.factors}"


def leaves(potential: Potential) -> Iterator[tuple[float, Potential]]:
    """The potentials that a sum, or a sum of sums, consists of, and what stands before each."""
    for factor, term in _factors_and_terms(potential):
        if isinstance(term, SumPotential):
            yield from ((factor * inner, leaf) for inner, leaf in leaves(term))
        else:
            yield factor, term


def _combination(parts: list[tuple[float, Potential]]) -> SumPotential:
    """The sum, each potential once: a module that is held twice would be saved twice."""
    factors: dict[Potential, float] = {}  # modules are equal only to themselves
    for factor, term in parts:
        factors[term] = factors.get(term, 0.0) + factor
    return SumPotential(list(factors), list(factors.values()))


def _factors_and_terms(potential: Potential) -> list[tuple[float, Any]]:
    if isinstance(potential, SumPotential):
        return list(zip(potential.factors, potential.terms, strict=True))
    return [(1.0, potential)]
