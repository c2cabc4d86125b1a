"""Import of optional dependencies at the place where they are used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from topopert.errors import MissingDependencyError

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["require"]


def require(module: str, *, extra: str) -> ModuleType:
    """The imported module, or an error that names the extra which brings it.

    Args:
        module: Dotted name of the module.
        extra: The extra of topopert that installs it.

    Raises:
        MissingDependencyError: If the module's top-level package is not installed. A package that
            is installed but broken raises its own error.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as err:
        if err.name != module.partition(".")[0]:
            raise  # installed but broken: a different problem
        msg = f"`{err.name}` is needed here but missing. Run `pip install 'topopert[{extra}]'`."
        raise MissingDependencyError(msg) from err
