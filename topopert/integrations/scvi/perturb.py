"""A Hamiltonian around `model.train()` of scvi-tools."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.distributions import Distribution

from topopert._lazy import require
from topopert.errors import InvalidInputError, TopopertError, TopopertWarning
from topopert.hamiltonian import Coupling, Hamiltonian

from .minibatches import ROWS_KEY, rows_in_minibatches, shadowed
from .perturbation import resolve_perturbation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from topopert.integrations.lightning import TopologicalPerturbation

__all__ = ["perturb"]


@contextmanager
def perturb(
    model: Any,
    hamiltonian: Hamiltonian | None = None,
    *,
    points: str | ArrayLike | None = None,
    anchors: str | ArrayLike | None = None,
    coupling: float | Coupling | None = None,
    encoder: str = "z_encoder",
) -> Iterator[TopologicalPerturbation]:
    """A block in which `model.train()` includes the energy of a Hamiltonian.

    ``with perturb(model): model.train()`` is all that is needed: the topology is found in the
    principal components of the log-normalised counts. The minibatches carry each cell's point, or
    its anchor, so whatever split, order and batch size `train` is given, cell and anchor match;
    progress is that of the trainer. On leaving, model and data are as scvi-tools alone would have
    left them.

    Args:
        model: A model of scvi-tools with a Gaussian encoder, such as `SCVI`, not trained yet.
        hamiltonian: The perturbation; None builds anchors by `PersistentTopology` of the points
            in the dimension of the model's latent space.
        points: The points x that the topology sees, one a cell: a key of `adata.obsm` or an array,
            shape (N, D). None stands for as many `log_normalised_components` of the registered
            counts as the latent space has dimensions, at least 10, where the Hamiltonian is built
            here; one that is given must be given its points or its anchors, if it needs any.
        anchors: T(x) of all cells, shape (N, d), or their key, in place of the points.
        coupling: λ where the Hamiltonian is built here; None is `Adiabatic(10, off_at=0.95)`.
        encoder: Name of the encoder in `model.module`.

    Yields:
        The callback that perturbs; its `energies` has one number a step.

    Raises:
        MissingDependencyError: If scvi-tools is not installed.
        InvalidInputError: If an argument cannot be used. With several batches or with covariates
            the points must be given: those made from counts would carry into the latent space
            what the model is there to take out.
        TopopertError: If the block ends without training.
    """
    peer = require("scvi", extra="scvi")
    if not isinstance(model, peer.model.base.BaseModelClass):
        msg = f"`model` must be a model of scvi-tools, such as SCVI, got {type(model).__name__}."
        raise InvalidInputError(msg)
    _check_untrained(model)
    if model.module is None or model.adata_manager is None:
        msg = (
            f"This {type(model).__name__} was made without an AnnData, so its cells cannot be "
            "told apart. Make it as `SCVI(adata)`."
        )
        raise InvalidInputError(msg)
    if not hasattr(model.module, encoder):
        names = [name for name, _ in model.module.named_children()]
        msg = f"`encoder`: {type(model.module).__name__} has no {encoder!r}, only {names}."
        raise InvalidInputError(msg)
    hamiltonian, rows = resolve_perturbation(model, hamiltonian, points, anchors, coupling)
    minibatch: dict[str, Tensor] = {}
    # Of Lightning, which comes with scvi-tools; none of the two is there before `perturb` is used.
    callbacks = require("lightning.pytorch.callbacks", extra="scvi")
    perturbation = require("topopert.integrations.lightning", extra="scvi")
    perturb_steps = perturbation.TopologicalPerturbation(
        hamiltonian,
        encoder=f"module.{encoder}",
        posterior=_posterior,
        inputs=lambda *args, **kwargs: minibatch.get(ROWS_KEY),
    )
    take = callbacks.LambdaCallback(on_train_batch_start=lambda _, __, b, ___: minibatch.update(b))
    train = model.train

    @functools.wraps(train)
    def perturbed_train(*args: Any, **kwargs: Any) -> Any:
        _check_untrained(model)
        # The trainer is made inside `train`; a callback is the way in that scvi-tools offers.
        kwargs["callbacks"] = [*_callbacks_given(kwargs), take, perturb_steps]
        answer = train(*args, **kwargs)
        for callback in (take, perturb_steps):
            model.trainer.callbacks.remove(callback)
        minibatch.clear()
        _check_end(model.trainer, hamiltonian)
        return answer

    manager = model.adata_manager
    with (
        shadowed(model, "train", perturbed_train),
        nullcontext() if rows is None else rows_in_minibatches(manager, rows),
    ):
        yield perturb_steps
    if not perturb_steps.energies:
        msg = "The block ended without `model.train()`, so nothing was perturbed."
        raise TopopertError(msg)


def _check_untrained(model: Any) -> None:
    # scvi-tools leaves a trained module in eval mode, and so it would be trained again.
    if model.is_trained:
        msg = (
            "The model is trained already, and scvi-tools trains on without dropout and batch "
            "statistics. Make a new model to perturb its training."
        )
        raise InvalidInputError(msg)


def _posterior(output: Any) -> tuple[Tensor, Tensor]:
    """(mean, logvar) of what an encoder of scvi-tools returns."""
    if isinstance(output, tuple) and isinstance(output[0], Distribution):
        return output[0].mean, 2 * output[0].stddev.log()
    if isinstance(output, tuple) and len(output) == 3:
        mean, variance, _ = output
        return mean, variance.log()
    msg = (
        f"The encoder returned {type(output).__name__}, not a Gaussian posterior and a sample. "
        "Name another one of `model.module` as `encoder=`, or use `topopert.attach`."
    )
    raise InvalidInputError(msg)


def _callbacks_given(kwargs: dict[str, Any]) -> list[Any]:
    """The caller's own callbacks, given to `train` itself or in its `trainer_config`."""
    given = kwargs.get("callbacks")
    config = kwargs.get("trainer_config")
    if given is None and config is not None:
        config = config.to_kwargs() if hasattr(config, "to_kwargs") else config
        given = config.get("callbacks")
    return list(given or [])


def _check_end(trainer: Any, hamiltonian: Hamiltonian) -> None:
    """Say so where training stopped before the schedule had switched λ off."""
    share = min(trainer.global_step / trainer.estimated_stepping_batches, 1.0)
    left = hamiltonian.coupling_at(share)
    if trainer.current_epoch < trainer.max_epochs and left > hamiltonian.coupling_at(1.0) == 0:
        msg = (
            f"Training stopped at epoch {trainer.current_epoch} of {trainer.max_epochs}, where λ "
            f"was still {left:.3g}: the model is not yet an optimum of its own ELBO. Switch off "
            "earlier (`Adiabatic(..., off_at=...)`), or give `train` an "
            "`early_stopping_warmup_epochs`."
        )
        warnings.warn(msg, TopopertWarning, stacklevel=3)
