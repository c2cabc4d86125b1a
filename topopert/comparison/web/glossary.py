"""What the figures are called on the page, and what they mean in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["GLOSSARY"]

# A figure that is not listed is shown under its own name.
GLOSSARY: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "disparity_ratio": ("disparity, ratio", "gauge-dependent; below 1 the seeds agree more"),
        "invariant_ratio": ("invariant disparity, ratio", "up to rotations and reflections"),
        "elbo_ratio": ("−ELBO, ratio", "below 1 the arm’s models are better"),
        "elbo_difference": ("−ELBO, difference", "nats per point, paired over seeds"),
        "p_value": ("p-value, disparity", "paired permutation test over seeds, one-sided"),
        "elbo_p_value": ("p-value, −ELBO", "paired permutation test over seeds, one-sided"),
        "neg_elbo": ("−ELBO", "nats per held-out point; less is better"),
        "reconstruction": ("reconstruction", "nats per held-out point, without constants"),
        "kl": ("KL divergence", "nats per held-out point, all axes"),
        "disparity": ("disparity", "as the latents stand; 0: equal, 1: random rotations"),
        "invariant_disparity": ("invariant disparity", "after the best rotation or reflection"),
        "cca_disparity": ("CCA disparity", "after the best linear map"),
        "cka": ("CKA", "linear; 1: equal up to rotation and scale"),
        "distance_correlation": ("distance correlation", "of pair distances; 1: equal shapes"),
        "neighbour_overlap": ("neighbour overlap", "share of common 10 nearest neighbours"),
        "mcc": ("MCC", "mean correlation of matched axes"),
        "active_units": ("active units", "axes that say something, mean over seeds"),
        "effective_rank": ("effective rank", "principal axes in use, mean over seeds"),
        "udr": ("UDR", "1: the same few axes in any order"),
        "distance_variation": ("distance variation", "deviation of a distance over its mean"),
        "density_divergence_001": ("KL₀.₀₁", "divergence of densities, σ = 0.01, nats; 0 is best"),
        "density_divergence_01": ("KL₀.₁", "σ = 0.1"),
        "density_divergence_1": ("KL₁", "σ = 1"),
        "trustworthiness": ("trustworthiness", "near in the latents, near in the data; 1 is best"),
        "continuity": ("continuity", "near in the data, near in the latents; 1 is best"),
        "mrre": ("MRRE", "mean relative rank error; 0 is best"),
        "distance_rmse": ("distance RMSE", "depends on the data's unit; 0 is best"),
        "triplet_accuracy": ("triplet accuracy", "which of two is nearer to a third; ½ is chance"),
        "barcode_distance_h0": ("barcode distance, H₀", "Wasserstein, RMS radii; 0 is best"),
        "barcode_distance_h1": ("barcode distance, H₁", "Wasserstein, RMS radii; 0 is best"),
        "seconds": ("seconds", "training of all seeds, wall clock"),
        "diverged": ("diverged seeds", "left out of all averages"),
    }
)
