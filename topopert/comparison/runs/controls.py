"""The arms beside baseline and perturbed, and which Hamiltonians define them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from topopert._checks import check_choice
from topopert.errors import InvalidInputError
from topopert.hamiltonian import (
    AnchorPotential,
    Hamiltonian,
    OneBodyPotential,
    Potential,
    SumPotential,
    WellPotential,
)

__all__ = ["CONTROLS", "check_controls", "potential_terms", "takes_anchors"]

CONTROLS = ("shuffled", "pca", "constant", "landscape", "signature", "finetuned")


def check_controls(controls: Sequence[str], hamiltonian: Hamiltonian | None) -> None:
    """Refuse controls that do not exist or that the potential does not define.

    Args:
        controls: Their names.
        hamiltonian: The user's own; None means anchors found by the topology stage.

    Raises:
        InvalidInputError: If a name is unknown, given twice, or needs anchors or a topology that
            are not there.
    """
    if isinstance(controls, str) or not isinstance(controls, Sequence):
        msg = f"`controls` must be a sequence of names, e.g. ('shuffled',), got {controls!r}."
        raise InvalidInputError(msg)
    for name in controls:
        check_choice(name, CONTROLS, name="controls")
        if hamiltonian is None:
            continue
        if name in ("shuffled", "pca") and not takes_anchors(hamiltonian):
            msg = (
                f"The control {name!r} needs one AnchorPotential, alone or with one-body "
                "potentials, and this Hamiltonian has something else. Leave it out of `controls`."
            )
            raise InvalidInputError(msg)
        if name == "landscape":
            msg = (
                "The control 'landscape' has the wells of the topology that `compare` fits, and "
                "with a Hamiltonian of your own it fits none. Leave it out of `controls`, or "
                "compare a Hamiltonian of `WellPotential(topology.wells())`."
            )
            raise InvalidInputError(msg)
    if len(set(controls)) != len(controls):
        msg = f"`controls` names an arm twice: {tuple(controls)}."
        raise InvalidInputError(msg)


def takes_anchors(hamiltonian: Hamiltonian) -> bool:
    """Whether anchors, computed once per datum, can stand in for x in all of the potential."""
    terms = list(potential_terms(hamiltonian.potential))
    fields = [term for term in terms if isinstance(term, AnchorPotential)]
    plain = AnchorPotential | WellPotential | OneBodyPotential
    others = [term for term in terms if not isinstance(term, plain)]
    return len(fields) == 1 and not others


def potential_terms(potential: Potential) -> Iterator[Potential]:
    """The terms of a potential, sums taken apart."""
    if isinstance(potential, SumPotential):
        for term in potential.terms:
            yield from potential_terms(cast("Potential", term))
    else:
        yield potential
