"""Lines and branches of the package that the tests ran, against what is asked of them.

`python -m tests.coverage_floor coverage.json`, the file being one of `coverage json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

FLOORS = {"lines": 0.95, "branches": 0.90}


def shares(report: dict) -> dict[str, float]:
    """The shares of lines and of branches that were run."""
    totals = report["totals"]
    return {
        "lines": totals["covered_lines"] / totals["num_statements"],
        "branches": totals["covered_branches"] / totals["num_branches"],
    }


def main() -> None:
    found = shares(json.loads(Path(sys.argv[1]).read_text()))
    for kind, share in found.items():
        print(f"{share:.1%} of {kind} run, at least {FLOORS[kind]:.0%} are asked for")
    sys.exit(any(share < FLOORS[kind] for kind, share in found.items()))


if __name__ == "__main__":
    main()
