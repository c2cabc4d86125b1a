"""The examples that need an extra run, and end with the number that proves their point."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "integrations").glob("*.py"))


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_ends_with_a_number(path: Path, capsys) -> None:
    runpy.run_path(str(path), run_name="__main__")
    lines = capsys.readouterr().out.strip().splitlines()
    assert re.search(r"\d", lines[-1])
    assert len(path.read_text().splitlines()) <= 60
    if path.stem == "lightning_callback":
        baseline, perturbed = (float(line.split()[5]) for line in lines[-2:])
        assert perturbed < baseline / 20
    if path.stem == "scvi_seeds":
        rows = [[float(x) for x in re.findall(r"\d+\.\d+", line)] for line in lines[-2:]]
        disparity, invariant, loss, agreement = zip(*rows, strict=True)
        assert disparity[1] < disparity[0] / 10
        assert invariant[1] < invariant[0] / 2
        assert loss[1] < 1.01 * loss[0]
        assert agreement[1] > agreement[0]
