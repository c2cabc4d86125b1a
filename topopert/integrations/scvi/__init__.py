"""scvi-tools: the perturbation around `model.train()`; needs the extra ``scvi``."""

from __future__ import annotations

from .perturb import perturb
from .representation import log_normalised_components

__all__ = ["log_normalised_components", "perturb"]
