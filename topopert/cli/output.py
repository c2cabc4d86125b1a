"""Where commands write: folders that stay only if something came of the command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from topopert.errors import InvalidInputError

__all__ = ["one_line", "output_folder"]


@contextmanager
def output_folder(out: Path) -> Iterator[Path]:
    """The folder, made before long work; where the block raises, what is still empty is removed.

    Raises:
        InvalidInputError: If it cannot be made.
    """
    missing = [path for path in (out, *out.parents) if not path.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        msg = f"--out {out} cannot be made: {err.strerror or err}. Name a folder."
        raise InvalidInputError(msg) from err
    try:
        yield out
    except BaseException:
        for path in missing:
            if any(path.iterdir()):
                break
            path.rmdir()
        raise


def one_line(text: str) -> str:
    """The text in one line, without what could not be printed or would steer a terminal."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else "�" for c in line)
