"""Memory that a comparison needs: too much is refused before it begins, or told on the way."""

from __future__ import annotations

import os

from topopert.errors import InvalidInputError

__all__ = ["check_memory", "is_out_of_memory", "machine_memory"]

# Bytes: numbers as the models see them, and a copy of the training rows for the topology.
_PER_NUMBER, _TRAINING_SHARE = 4, 0.8
# Means and log-variances of the held-out rows, in double precision.
_PER_LATENT = 16


def check_memory(
    shape: tuple[int, int],
    *,
    itemsize: int,
    n_test: int,
    latent_dim: int,
    n_seeds: int,
    n_arms: int,
) -> None:
    """Refuse, by its sizes alone, a comparison that the memory of this machine cannot hold.

    What is counted is the least there will be: points and latents, not models and their training.

    Args:
        shape: Of the points, (N, D).
        itemsize: Bytes of one of their numbers.
        n_test: Number of held-out rows.
        latent_dim: Dimension d of the latent space.
        n_seeds: Number of seeds per arm.
        n_arms: Number of arms.

    Raises:
        InvalidInputError: If they need more than there is.
    """
    limit = machine_memory()
    points = shape[0] * shape[1] * (_PER_NUMBER + _TRAINING_SHARE * itemsize)
    latents = n_arms * n_seeds * n_test * latent_dim * _PER_LATENT
    if limit is None or points + latents <= limit:
        return
    what = (
        f"{shape[0]} rows of {shape[1]} features take {points / 1e9:.3g} GB and the latents of "
        f"{n_arms} arms, {n_seeds} seeds, {n_test} held-out rows and {latent_dim} axes "
        f"{latents / 1e9:.3g} GB"
    )
    msg = (
        f"The comparison does not fit into the {limit / 1e9:.3g} GB of this machine: {what}. "
        "Compare a sample of the rows, principal components, or fewer seeds, controls or axes."
    )
    raise InvalidInputError(msg)


def machine_memory() -> int | None:
    """The memory of this machine in bytes; None where the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None


def is_out_of_memory(err: BaseException) -> bool:
    """Whether an error is NumPy's or torch's way to say that memory has run out."""
    # On the CPU torch has no class for it.
    words = ("can't allocate memory", "not enough memory", "out of memory")
    message = str(err).lower()
    return isinstance(err, MemoryError) or (
        isinstance(err, RuntimeError) and any(word in message for word in words)
    )
