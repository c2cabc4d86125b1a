"""The reference VAE, its objective, and the training of many seeds at once."""

from __future__ import annotations

from .config import TrainingConfig
from .ensemble import Ensemble
from .mlp_vae import MLPVAE
from .model_check import check_model
from .objective import (
    gaussian_reconstruction,
    kl_divergence,
    log_scale,
    reconstruction,
    reparameterize,
)
from .training import EnergyTerm, StepRecord, train_ensemble

__all__ = [
    "MLPVAE",
    "EnergyTerm",
    "Ensemble",
    "StepRecord",
    "TrainingConfig",
    "check_model",
    "gaussian_reconstruction",
    "kl_divergence",
    "log_scale",
    "reconstruction",
    "reparameterize",
    "train_ensemble",
]
