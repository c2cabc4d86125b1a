"""What a case takes: seconds and the largest memory of a process that does nothing else."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measurement", "measured", "peak_memory", "run_case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What running a case took and what it said."""

    seconds: float  # without imports
    peak_mb: float  # pages of mapped files that were touched included
    imports_mb: float  # of that, before the case began
    said: str


def measured(case: str, folder: Path) -> Measurement:
    """Run a case of `tests.load.cases` in a new process with one thread.

    Args:
        case: Its name.
        folder: Where its files are, and where it may write.
    """
    command = [sys.executable, "-m", "tests.load.child", case, str(folder)]
    environment: Mapping[str, str] = {**os.environ, "OMP_NUM_THREADS": "1"}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        command, env=environment, cwd=root, check=False, capture_output=True, text=True
    )
    if done.returncode:
        msg = f"{case} ended with {done.returncode}: {done.stderr[-2000:]}"
        raise RuntimeError(msg)
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def run_case(case: str, folder: Path) -> Measurement:
    """Run a case here, where nothing else has been run before."""
    from . import cases

    run = cases.CASES[case].run
    before, started = peak_memory(), time.perf_counter()
    said = run(folder)
    return Measurement(
        seconds=round(time.perf_counter() - started, 1),
        peak_mb=round(peak_memory() / 1e6),
        imports_mb=round(before / 1e6),
        said=said,
    )


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would count what the parent had when this process was forked from it.
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes, on a Mac
