"""The reference VAE, its objective, and the training of many seeds at once."""

from __future__ import annotations

from .ensemble import (
    EnergyTerm,
    Ensemble,
    StepRecord,
    TrainingConfig,
    check_model,
    train_ensemble,
)
from .mlp_vae import MLPVAE
from .objective import gaussian_reconstruction, kl_divergence, reparameterize

__all__ = [
    "MLPVAE",
    "EnergyTerm",
    "Ensemble",
    "StepRecord",
    "TrainingConfig",
    "check_model",
    "gaussian_reconstruction",
    "kl_divergence",
    "reparameterize",
    "train_ensemble",
]
