"""Whether the tests notice: `python -m tests.mutants [part of a file's name]`.

The project is copied, one fault at a time is made in the copy, and the tests named beside it are
run, the fast ones first. The fault is noticed if they fail with it and pass without it. The exit
code is 1 if more than a tenth survive.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from queue import SimpleQueue

from .faults import FAULTS, Fault

PROJECT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "cache", "demo", "docs", "out")
LEAST_SHARE = 0.9


def copied(folder: Path) -> Path:
    """A copy of the project in which a fault can be made."""
    return Path(shutil.copytree(PROJECT, folder, ignore=LEFT_OUT))


def noticed(copy: Path, fault: Fault) -> bool:
    """Whether a test fails with the fault made in the copy, and not without it."""
    path = copy / "topopert" / fault.file
    right = path.read_text()
    for marker in ("not slow", "slow"):
        path.write_text(right.replace(fault.line, fault.wrong))
        try:
            fine = passes(copy, fault.tests, marker)
        finally:
            path.write_text(right)
        if not fine:
            if not passes_unharmed(copy, fault.tests, marker):
                sys.exit(f"{fault.tests} ({marker}) fails without any fault.")
            return True
    return False


def passes(copy: Path, tests: str, marker: str) -> bool:
    """Whether the tests of a copy pass."""
    paths = [f"tests/{path}" for path in tests.split()]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-xq", "-p", "no:cacheprovider", "-m", marker, *paths],
        cwd=copy,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1, 5):  # passed, failed, nothing collected
        sys.exit(f"pytest could not run:\n{done.stdout}{done.stderr}")
    return done.returncode != 1


@cache
def passes_unharmed(copy: Path, tests: str, marker: str) -> bool:
    """Whether they do in a copy without a fault; one answer for each copy."""
    return passes(copy, tests, marker)


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    faults = [fault for fault in FAULTS if wanted in fault.file]
    n_workers = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(n_workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(n_workers):
            copies.put(copied(Path(folder) / str(number)))

        def judged(fault: Fault) -> bool:
            copy = copies.get()
            try:
                return noticed(copy, fault)
            finally:
                copies.put(copy)

        survivors = []
        for fault, was_noticed in zip(faults, pool.map(judged, faults), strict=True):
            if not was_noticed:
                survivors.append(fault)
            mark = "noticed " if was_noticed else "SURVIVED"
            print(f"{mark}  {fault.file}: {fault.line} → {fault.wrong}", flush=True)
    print(f"{len(faults) - len(survivors)} of {len(faults)} faults noticed")
    sys.exit(len(survivors) > (1 - LEAST_SHARE) * len(faults))


if __name__ == "__main__":
    main()
