"""The perturbed Hamiltonian H = H₀ + λV as one energy term for a training loop."""

from __future__ import annotations

from torch import Tensor, nn

from topopert._checks import check_real
from topopert.errors import InvalidInputError

from .couplings import Constant, Coupling, checked_coupling, coupling_at
from .potential import Potential

__all__ = ["Hamiltonian"]


class Hamiltonian(nn.Module):
    """H = H₀ + λV: adding `energy` to a VAE's loss trains it with the tilted prior e^{−λV} p₀.

    Args:
        potential: The perturbation V.
        coupling: λ: a number ≥ 0, `Constant`, `Adiabatic`, or any callable from progress in
            [0, 1] to λ ≥ 0.

    Raises:
        InvalidInputError: If the potential or the coupling is something else.
    """

    def __init__(self, potential: Potential, coupling: float | Coupling = 1.0) -> None:
        super().__init__()
        if not isinstance(potential, Potential):
            msg = (
                f"`potential` must be a topopert potential, got {type(potential).__name__}, "
                "e.g. `AnchorPotential(topology.anchors())`."
            )
            raise InvalidInputError(msg)
        self.potential = potential
        self.coupling = checked_coupling(coupling)

    def coupling_at(self, progress: float | None) -> float:
        """λ at a progress in [0, 1]; None is allowed for a constant coupling only.

        Raises:
            InvalidInputError: If the progress is missing or outside [0, 1], or a callable coupling
                returns anything else than a finite number ≥ 0.
        """
        if progress is None:
            if isinstance(self.coupling, Constant):
                return self.coupling.value
            msg = (
                "`progress` may be left out only for a constant coupling; "
                "pass `progress=step / n_steps`."
            )
            raise InvalidInputError(msg)
        return coupling_at(self.coupling, check_real(progress, name="progress", low=0.0, high=1.0))

    def energy(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
        progress: float | None = None,
    ) -> Tensor:
        """λ(progress) E_q[V], shape (B,), in nats: add its mean to a loss per sample.

        Args:
            mean: Posterior means, shape (B, d).
            logvar: Posterior log-variances, shape (B, d); None means a deterministic autoencoder.
            x: The data, shape (B, D).
            anchors: T(x), shape (B, d), computed once per datum, in place of x.
            progress: Share of training done, in [0, 1].

        Raises:
            InvalidInputError: If a shape or the progress is wrong.
        """
        coupling = self.coupling_at(progress)
        return coupling * self.potential.expectation(mean, logvar, x, anchors=anchors)
