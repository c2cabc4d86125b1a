"""The perturbed Hamiltonian H = H₀ + λV as one energy term for a training loop."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn

from topopert._checks import check_real
from topopert.errors import InvalidInputError

from .couplings import Constant, Coupling, checked_coupling, coupling_at
from .posterior import check_energy, has_values
from .potentials.one_body_potential import OneBodyPotential
from .potentials.potential import Potential
from .priors.prior import tilted_prior
from .priors.tilted_gaussian import TiltedGaussian
from .priors.tilted_prior import TiltedPrior

__all__ = ["Hamiltonian"]

logger = logging.getLogger(__name__)


class Hamiltonian(nn.Module):
    """H = H₀ + λV: adding `energy` to a VAE's loss trains it with the tilted prior e^{−λV} p₀.

    Args:
        potential: The perturbation V; a callable mapping codes (B, d) to energies (B,) is taken
            as a one-body potential, see `OneBodyPotential`.
        coupling: λ: a number ≥ 0, `Constant`, `Adiabatic`, or any callable from progress in
            [0, 1] to λ ≥ 0. The log says at level INFO when λ starts and when it reaches 0, at
            level DEBUG whenever it changes.

    Raises:
        InvalidInputError: If the potential or the coupling is something else.
    """

    def __init__(
        self,
        potential: Potential | Callable[[Tensor], Tensor],
        coupling: float | Coupling = 1.0,
    ) -> None:
        super().__init__()
        if not isinstance(potential, Potential):
            if not callable(potential) or isinstance(potential, type):
                given = potential if isinstance(potential, type) else type(potential)
                msg = (
                    "`potential` must be a topopert potential, e.g. "
                    "`AnchorPotential(topology.anchors())`, or a function of the code, "
                    f"got {given.__name__}."
                )
                raise InvalidInputError(msg)
            potential = OneBodyPotential(potential)
        self.potential = potential
        self.coupling = checked_coupling(coupling)
        self._last_coupling: float | None = None  # what the log has said
        self._values_were_finite = False

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

        Values are checked too, on the CPU at each call. Elsewhere the check would wait for the
        device, so there it is made until it has passed once.

        Args:
            mean: Posterior means, shape (B, d).
            logvar: Posterior log-variances, shape (B, d); None means a deterministic autoencoder.
            x: The data, shape (B, D).
            anchors: T(x), shape (B, d), computed once per datum, in place of x.
            progress: Share of training done, in [0, 1].

        Raises:
            InvalidInputError: If a shape or the progress is wrong, or the energy of the posterior
                is not finite: NaN in an argument, or a log-variance whose exponential overflows.
        """
        coupling = self.coupling_at(progress)
        # A compiler would trace a graph anew for each value that is remembered.
        if coupling != self._last_coupling and not torch.compiler.is_compiling():
            self._log_coupling(coupling, progress)
        energy = self.potential.expectation(mean, logvar, x, anchors=anchors)
        if self._values_are_due(mean):
            check_energy(energy, mean, logvar, x, anchors)
            vars(self)["_values_were_finite"] = True  # a module's own way takes 10 µs
        return coupling * energy

    def prior(
        self,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
        coupling: float | None = None,
        latent_dim: int | None = None,
    ) -> TiltedGaussian | TiltedPrior:
        """The tilted prior p_λ ∝ e^{−λV} p₀, the ground state of H_λ (theory, section 2).

        A Gaussian in closed form for the external field; else log-densities are exact up to one
        constant, which is found by quadrature in d ≤ 3 and estimated above, its error beside it.

        Args:
            x: The data that V depends on, shape (B, D).
            anchors: T(x), shape (B, d), in place of x.
            coupling: λ ≥ 0; None takes the Hamiltonian's own, which must be constant.
            latent_dim: d, needed only where neither the potential nor the anchors say it.

        Returns:
            A distribution of event shape (d,), and of batch shape (B,) if x or anchors were
            given, else (). `sample(shape, generator=None)` takes a generator.

        Raises:
            InvalidInputError: If λ is missing or out of range, the data are missing or misshapen,
                the potential is an interaction, or e^{−λV} p₀ has no finite integral.
        """
        if coupling is None:
            if not isinstance(self.coupling, Constant):
                msg = (
                    f"The coupling {self.coupling!r} varies over training, so the prior needs one "
                    "value: pass e.g. `coupling=hamiltonian.coupling_at(0.0)`."
                )
                raise InvalidInputError(msg)
            coupling = self.coupling.value
        strength = check_real(coupling, name="coupling", low=0.0)
        return tilted_prior(self.potential, strength, x, anchors=anchors, latent_dim=latent_dim)

    def extra_repr(self) -> str:
        """The coupling, for `print`."""
        return f"coupling={self.coupling!r}"

    def _log_coupling(self, coupling: float, progress: float | None) -> None:
        last, vars(self)["_last_coupling"] = self._last_coupling, coupling
        if last is None:
            logger.info("coupling %r: λ = %.6g at progress %s", self.coupling, coupling, progress)
        elif coupling == 0:
            logger.info("λ is 0 at progress %s: the objective is now unperturbed", progress)
        elif last == 0:
            logger.info("λ is on again: %.6g at progress %s", coupling, progress)
        else:
            logger.debug("λ = %.6g at progress %s", coupling, progress)

    def _values_are_due(self, mean: Tensor) -> bool:
        if not has_values(mean):
            return False
        return mean.device.type == "cpu" or not self._values_were_finite
