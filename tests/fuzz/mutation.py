"""Mutations that keep what guards a file in order, so that they reach what is behind it.

A change of a random byte of a zip is stopped by a checksum. Here entries are unpacked, one of them
is changed, and all are packed again with the right checksums; JSON is changed value by value.
"""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from .targets import SEPARATOR

__all__ = ["mutate"]

_Bytes = Callable[[bytes, int], bytes]  # the fuzzer's own mutation: data, largest size

_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**400,
    -0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "load",
    "../x",
    "<script>",
    "\ud800",
    [],
    {},
    [[]],
    [0] * 9,
    {"kind": "SumPotential", "terms": [], "factors": []},
)
_DTYPES = ("<f8", ">f8", "<f4", "<f2", "<i8", "|u1", "|b1", "<c16", "<U3", "|S2", "<M8[s]")
_SHAPES = ((), (0,), (1,), (6,), (2, 3), (6, 2), (0, 2), (6, 0), (1, 1, 1), (-1, 2), (10**12, 2))


def mutate(target: str, data: bytes, largest: int, seed: int, by_bytes: _Bytes) -> bytes:
    """A changed copy of an input.

    Args:
        target: Name of the target that the input is for.
        data: The input.
        largest: Largest size of the result, bytes.
        seed: Decides which change is made.
        by_bytes: The fuzzer's own mutation.
    """
    rng = random.Random(seed)
    if rng.random() < 0.15:
        return by_bytes(data, largest)
    if target == "report":
        record, _, arrays = data.partition(SEPARATOR)
        if rng.random() < 0.5:
            record = _json(record, rng, by_bytes)
        else:
            arrays = _zip(arrays, rng, by_bytes)
        changed = record + SEPARATOR + arrays
    elif target in ("npz", "archive"):
        changed = _zip(data, rng, by_bytes)
    elif target == "npy":
        changed = _npy(data, rng, by_bytes)
    else:
        changed = by_bytes(data, largest)
    return changed if 0 < len(changed) <= largest else by_bytes(data, largest)


def _zip(data: bytes, rng: random.Random, by_bytes: _Bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # noqa: BLE001  a former mutation may have left anything here
        return by_bytes(data, len(data) + 64)
    if not entries:
        return by_bytes(data, len(data) + 64)
    place = rng.randrange(len(entries))
    name, content = entries[place]
    deed = rng.random()
    if deed < 0.06:
        del entries[place]
    elif deed < 0.1:
        entries.append((rng.choice([name, "../x.npy", "a/b.npy", "header.json"]), content))
    elif deed < 0.14:
        entries[place] = (name, rng.choice(entries)[1])
    elif name.endswith(".json"):
        entries[place] = (name, _json(content, rng, by_bytes))
    else:
        entries[place] = (name, _npy(content, rng, by_bytes))
    packed = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _npy(data: bytes, rng: random.Random, by_bytes: _Bytes) -> bytes:
    """Another dtype or shape over the same content, other numbers, or other bytes."""
    deed = rng.random()
    if deed < 0.3:
        return by_bytes(data, len(data) + 64)
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception:  # noqa: BLE001  as above
        return by_bytes(data, len(data) + 64)
    file = io.BytesIO()
    if deed < 0.5:  # a header that does not fit what follows
        header = {
            "descr": rng.choice((array.dtype.str, rng.choice(_DTYPES))),
            "fortran_order": rng.random() < 0.3,
            "shape": rng.choice((array.shape, rng.choice(_SHAPES))),
        }
        np.lib.format.write_array_header_1_0(file, header)
        return file.getvalue() + array.tobytes()
    if deed < 0.7 and array.size and array.dtype.kind in "iuf":
        array = array.copy()
        odd = (0, 1, -1, 2**31, np.nan, np.inf, 1e308)
        with np.errstate(all="ignore"):
            array.flat[rng.randrange(array.size)] = np.asarray(rng.choice(odd)).astype(array.dtype)
    elif deed < 0.85:
        count = rng.randrange(3) + 1
        array = array[:-count] if array.ndim and rng.random() < 0.5 else np.stack([array] * count)
    else:
        with np.errstate(all="ignore"):
            array = np.zeros(array.shape, rng.choice(_DTYPES))
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def _json(data: bytes, rng: random.Random, by_bytes: _Bytes) -> bytes:
    if rng.random() < 0.1:
        return by_bytes(data, len(data) + 64)
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError):
        return by_bytes(data, len(data) + 64)
    parents = [node for node in _nodes(tree) if isinstance(node, dict | list) and node]
    if not parents:
        return json.dumps(rng.choice(_ODD)).encode()
    parent = rng.choice(parents)
    key = rng.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
    deed = rng.random()
    if deed < 0.2:
        del parent[key]
    elif deed < 0.3:
        parent[key] = rng.choice(list(_nodes(tree)))
        if rng.random() < 0.5 and isinstance(parent, dict):
            parent["another"] = None
    else:
        parent[key] = rng.choice(_ODD)
    try:
        return json.dumps(tree, separators=(",", ":")).encode()
    except (ValueError, RecursionError):  # a part was put into itself
        return by_bytes(data, len(data) + 64)


def _nodes(tree: Any) -> list[Any]:
    found, todo = [], [tree]
    while todo:
        node = todo.pop()
        found.append(node)
        if isinstance(node, dict):
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return found
