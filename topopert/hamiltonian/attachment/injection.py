"""The gradient of an energy, carried into tensors whose values stay as they are."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, MutableMapping
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

__all__ = ["inject", "replace_tensors"]


def inject(output: Any, energy: Tensor, scale: float) -> tuple[Any, int]:
    """The output with the same values, whose backward pass adds the gradient of scale · energy.

    The energy is only passed by: its own graph leads back to the output's tensors, and autograd
    adds what comes along it to what comes from the loss. So the result is that of adding the term
    to the loss, for trainable potentials and second derivatives too. All tensors go through one
    node: the gradient arrives even where the loss uses one of them only.

    Args:
        output: What a module returned: a tensor, or tensors in tuples, lists, mappings,
            dataclasses and distributions.
        energy: A scalar that depends on the output, in nats.
        scale: The factor on it.

    Returns:
        The new output, sharing memory with the old, and the number of its tensors that need a
        gradient. If that is 0 nothing was added.
    """
    tensors: dict[int, Tensor] = {}  # by identity: one tensor twice stays one tensor

    def collect(tensor: Tensor) -> Tensor:
        if tensor.requires_grad:
            tensors[id(tensor)] = tensor
        return tensor

    replace_tensors(output, collect)
    if not tensors:
        return output, 0
    twins: Any = _AddGradient.apply(energy, scale, *tensors.values())
    twin_of = dict(zip(tensors, twins, strict=True))
    return replace_tensors(output, lambda tensor: twin_of.get(id(tensor), tensor)), len(tensors)


def replace_tensors(output: Any, new: Callable[[Tensor], Tensor]) -> Any:
    """A copy of a nest of tensors, every tensor replaced; what is no such nest comes back as is.

    Containers are copied and never written to: the module may have kept the original.
    """
    if isinstance(output, Tensor):
        return new(output)
    if isinstance(output, tuple):
        items = [replace_tensors(item, new) for item in output]
        # Named tuples take their fields one by one, all others one iterable.
        make = getattr(output, "_make", type(output))
        return make(items)
    if isinstance(output, list):
        twin = copy.copy(output)
        twin[:] = [replace_tensors(item, new) for item in output]
        return twin
    if isinstance(output, MutableMapping):
        twin = copy.copy(output)
        for key, item in output.items():
            twin[key] = replace_tensors(item, new)
        return twin
    names = _attributes(output)
    if not names:
        return output
    twin = copy.copy(output)
    for name in names:
        # `replace` would run the constructor again, which may check, compute or need more.
        object.__setattr__(twin, name, replace_tensors(getattr(output, name), new))
    return twin


def _attributes(output: Any) -> list[str]:
    """Attributes that may hold tensors of the output."""
    if isinstance(output, Distribution):
        kinds = (Tensor, Distribution)  # and no transform, which may be a module
        return [name for name, value in vars(output).items() if isinstance(value, kinds)]
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return [field.name for field in dataclasses.fields(output) if hasattr(output, field.name)]
    return []


class _AddGradient(torch.autograd.Function):
    """Identity on tensors; its backward pass also starts one at the energy."""

    # Without `setup_context`, which costs an `inspect.signature` at every call.
    @staticmethod
    def forward(ctx: Any, energy: Tensor, scale: float, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.gradient = torch.full_like(energy, scale)
        ctx.set_materialize_grads(False)  # what the loss does not use keeps no gradient of zeros
        # Not views in autograd's sense, so in-place changes by the model stay allowed; same
        # memory and strides, so whatever follows takes the same path and rounds alike.
        return tuple(tensor.detach() for tensor in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        return ctx.gradient, None, *gradients
