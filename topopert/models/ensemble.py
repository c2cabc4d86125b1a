"""Models of one architecture whose parameters are stacked."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from .objective import Decoded

__all__ = ["Ensemble"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ensemble:
    """K models of one architecture; their parameters are stacked, (K, ...)."""

    skeleton: nn.Module
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]

    @classmethod
    def stack(cls, models: Sequence[nn.Module]) -> Ensemble:
        """The ensemble of the models, copies of their parameters stacked."""
        parameters, buffers = stack_module_state(list(models))
        return cls(skeleton=copy.deepcopy(models[0]), parameters=parameters, buffers=buffers)

    def __len__(self) -> int:
        return len(next(iter(self.parameters.values())))

    def model_state(self, k: int) -> dict[str, Tensor]:
        """The state dict of model k, detached copies."""
        stacked = {**self.parameters, **self.buffers}
        return {name: value[k].detach().clone() for name, value in stacked.items()}

    def models(self) -> list[nn.Module]:
        """The K models, each with parameters of its own."""
        answer = []
        for k in range(len(self)):
            model = copy.deepcopy(self.skeleton)
            model.load_state_dict(self.model_state(k))
            answer.append(model)
        return answer

    @torch.no_grad()
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior means and log-variances of x (B, D), each of shape (K, B, d)."""
        pairs = [self._call(k, "encode", x) for k in range(len(self))]
        return torch.stack([mean for mean, _ in pairs]), torch.stack([lv for _, lv in pairs])

    @torch.no_grad()
    def decode(self, z: Tensor) -> list[Decoded]:
        """What each of the K decoders answers to its part of z (K, B, d)."""
        return [self.decode_run(k, z[k]) for k in range(len(self))]

    @torch.no_grad()
    def decode_run(self, k: int, z: Tensor) -> Decoded:
        """What the decoder of model k alone answers to z (B, d)."""
        return self._call(k, "decode", z)

    def _call(self, k: int, method: str, value: Tensor) -> Any:
        self.skeleton.eval()  # no dropout, no statistics of the batch
        return functional_call(_Method(self.skeleton, method), self._state(k), (value,))

    def _state(self, k: int) -> dict[str, Tensor]:
        stacked = {**self.parameters, **self.buffers}
        return {f"model.{name}": value[k] for name, value in stacked.items()}


class _Method(nn.Module):
    """A method of a model as a module's forward, which is all that `functional_call` calls."""

    def __init__(self, model: nn.Module, method: str) -> None:
        super().__init__()
        self.model = model
        self.method = method

    def forward(self, value: Tensor) -> Any:
        return getattr(self.model, self.method)(value)
