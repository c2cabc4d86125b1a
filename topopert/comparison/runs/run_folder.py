"""A folder that keeps what was trained, so that a second call goes on where the first stopped."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from topopert.errors import InvalidInputError, TopopertWarning
from topopert.storage import read_archive, read_json, remove_leftovers, replacing, write_archive

from .fingerprint import named_digest
from .tasks import Chunk, ChunkResult

__all__ = ["RunFolder"]

logger = logging.getLogger(__name__)

_ARGUMENTS, _LOCK, _RUNS = "arguments.json", ".lock", "runs"
_REPORT = ("report.json", "arrays.npz")
_ARRAYS = [f.name for f in fields(ChunkResult) if f.name not in ("seconds", "state")]


class RunFolder:
    """Chunks of one comparison on disk, each there whole or not at all.

    Args:
        folder: Where; it is made if it is missing.
        arguments: All that decides what is trained, as plain values by name.
    """

    def __init__(self, folder: Path, arguments: Mapping[str, Any]) -> None:
        self.folder = folder
        # As they will be read again: tuples are lists then.
        self.arguments = _flat(json.loads(json.dumps(dict(arguments))))

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """The folder with its arguments written down, and no other comparison in it meanwhile.

        Raises:
            InvalidInputError: If it cannot be made, is in use, or holds a comparison with other
                arguments.
        """
        try:
            (self.folder / _RUNS).mkdir(parents=True, exist_ok=True)
            # The system takes such a lock away with the process, however that ends. It is tried
            # once: a time limit, even of 0, would wait for a clock.
            lock = FileLock(self.folder / _LOCK)
            lock.acquire(blocking=False)
        except Timeout as err:
            msg = (
                f"Another comparison is at work in {self.folder}. Wait for it, or choose another "
                "`directory`."
            )
            raise InvalidInputError(msg) from err
        # NotImplementedError: a file system without locks.
        except (NotImplementedError, OSError) as err:
            reason = getattr(err, "strerror", None) or err
            msg = (
                f"The runs cannot be kept in {self.folder}: {reason}. Choose another `directory`."
            )
            raise InvalidInputError(msg) from err
        try:
            self._tidy()
            self._agree()
            yield
        finally:
            lock.release()

    def _agree(self) -> None:
        kept = self.folder / _ARGUMENTS
        if not kept.exists():
            others = [name for name in _REPORT if (self.folder / name).exists()]
            if others:
                msg = (
                    f"{self.folder} holds {others[0]}, and not from a comparison that kept its "
                    "runs there: it would be overwritten. Choose another `directory`."
                )
                raise InvalidInputError(msg)
            with replacing(kept) as file:
                file.write(json.dumps(self.arguments, indent=1, sort_keys=True).encode() + b"\n")
            return
        try:
            former = read_json(kept)
            names = [k for k in {**former, **self.arguments} if self._differs(former, k)]
        except (AttributeError, OSError, TypeError, ValueError) as err:
            msg = f"{kept} cannot be read: {err}. Choose another `directory`."
            raise InvalidInputError(msg) from err
        if names:
            listed = "; ".join(
                f"{name}: {former.get(name)!r} there, {self.arguments.get(name)!r} now"
                for name in names[:5]
            )
            msg = (
                f"{self.folder} holds a comparison with other arguments ({listed}). Give those "
                "again to resume it, or choose another `directory`."
            )
            raise InvalidInputError(msg)

    def _tidy(self) -> None:
        """Take away what a killed comparison was writing, where no other writes now."""
        remove_leftovers(self.folder / _RUNS)
        for name in (_ARGUMENTS, *_REPORT):
            remove_leftovers(self.folder, of=name)

    def _differs(self, former: Mapping[str, Any], name: str) -> bool:
        return (name in former, former.get(name)) != (
            name in self.arguments,
            self.arguments.get(name),
        )

    def write(self, chunk: Chunk, result: ChunkResult) -> None:
        """Keep the result of a chunk.

        Raises:
            InvalidInputError: If there is no room for it, or no permission.
        """
        arrays: dict[str, NDArray[Any]] = {name: getattr(result, name) for name in _ARRAYS}
        arrays |= {f"state/{name}": value for name, value in result.state.items()}
        record = {
            "arm": chunk.arm,
            "seeds": list(chunk.seeds),
            "seconds": result.seconds,
            "sha256": named_digest(arrays),
        }
        write_archive(self._path(chunk), record, arrays)

    def read(self, chunk: Chunk) -> ChunkResult | None:
        """The result of a chunk, None if it is not there.

        A file that is damaged is set aside in the log and with a warning, to be made anew.
        """
        path = self._path(chunk)
        if not path.exists():
            return None
        try:
            record, arrays = read_archive(path)
            if record["sha256"] != named_digest(arrays):
                msg = "its checksum is wrong"
                raise InvalidInputError(msg)
            result = ChunkResult(
                **{name: arrays[name] for name in _ARRAYS},
                seconds=float(record["seconds"]),
                state={
                    name.removeprefix("state/"): value
                    for name, value in arrays.items()
                    if name.startswith("state/")
                },
            )
        except (InvalidInputError, KeyError, TypeError) as err:
            warnings.warn(
                f"{path} is damaged ({err}): its seeds are trained again.",
                TopopertWarning,
                stacklevel=2,
            )
            return None
        logger.info("%s was kept", chunk.name)
        return result

    def _path(self, chunk: Chunk) -> Path:
        return self.folder / _RUNS / f"{chunk.name}.npz"


def _flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The record with nested ones taken apart, so that a difference can be named."""
    flat = {}
    for name, value in record.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
