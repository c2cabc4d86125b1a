"""A Hamiltonian plugged into a model that one does not own, for the length of a `with` block."""

from __future__ import annotations

import difflib
import math
import threading
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.distributions import Distribution

from topopert._checks import check_count, check_real
from topopert.errors import InvalidInputError, TopopertError, TopopertWarning
from topopert.hamiltonian.hamiltonian import Hamiltonian

from .energy_log import EnergyLog
from .forward_hook import ForwardHook, checkpoint_frame, forget_compiled_code
from .injection import inject

__all__ = ["Attachment", "attach"]


def attach(
    model: nn.Module,
    hamiltonian: Hamiltonian,
    *,
    encoder: str | nn.Module | None = None,
    n_steps: int | None,
    posterior: Callable[[Any], tuple[Tensor, Tensor | None]] | None = None,
    inputs: Callable[..., Tensor | None] | None = None,
    scale: float | Callable[[], float] = 1.0,
    progress: Callable[[], float] | None = None,
) -> Attachment:
    """A context manager in which training the model includes the Hamiltonian's energy.

    Values pass through the encoder unchanged; the backward pass adds the gradient of scale · mean
    over the batch of λ E_q[V], as if that term stood in the loss. A step is one forward of the
    encoder in training mode with gradients on; under `no_grad` and in eval mode nothing happens.
    Recomputation by `torch.utils.checkpoint` is no new step. Each replica of `nn.DataParallel`
    makes steps of its own, with the scale 1/replicas. A loop that calls backward k times through
    one forward adds the gradient k times. Code that `torch.compile` made is compiled anew at both
    ends of the block, with a graph break at the encoder (so not with `fullgraph=True`).

    Args:
        model: Any module, of which the encoder is a part.
        hamiltonian: What perturbs it, on the model's device.
        encoder: The submodule that returns the posterior, by name or itself; None means the model.
        n_steps: Number of steps in the whole training; None is allowed where `progress` is given.
        posterior: Turns what the encoder returns into (mean, logvar), each (B, d), or (mean, None)
            for a deterministic code; left out, it must return just those two.
        inputs: Turns the encoder's arguments into x, shape (B, D); left out, x is the first.
        scale: The factor that the loop puts on its mean loss, or a function of nothing that
            returns it, asked at each step: 1/accumulation steps, B for a sum,
            `grad_scaler.get_scale`.
        progress: Function of nothing that returns the share of training done, in [0, 1], in place
            of min(k/n_steps, 1) at the k-th step.

    Returns:
        The attachment: `energies` has mean λ E_q[V] of every step, unscaled, in nats; `remove`
        ends it before the block does.

    Raises:
        InvalidInputError: If an argument is of a wrong kind, the model is attached to already, or,
            at the first step, the encoder returns something else.
        TopopertError: If the block ends normally and no step was seen.
    """
    if not isinstance(model, nn.Module):
        msg = f"`model` must be a torch.nn.Module, got {type(model).__name__}."
        raise InvalidInputError(msg)
    if not isinstance(hamiltonian, Hamiltonian):
        msg = (
            f"`hamiltonian` must be a topopert.Hamiltonian, got {type(hamiltonian).__name__}, "
            "e.g. `Hamiltonian(AnchorPotential(topology.anchors()), Adiabatic(10.0))`."
        )
        raise InvalidInputError(msg)
    for name, value in (("posterior", posterior), ("inputs", inputs), ("progress", progress)):
        if value is not None and not callable(value):
            msg = f"`{name}` must be callable or None, got {value!r}."
            raise InvalidInputError(msg)
    if n_steps is not None or progress is None:
        n_steps = check_count(n_steps, name="n_steps")
    if not callable(scale):
        scale = check_real(scale, name="scale")
    return Attachment(
        model, _submodule(model, encoder), hamiltonian, n_steps, posterior, inputs, scale, progress
    )


