"""A callback for PyTorch Lightning; importing this module needs the extra `lightning`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from torch import Tensor

from topopert._checks import check_count
from topopert._lazy import require
from topopert.errors import InvalidInputError
from topopert.hamiltonian import Attachment, Hamiltonian, attach

__all__ = ["TopologicalPerturbation"]

# Two distributions of the same code: a trainer of one takes a callback of the other.
_HAS_OLD_NAME_ONLY = find_spec("lightning") is None and find_spec("pytorch_lightning") is not None
_NAME = "pytorch_lightning" if _HAS_OLD_NAME_ONLY else "lightning.pytorch"
if TYPE_CHECKING:
    Callback: Any = object  # Lightning is an extra: the type checker may not have it
else:
    Callback = require(_NAME, extra="lightning").Callback


class TopologicalPerturbation(Callback):
    """Trains any LightningModule with a Hamiltonian; the module needs no change.

    Progress is that of the optimizer's steps, so that gradient accumulation slows it down and a
    resumed training takes it up where it was. The gradient is scaled as Lightning scales the loss:
    by accumulation and by the precision plugin's scaler.

    Args:
        hamiltonian: The perturbation, moved to the module's device when training starts.
        encoder: As for `topopert.attach`: the submodule that returns the posterior.
        posterior: As for `topopert.attach`.
        inputs: As for `topopert.attach`.
        scale: The factor that `training_step` puts on its mean loss, or a function that returns
            it; what Lightning does to the loss afterwards is not part of it.
        n_steps: `trainer.global_step` at the end of training; left out, the trainer's estimate.

    Raises:
        InvalidInputError: If the Hamiltonian or `n_steps` is of a wrong kind, or, when training
            starts, as for `topopert.attach` or because the trainer does not know its end.
        TopopertError: If training ends and the encoder was never called.
    """

    def __init__(
        self,
        hamiltonian: Hamiltonian,
        *,
        encoder: str | None = None,
        posterior: Callable[[Any], tuple[Tensor, Tensor | None]] | None = None,
        inputs: Callable[..., Tensor | None] | None = None,
        scale: float | Callable[[], float] = 1.0,
        n_steps: int | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(hamiltonian, Hamiltonian):
            msg = f"`hamiltonian` must be a Hamiltonian, got {type(hamiltonian).__name__}."
            raise InvalidInputError(msg)
        self.hamiltonian = hamiltonian
        self._encoder = encoder
        self._posterior = posterior
        self._inputs = inputs
        self._scale = scale
        self._n_steps = None if n_steps is None else check_count(n_steps, name="n_steps")
        self._attachment: Attachment | None = None

    @property
    def energies(self) -> list[float]:
        """Mean over the batch of λ E_q[V] at every forward of the last training, in nats."""
        return [] if self._attachment is None else self._attachment.energies

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Attach; Lightning's check of the validation loop is over, a checkpoint is loaded."""
        n_steps = self._n_steps or _estimated_steps(trainer, pl_module)

        def scale() -> float:
            own = self._scale() if callable(self._scale) else self._scale
            scaler = getattr(trainer.precision_plugin, "scaler", None)
            loss_scale = 1.0 if scaler is None else scaler.get_scale()
            return float(own) * loss_scale / trainer.accumulate_grad_batches

        self._attachment = attach(
            pl_module,
            self.hamiltonian.to(pl_module.device),
            encoder=self._encoder,
            n_steps=None,
            posterior=self._posterior,
            inputs=self._inputs,
            scale=scale,
            progress=lambda: min(trainer.global_step / n_steps, 1.0),
        )
        self._attachment.__enter__()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Detach; an error if no step was seen."""
        if self._attachment is not None:
            self._attachment.__exit__(None, None, None)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Detach."""
        self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Detach if nothing did so before."""
        if self._attachment is not None:
            self._attachment.remove()


def _estimated_steps(trainer: Any, pl_module: Any) -> float:
    """`trainer.global_step` at the end of training."""
    n_steps = trainer.estimated_stepping_batches
    if not 0 < n_steps < float("inf"):
        msg = (
            f"The trainer does not know when training ends (it estimates {n_steps} steps). Pass "
            "`n_steps=` here, or `max_steps` or `max_epochs` to the trainer."
        )
        raise InvalidInputError(msg)
    # The count adds up the steps of all optimizers, the estimate knows of one.
    return n_steps if pl_module.automatic_optimization else n_steps * len(trainer.optimizers)
