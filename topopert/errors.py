"""What topopert raises and warns with; everything derives from `TopopertError`."""

from __future__ import annotations

__all__ = [
    "BackendError",
    "InvalidInputError",
    "InvalidTypeError",
    "MissingDependencyError",
    "TopopertError",
    "TopopertWarning",
]


class TopopertError(Exception):
    """Base of every error that topopert raises on purpose."""


class InvalidInputError(TopopertError, ValueError):
    """An argument cannot be used: the message says what was given and what to do."""


class InvalidTypeError(InvalidInputError, TypeError):
    """An argument is of a type that cannot be used; an `except TypeError` works too."""


class BackendError(TopopertError, RuntimeError):
    """A library that topopert calls failed or answered something impossible."""


class MissingDependencyError(TopopertError, ImportError):
    """An optional dependency is missing: the message names the extra to install."""


class TopopertWarning(UserWarning):
    """The result is right, but its reader should know more."""