class Attachment:
    """What `attach` returns; a context manager that can be entered once."""

    def __init__(
        self,
        model: nn.Module,
        encoder: nn.Module,
        hamiltonian: Hamiltonian,
        n_steps: int | None,
        posterior: Callable[[Any], tuple[Tensor, Tensor | None]] | None,
        inputs: Callable[..., Tensor | None] | None,
        scale: float | Callable[[], float],
        progress: Callable[[], float] | None,
    ) -> None:
        self._model = model
        self._encoder = encoder
        self._hamiltonian = hamiltonian
        self._n_steps = n_steps
        self._posterior = posterior
        self._inputs = inputs
        self._scale = scale
        self._progress = progress
        self._lock = threading.Lock()
        self._n_seen = 0
        self._is_off = False
        self._log = EnergyLog()
        self._hook: ForwardHook | None = None

    @property
    def energies(self) -> list[float]:
        """Mean over the batch of λ E_q[V] at every step so far, unscaled, in nats."""
        return self._log.values()

    def remove(self) -> None:
        """End the perturbation now; nothing is left in the model. A second call does nothing."""
        if self._hook is not None and self._hook.step is not None:
            self._hook.remove()
            forget_compiled_code()

    def __enter__(self) -> Attachment:
        if self._hook is not None:
            msg = "This attachment was used before. Call `attach` again for another block."
            raise InvalidInputError(msg)
        for module in (self._encoder, *self._model.modules()):
            if ForwardHook.is_on(module):
                msg = (
                    f"A Hamiltonian is attached to this {type(module).__name__} already. Leave "
                    "that block first, or attach the sum of the potentials once: `2 * a + b`."
                )
                raise InvalidInputError(msg)
        forget_compiled_code()
        self._hook = ForwardHook(self._encoder, torch.compiler.disable(self._step))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.remove()
        if kind is None and self._n_seen == 0:
            msg = (
                f"No step was seen: `{type(self._encoder).__name__}` was never called in training "
                "mode with gradients on, so nothing was perturbed. Is `encoder=` the submodule "
                "that training calls (itself, not its `forward` or a method), in the process that "
                "trains, and is the model not scripted?"
            )
            raise TopopertError(msg)

    def _step(self, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> Any:
        """One forward of the encoder: the output to use in place of the given one, None for it."""
        if not (module.training and torch.is_grad_enabled()):
            return None
        checkpoint = checkpoint_frame()
        if checkpoint == "unpack_hook":  # a forward that was counted is made again
            return None
        with self._lock:
            k = self._n_seen
            self._n_seen += 1
        progress = self._share_done(k)
        # Off at the last step and at this, it costs nothing; `energy` noted that it went off.
        was_off, self._is_off = self._is_off, self._hamiltonian.coupling(progress) == 0
        if was_off and self._is_off:
            self._log.append(0.0)
            return None
        # The energy's graph is kept, not made again: the recomputation must not find it missing.
        with saved_tensors_hooks(_as_is, _as_is) if checkpoint == "checkpoint" else nullcontext():
            energy = self._energy(module, args, kwargs, output, progress)
            if k == 0 and not math.isfinite(energy.item()):
                msg = (
                    f"The energy of the first step is {energy.item()}: the posterior overflows. "
                    "`posterior=` must return (mean, logvar) with logvar = log σ², not σ."
                )
                raise InvalidInputError(msg)
            output, n_tensors = inject(output, energy, self._factor())
        if n_tensors == 0:
            self._check_unreached(energy, output)
        elif not energy.requires_grad:
            msg = (
                "`posterior=` returned tensors that do not lead back to what the encoder "
                "returned, so nothing would be perturbed. Leave out `detach` and `no_grad`."
            )
            raise InvalidInputError(msg)
        self._log.append(energy.detach())
        return output

    def _energy(
        self, module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Any, progress: float
    ) -> Tensor:
        """Mean over the batch of λ E_q[V], a scalar."""
        mean, logvar = self._read(output)
        x: Any = next(iter((*args, *kwargs.values())), None)
        if self._inputs is not None:
            x = self._inputs(*args, **kwargs)
        if not isinstance(x, Tensor):
            x = None
        if getattr(module, "_is_replica", False):  # on another device than the one Hamiltonian
            home = next(iter(self._hamiltonian.buffers()), mean).device
            mean, logvar, x = (t if t is None else t.to(home) for t in (mean, logvar, x))
        try:
            return self._hamiltonian.energy(mean, logvar, x, progress=progress).mean()
        except InvalidInputError as err:
            shapes = ", ".join(
                f"{name} {None if t is None else tuple(t.shape)}"
                for name, t in (("mean", mean), ("logvar", logvar), ("x", x))
            )
            msg = (
                f"{err} (`attach` read {shapes}; `posterior=` says what the posterior is, "
                "`inputs=` what x is, e.g. `inputs=lambda x: x.flatten(1)`.)"
            )
            raise InvalidInputError(msg) from err

    def _read(self, output: Any) -> tuple[Tensor, Tensor | None]:
        found = output if self._posterior is None else self._posterior(output)
        if isinstance(found, (tuple, list)) and len(found) == 2:
            mean, logvar = found
            if isinstance(mean, Tensor) and (
                isinstance(logvar, Tensor) or (logvar is None and self._posterior is not None)
            ):
                return mean, logvar
        who = "The encoder" if self._posterior is None else "`posterior=`"
        msg = f"{who} must return (mean, logvar), got {_describe(found)}. {_advice(output)}"
        raise InvalidInputError(msg)

    def _share_done(self, k: int) -> float:
        if self._progress is not None:
            return check_real(self._progress(), name="progress", low=0.0, high=1.0)
        return min(k / (self._n_steps or 1), 1.0)

    def _factor(self) -> float:
        if not callable(self._scale):
            return self._scale
        scale: Any = self._scale()
        return check_real(scale.item() if isinstance(scale, Tensor) else scale, name="scale")

    def _check_unreached(self, energy: Tensor, output: Any) -> None:
        """The output has no tensor that needs a gradient: is that so, or were none found?"""
        if energy.requires_grad:
            msg = (
                f"The gradient cannot be put into a {type(output).__name__}. Name a submodule as "
                "`encoder=` that returns tensors, or a tuple, list, dict, dataclass or "
                "distribution of them."
            )
            raise InvalidInputError(msg)
        if self._log.is_empty():
            msg = "The encoder is frozen: its output needs no gradient, so nothing is perturbed."
            warnings.warn(msg, TopopertWarning, stacklevel=2)


def _submodule(model: nn.Module, encoder: str | nn.Module | None) -> nn.Module:
    if encoder is None:
        return model
    if isinstance(encoder, nn.Module):
        if all(module is not encoder for module in model.modules()):
            msg = f"`encoder` is a {type(encoder).__name__} that is no part of `model`."
            raise InvalidInputError(msg)
        return encoder
    if not isinstance(encoder, str):
        msg = f"`encoder` must be the name of a submodule, got {type(encoder).__name__}."
        raise InvalidInputError(msg)
    try:
        return model.get_submodule(encoder)
    except AttributeError as err:
        names = [name for name, _ in model.named_modules() if name]
        close = difflib.get_close_matches(encoder, names, n=5, cutoff=0.4)
        shown = close or names[:10]
        listed = f" Did you mean one of {shown}?" if shown else " It has no submodules."
        msg = f"`encoder`: {type(model).__name__} has no submodule {encoder!r}.{listed}"
        raise InvalidInputError(msg) from err


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, (tuple, list)):
        kinds = ", ".join(type(item).__name__ for item in value)
        return f"a {type(value).__name__} of {len(value)} ({kinds})"
    return f"a {type(value).__name__}"


def _advice(output: Any) -> str:
    """The `posterior=` that fits what the encoder returned."""
    advice = "lambda output: (output[...], output[...])`, picking the two"
    if isinstance(output, Tensor):
        advice = (
            "lambda z: (z, None)` for a deterministic code, or `posterior=lambda h: "
            "h.chunk(2, dim=-1)` if the two stand side by side"
        )
    elif isinstance(output, Distribution):
        advice = "lambda q: (q.mean, 2 * q.stddev.log())`"
    return f"Pass `posterior={advice}."


def _as_is(tensor: Tensor) -> Tensor:
    return tensor
