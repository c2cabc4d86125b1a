"""How models are trained."""

from __future__ import annotations

from dataclasses import dataclass

from topopert._checks import check_choice, check_count, check_real
from topopert.errors import InvalidInputError

from .objective import LIKELIHOODS

__all__ = ["TrainingConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How the models are trained: Adam, its learning rate decaying to 0 along a cosine.

    Args:
        n_steps: Number of steps.
        batch_size: Rows per step; all rows if there are fewer.
        learning_rate: At the first step.
        noise_variance: σ² of the Gaussian decoder in squared units of the data; None lets
            `compare` choose it from the data. A decoder that returns (x̂, log σ²) learns its own.
        likelihood: "gaussian", or "bernoulli" for data in [0, 1] and a decoder of logits.

    Raises:
        InvalidInputError: If a value is out of its range.
    """

    n_steps: int = 2000
    batch_size: int = 128
    learning_rate: float = 2e-3
    noise_variance: float | None = None
    likelihood: str = "gaussian"

    def __post_init__(self) -> None:
        check_count(self.n_steps, name="n_steps")
        check_count(self.batch_size, name="batch_size")
        check_real(self.learning_rate, name="learning_rate", low=0.0, low_open=True)
        check_choice(self.likelihood, LIKELIHOODS, name="likelihood")
        if self.noise_variance is not None:
            check_real(self.noise_variance, name="noise_variance", low=0.0, low_open=True)
            if self.likelihood == "bernoulli":
                msg = "`noise_variance` is for a Gaussian likelihood; a Bernoulli one has none."
                raise InvalidInputError(msg)
