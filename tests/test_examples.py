"""Every example runs, and ends with the number that proves its point."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


def output_of(path: Path, capsys) -> str:
    runpy.run_path(str(path), run_name="__main__")
    return capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_ends_with_a_number(path: Path, capsys) -> None:
    assert re.search(r"\d", output_of(path, capsys).strip().splitlines()[-1])
    assert len(path.read_text().splitlines()) <= 60


@pytest.mark.slow
def test_own_loop_makes_the_seeds_agree(capsys) -> None:
    before, after = output_of(EXAMPLES[0].with_name("own_loop.py"), capsys).strip().splitlines()
    value = [float(line.split()[5]) for line in (before, after)]
    assert value[1] < value[0] / 20


@pytest.mark.slow
def test_circle_reads_off_the_angle(capsys) -> None:
    last = output_of(EXAMPLES[0].with_name("circle.py"), capsys).strip().splitlines()[-1]
    assert float(last.split()[-1]) > 0.98
