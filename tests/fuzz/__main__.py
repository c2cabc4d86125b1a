"""Coverage-guided fuzzing of what reads files: `python -m tests.fuzz npz --seconds 600`.

Needs atheris (`pip install atheris`), which is no dependency of the tests. Findings are exceptions
that are no `TopopertError`, each kind told and kept once, an input that takes more than ten
seconds, and more than `--megabytes` of memory. Inputs that reach new code grow in the folder
`--work`; those worth keeping go to `corpus/`, which `test_corpus.py` replays.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

import pyarrow

from .mutation import mutate
from .seeds import seeds
from .targets import TARGETS

_INSTRUMENTED = (
    "json.decoder",
    "numpy.lib._format_impl",
    "topopert.comparison.report",
    "topopert.comparison.stored",
    "topopert.hamiltonian.state",
    "topopert.readers.delimited",
    "topopert.readers.npz_entry",
    "topopert.readers.numpy_files",
    "topopert.readers.parquet",
    "topopert.readers.reading",
    "topopert.readers.table",
    "topopert.storage.archive",
    "topopert.storage.reading",
    "topopert.storage.saving",
    "topopert.topology.state",
    "zipfile",
)

_CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    arguments = _arguments()
    atheris: Any = importlib.import_module("atheris")
    for module in _INSTRUMENTED:
        _instrument(atheris, importlib.import_module(module))

    pyarrow.set_cpu_count(1)  # files this small gain nothing from threads
    target = TARGETS[arguments.target]
    work: Path = arguments.work / arguments.target
    found, grown = work / "found", work / "corpus"
    for folder in (found, grown):
        folder.mkdir(parents=True, exist_ok=True)
    for data in seeds(arguments.target):
        (grown / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    # In memory where the system has such a place.
    shared = Path("/dev/shm")
    inputs = Path(tempfile.mkdtemp(dir=shared if shared.is_dir() else None))
    seen: set[str] = set()
    warnings.simplefilter("ignore")  # NumPy's, about numbers out of range

    def one_input(data: bytes) -> None:
        try:
            target(data, inputs)
        except Exception as err:  # noqa: BLE001  whatever it is, it is what is looked for
            name = f"{type(err).__name__}-{_place(err)}"
            if name not in seen:
                seen.add(name)
                (found / name).write_bytes(data)
                print(f"FOUND {name}", flush=True)
                traceback.print_exc()

    def mutated(data: bytes, largest: int, seed: int) -> bytes:
        return mutate(arguments.target, data, largest, seed, atheris.Mutate)

    kept = _CORPUS / arguments.target
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-rss_limit_mb={arguments.megabytes}",
        "-timeout=10",
        "-max_len=20000",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
    ]
    folders = [str(grown)] + ([str(kept)] if kept.is_dir() else [])
    atheris.Setup([sys.argv[0], *options, *folders], one_input, custom_mutator=mutated)
    atheris.Fuzz()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--megabytes", type=int, default=2048)
    parser.add_argument("--work", type=Path, default=Path("fuzzing"))
    return parser.parse_args()


def _instrument(atheris: Any, module: ModuleType) -> None:
    """Have the functions of a module tell the fuzzer where they go."""
    for owner in (module, *(kind for kind in vars(module).values() if isinstance(kind, type))):
        for function in list(vars(owner).values()):
            function = getattr(function, "__func__", function)
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                # With some functions atheris does not come to an end; they stay as they are.
                former = signal.signal(signal.SIGALRM, _too_long)
                signal.setitimer(signal.ITIMER_REAL, 2)
                try:
                    atheris.instrument_func(function)
                except TimeoutError:
                    print(f"not instrumented: {module.__name__}.{function.__qualname__}")
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
                    signal.signal(signal.SIGALRM, former)


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError


def _place(err: BaseException) -> str:
    """File and line of topopert where the exception passed last."""
    frames = traceback.extract_tb(err.__traceback__)
    ours = [frame for frame in frames if "/topopert/" in frame.filename] or frames
    return f"{Path(ours[-1].filename).stem}-{ours[-1].lineno}"


if __name__ == "__main__":
    main()
