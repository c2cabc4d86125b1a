"""Other people's training loops: each module here needs the extra of its name."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import lightning, scvi

__all__ = ["lightning", "scvi"]


def __getattr__(name: str) -> ModuleType:
    """The module, imported when it is first asked for: it derives from a class of its peer."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return importlib.import_module(f"{__name__}.{name}")
