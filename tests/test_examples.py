"""Every example runs, and ends with the number that proves its point."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_ends_with_the_number_that_proves_its_point(path: Path, capsys) -> None:
    runpy.run_path(str(path), run_name="__main__")
    lines = capsys.readouterr().out.strip().splitlines()
    assert re.search(r"\d", lines[-1])
    assert len(path.read_text().splitlines()) <= 60
    if "disparity between three seeds" in lines[-1]:
        before, after = (float(line.split("seeds ")[1].split()[0]) for line in lines[-2:])
        assert after < before / 20
    if path.stem == "circle":
        assert float(lines[-1].split()[-1]) > 0.98
    if path.stem == "gan":
        single, tilted = (float(re.findall(r"([\d.]+)% between", line)[0]) for line in lines[-2:])
        assert tilted < single / 3
