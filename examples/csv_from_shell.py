"""From one's own CSV to a verdict and a report without a line of Python: one shell command."""

from __future__ import annotations

import csv
import json
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from sklearn.datasets import load_iris

SMALL = "--seeds 3 --steps 400 --controls none"  # the default: 10 seeds, 2000 steps, two controls
COMMAND = f"topopert compare flowers.csv --label species --out flowers {SMALL}"


def write_csv(path: Path) -> None:
    """What one brings: a row per flower, features in one unit (cm), a column that is a label."""
    flowers = load_iris()
    species = flowers.target_names[flowers.target]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*flowers.feature_names, "species"])
        writer.writerows([*row, name] for row, name in zip(flowers.data, species, strict=True))


def main() -> None:
    program, *arguments = COMMAND.split()
    with tempfile.TemporaryDirectory() as folder:
        write_csv(Path(folder, "flowers.csv"))
        print(f"$ {COMMAND}")
        command = [Path(sysconfig.get_path("scripts"), program), *arguments]
        run = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        print(run.stdout, end="")
        report = json.loads(Path(folder, "flowers", "report.json").read_text())
    baseline, perturbed = (row["disparity"]["value"] for row in report["table"])
    print(f"disparity between seeds {baseline:.3f} -> {perturbed:.4f}")


if __name__ == "__main__":
    main()
