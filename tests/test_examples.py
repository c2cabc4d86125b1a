"""Every example runs, and ends with the number that proves its point."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


def number_after(phrase: str, line: str) -> float:
    """The number that follows a phrase."""
    return float(re.findall(re.escape(phrase) + r" ([\d.e-]*\d)", line)[0])


def proves_its_point(name: str, lines: list[str]) -> bool:
    """Whether the lines that an example prints say what its first line promises."""
    last, before = lines[-1], lines[-2]
    match name:
        case "attached" | "autoencoder" | "conv_beta_vae" | "own_loop":
            phrase = "disparity between three seeds"
            return number_after(phrase, last) < number_after(phrase, before) / 20
        case "circle":
            return number_after("(mean resultant length):", last) > 0.98
        case "clusters":
            phrase = "after the best rotation"
            return number_after(phrase, last) < number_after(phrase, before) / 20
        case "csv_from_shell":
            return number_after("->", last) < number_after("seeds", last) / 20
        case "diagnosis":
            found = number_after("ten seeds", before), number_after("leaves", last)
            return "seeds 5, 5, 5, 5" in lines[-3] and found[0] > 0.7 and found[1] > 0.1
        case "digits":
            baseline, perturbed, shuffled = (number_after("by", line) for line in lines[-3:])
            return lines[0].endswith(" 0") and perturbed < min(baseline, shuffled) / 20
        case "gan":
            single, tilted = (float(re.findall(r"([\d.]+)% between", line)[0]) for line in lines)
            return tilted < single / 3
        case "generation":
            data, gaussian, tilted = (float(line.split()[-1]) for line in lines)
            return tilted - data < (gaussian - data) / 3
        case "image_patches":  # what a rotation mends is gone, what it does not mend is not
            gauge, rest = "disparity", "rotation"
            return (
                number_after("gradients", lines[0]) > 0.9
                and number_after(gauge, last) < number_after(gauge, before) / 10
                and number_after(rest, last) > number_after(rest, before) / 2
            )
        case "landscape":
            return number_after("over the pass", last) < number_after("straight on", last) - 0.1
        case "rotated_digits":
            return all(number_after("true angle", line) > 0.98 for line in lines)
        case "swiss_roll":
            families = [re.findall(r"families of ([\d, ]+) seeds", line)[0] for line in lines[-2:]]
            none, some = (sorted(map(int, family.split(", "))) for family in families)
            return lines[0] == "verdict: not lifted" and len(none) == 6 and 1 < len(some) < 4
        case "torus":
            return number_after("->", last) < number_after("->", before) / 5
    return False  # an example that no case speaks of


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_ends_with_the_number_that_proves_its_point(path: Path, capsys) -> None:
    runpy.run_path(str(path), run_name="__main__")
    lines = capsys.readouterr().out.strip().splitlines()
    assert re.search(r"\d", lines[-1])
    assert len(path.read_text().splitlines()) <= 60
    assert proves_its_point(path.stem, lines), lines
