"""A function of one model's share, over all models: in one pass where torch can, else in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_map

__all__ = ["OverSeeds"]

logger = logging.getLogger(__name__)


class OverSeeds:
    """A function applied to the K slices of its arguments, its answers stacked.

    At the first call it is tried in one vectorised pass; what `torch.func.vmap` cannot follow
    (control flow by value, persistence backends, dropout) is called slice by slice from then on.

    Args:
        function: Of one seed's arguments; its last one is shared by all seeds.
        what: Its name in the log.
        n_arguments: How many arguments are sliced.
    """

    def __init__(self, function: Callable[..., Any], *, what: str, n_arguments: int) -> None:
        self.function = function
        self.what = what
        self.vectorised = vmap(function, in_dims=(*([0] * n_arguments), None))
        self.mode = "untried"

    def __call__(self, *arguments: Any, shared: Any = None) -> Any:
        """The K answers, stacked along a new first axis.

        Args:
            *arguments: Tensors, or nested containers of such, with K slices each.
            shared: The last argument of each call.
        """
        if self.mode == "untried":
            self.mode = "vectorised"
            before = tree_map(torch.clone, [_constants(argument) for argument in arguments])
            try:
                return self.vectorised(*arguments, shared)
            except (RuntimeError, TypeError, ValueError) as err:
                # If the fault is not vmap's, it is raised again below, as it is.
                reason = " ".join(str(err).split()[:40])
                logger.info("the %s of the seeds are computed one by one: %s", self.what, reason)
                self.mode = "one by one"
                _restore(arguments, before)
        if self.mode == "vectorised":
            return self.vectorised(*arguments, shared)
        answers = []
        for k in range(_n_slices(arguments[0])):
            own = tree_map(lambda value, k=k: value[k], arguments)
            answers.append(self.function(*own, shared))
        return tree_map(lambda *slices: torch.stack(slices), *answers)


def _n_slices(argument: Any) -> int:
    if isinstance(argument, dict):
        return _n_slices(next(iter(argument.values())))
    return len(argument)


def _constants(argument: Any) -> dict[str, Tensor]:
    """What a pass may change in place: the running statistics in a state dict."""
    if not isinstance(argument, dict):
        return {}
    return {name: value for name, value in argument.items() if not value.requires_grad}


def _restore(arguments: tuple[Any, ...], before: list[dict[str, Tensor]]) -> None:
    for argument, kept in zip(arguments, before, strict=True):
        for name, value in kept.items():
            argument[name].copy_(value)
