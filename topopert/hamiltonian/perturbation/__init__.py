"""Perturbation theory of H_λ = H₀ + λW₁ + λ²W₂ about the prior's oscillator."""

from __future__ import annotations

from .levels import perturbation_levels
from .splitting import splitting_matrix

__all__ = ["perturbation_levels", "splitting_matrix"]
