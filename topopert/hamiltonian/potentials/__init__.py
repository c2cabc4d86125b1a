"""Potentials V and their expectations over a posterior."""

from __future__ import annotations

from .anchor_potential import AnchorPotential
from .one_body_potential import OneBodyPotential
from .polynomial_potential import PolynomialPotential
from .potential import Potential, SumPotential
from .quadrature import GaussHermite, MonteCarlo, QuasiMonteCarlo
from .signature_potential import SignaturePotential
from .well_potential import WellPotential

__all__ = [
    "AnchorPotential",
    "GaussHermite",
    "MonteCarlo",
    "OneBodyPotential",
    "PolynomialPotential",
    "Potential",
    "QuasiMonteCarlo",
    "SignaturePotential",
    "SumPotential",
    "WellPotential",
]
