"""Peak memory and seconds of large sizes, as a markdown table; the named cases alone if any."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .cases import CASES
from .measure import measured

if __name__ == "__main__":
    print("| case | peak memory | of that imports | seconds | what came of it |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or CASES:
            got = measured(name, Path(folder))
            numbers = f"{got.peak_mb:.0f} MB | {got.imports_mb:.0f} MB | {got.seconds:.0f}"
            print(f"| {CASES[name].title} | {numbers} | {got.said} |", flush=True)
