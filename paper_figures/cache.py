"""What was computed for a figure, kept on disk: arrays in an `.npz`, all that made them beside it.

The key of an entry is made of the settings, of topopert's version and of the code that computes:
the figure's own module and the neighbours that it imports, but for comments, docstrings and
whatever draws or words a result. A new colour computes nothing anew, nor does a module of the
library that has moved; a changed constant does.
The library's own code counts by its version only: after a change in it, `--recompute`.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import inspect
import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import topopert
from topopert.storage import replacing

__all__ = ["CACHE", "Arrays", "cached", "key_of"]

CACHE = Path(__file__).parent / "cache"
Arrays = dict[str, np.ndarray]

_PACKAGES = ("gudhi", "matplotlib", "numpy", "scikit-learn", "scipy", "topopert", "torch")
# Functions with these names, and modules, do not decide what is computed.
_WORDING = ("draw", "claims")
_NEIGHBOURS_LEFT_OUT = {"cache", "produce", "style"}


def cached(
    compute: Callable[..., Arrays],
    *,
    folder: Path | None = None,
    recompute: bool = False,
    **settings: Any,
) -> Arrays:
    """What `compute(**settings)` returns, from the cache if it is there.

    Args:
        compute: A function of a figure's module that returns arrays by name.
        folder: Where entries are kept; None is `CACHE`.
        recompute: Whether to compute although there is an entry.
        **settings: Plain values; they are part of the key.
    """
    folder = CACHE if folder is None else folder
    source = Path(inspect.getfile(compute))
    key = key_of(source, settings)
    path = folder / f"{source.stem}-{key[:12]}.npz"
    if recompute or not path.exists():
        started = time.perf_counter()
        arrays = {name: np.asarray(value) for name, value in compute(**settings).items()}
        record = {
            "figure": source.stem,
            "key": key,
            "settings": settings,
            "versions": versions(),
            "seconds": round(time.perf_counter() - started, 1),
            "shapes": {name: list(value.shape) for name, value in arrays.items()},
        }
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path.with_suffix(".json")) as file:
            file.write(json.dumps(record, indent=1).encode() + b"\n")
        with replacing(path) as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        for former in folder.glob(f"{source.stem}-*"):
            if former.stem != path.stem:
                former.unlink()
        print(f"{source.stem}: computed in {record['seconds']} s", file=sys.stderr, flush=True)
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def key_of(source: Path, settings: dict[str, Any]) -> str:
    """SHA-256 of the settings, topopert's version and the code in `source` that computes."""
    parts = [topopert.__version__, json.dumps(settings, sort_keys=True)]
    parts += [f"{path.stem}\n{_computing_code(path)}" for path in _with_neighbours(source)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def versions() -> dict[str, str]:
    """The releases that results depend on."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **found}


def _with_neighbours(source: Path) -> list[Path]:
    """A module and those beside it that it imports, directly or not, in alphabetical order."""
    found, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _neighbours(path)
    return sorted(found)


def _neighbours(source: Path) -> Iterator[Path]:
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                path = source.parent / f"{name}.py"
                if name not in _NEIGHBOURS_LEFT_OUT and path.exists():
                    yield path


def _computing_code(source: Path) -> str:
    """The syntax tree without docstrings and without the functions that draw or word."""
    tree = ast.parse(source.read_text())
    tree.body = [node for node in tree.body if not _is_wording(node)]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            node.module = None  # a library may move what it has
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _is_text(line)]
    return ast.dump(tree)


def _is_wording(node: ast.stmt) -> bool:
    """Whether a statement only serves what draws or words."""
    if isinstance(node, ast.ImportFrom):
        return node.level == 1 and node.module in _NEIGHBOURS_LEFT_OUT
    return isinstance(node, ast.FunctionDef) and node.name.lstrip("_").startswith(_WORDING)


def _is_text(node: Any) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
