"""A forward hook that copies, compiled code and checkpoints of the model do not upset."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

__all__ = ["ForwardHook", "checkpoint_frame", "forget_compiled_code"]


class ForwardHook:
    """A function that sees each call of a module and may replace what it returns.

    Copies of the module, deep or pickled, carry a hook that does nothing.

    Args:
        module: What to put it on; None for none.
        step: Called with the module, its arguments, its keywords and its output; returns the new
            output, or None to leave it. None does nothing.
    """

    def __init__(self, module: nn.Module | None, step: Callable[..., Any] | None) -> None:
        self.step = step
        self._module = None if module is None else weakref.ref(module)
        self._copies: list[weakref.ref[nn.Module]] = []
        self._handle: RemovableHandle | None = None
        if module is not None and step is not None:
            self._handle = module.register_forward_hook(self, with_kwargs=True)

    @staticmethod
    def is_on(module: nn.Module) -> bool:
        """Whether the module has such a hook that does something."""
        hooks = module._forward_hooks.values()
        return any(isinstance(hook, ForwardHook) and hook.step is not None for hook in hooks)

    def __call__(self, *call: Any) -> Any:
        """What PyTorch calls."""
        return None if self.step is None else self.step(*call)

    def remove(self) -> None:
        """Take the hook off the module and off its copies."""
        self.step = None  # in case that somebody, such as compiled code, has kept the hook
        if self._handle is None:
            return
        self._handle.remove()
        for module in filter(None, (copy() for copy in self._copies)):
            module._forward_hooks.pop(self._handle.id, None)
            module._forward_hooks_with_kwargs.pop(self._handle.id, None)

    def __deepcopy__(self, memo: dict[int, Any]) -> ForwardHook:
        # The memo knows the module's copy, though it is not filled yet: it is cleaned on removal.
        module = None if self._module is None else memo.get(id(self._module()))
        twin = ForwardHook(module, None)
        twin._copies = self._copies  # a copy's copies are copies
        if module is not None:
            self._copies.append(weakref.ref(module))
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        return ForwardHook, (None, None)  # a saved model is not attached to


def checkpoint_frame() -> str | None:
    """The function of `torch.utils.checkpoint` that is calling, by name; None if none is.

    It announces a recomputation nowhere else. "checkpoint" is the forward pass without reentry,
    "unpack_hook" its recomputation; with reentry, the one forward with gradients on is "backward".
    """
    module = sys.modules.get("torch.utils.checkpoint")
    if module is None:
        return None
    frame, path = sys._getframe(), module.__file__
    while frame is not None:
        if frame.f_code.co_filename == path:
            name = frame.f_code.co_name
            if name in ("backward", "checkpoint", "unpack_hook"):
                return name
        frame = frame.f_back
    return None


def forget_compiled_code() -> None:
    """Have code compiled anew: what was compiled before skips hooks that came later, in silence.

    Code is kept by class, not by instance, so a fresh model may run that of an older one.
    """
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()
