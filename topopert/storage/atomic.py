"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from topopert.errors import InvalidInputError

__all__ = ["is_leftover", "remove_leftovers", "replacing"]

_SUFFIX = ".part"
_LEFTOVER = re.compile(rf"\.(.+)\.[a-z0-9_]{{8}}{re.escape(_SUFFIX)}")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A binary file to write to; it takes its name only once the block has ended well.

    Args:
        path: The file's final path; its folder must exist.

    Raises:
        InvalidInputError: If the system refuses it: a full disk, a place without permission. A
            file that was there before stays as it was.
    """
    try:
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=_SUFFIX
        )
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                # Content before the name: else a machine that stops may keep the name alone. And
                # some systems find out only here that there is no room.
                file.flush()
                os.fsync(descriptor)
            # mkstemp makes files private; give this one what open() would have given.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as err:
        msg = (
            f"{path} cannot be written: {err.strerror or err}. Make room or see to the "
            "permissions, or choose another place."
        )
        raise InvalidInputError(msg) from err


def is_leftover(name: str, of: str | None = None) -> bool:
    """Whether a file of this name was being written when its process was killed.

    Args:
        name: The file's name.
        of: The name that it was to take; None is any.
    """
    match = _LEFTOVER.fullmatch(name)
    return match is not None and of in (None, match[1])


def remove_leftovers(folder: Path, of: str | None = None) -> None:
    """Remove what killed processes were writing in a folder where no other is at work.

    Args:
        folder: Where.
        of: The name that the files were to take; None is any.
    """
    for path in folder.iterdir():
        if is_leftover(path.name, of):
            path.unlink(missing_ok=True)
