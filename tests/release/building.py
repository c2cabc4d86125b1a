"""An sdist of the checkout, and a wheel of that sdist."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

from .pins import ROOT

__all__ = ["build_sdist", "build_wheel", "run"]


def run(command: list[str | Path], *, cwd: Path) -> None:
    """Run a command that must succeed; it sees no package but its own environment's."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    subprocess.run(command, cwd=cwd, env=environment, check=True)


def _build(source: Path, kind: str, folder: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)


def build_sdist(folder: Path) -> Path:
    """The unpacked sdist, a folder below the one given."""
    _build(ROOT, "sdist", folder)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def build_wheel(source: Path, folder: Path) -> Path:
    """The wheel, built of an unpacked sdist: so the sdist holds all that a wheel needs."""
    _build(source, "wheel", folder)
    (wheel,) = folder.glob("*.whl")
    return wheel
