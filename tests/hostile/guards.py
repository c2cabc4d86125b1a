"""What must hold whatever is given: little memory, nothing written."""

from __future__ import annotations

import hashlib
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import topopert as tp

__all__ = ["refused"]

_MORE = 600 * 2**20  # bytes that a refusal may take beyond what the process has


@contextmanager
def refused(folder: Path, message: str) -> Iterator[None]:
    """The block raises our error in little memory and leaves the folder as it was."""
    before = _tree(folder)
    with pytest.raises(tp.TopopertError, match=message) as caught, _bounded():
        yield
    # Refused beforehand, not after memory ran out.
    assert not isinstance(caught.value.__cause__, MemoryError)
    assert len(str(caught.value)) < 2000
    assert _tree(folder) == before


@contextmanager
def _bounded() -> Iterator[None]:
    status = Path("/proc/self/statm")
    if not status.exists():  # not Linux
        yield
        return
    former = resource.getrlimit(resource.RLIMIT_AS)
    now = int(status.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + _MORE, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)


def _tree(folder: Path) -> dict[str, str]:
    """Every path in the folder and a digest of what it holds."""
    return {str(path.relative_to(folder)): _content(path) for path in folder.rglob("*")}


def _content(path: Path) -> str:
    if path.is_symlink() or not stat.S_ISREG(path.stat().st_mode):
        return "not a file"
    if path.stat().st_size > 2**28:
        return str(path.stat().st_size)  # a sparse file
    return hashlib.sha256(path.read_bytes()).hexdigest()
