"""The pictures and the table of the demo that README shows, from the reports of the tables.

The demo compares the same data with the same seeds: its arms are three of the tables' eight.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import topopert as tp
from topopert.cli.demo import DEMO_CASES
from topopert.cli.pictures import draw_diagrams, draw_disparities, draw_latents

from .cases import CASES
from .reports import report_of

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
START, END = "<!-- made by `make figures`: start -->", "<!-- made by `make figures`: end -->"

_ARMS = ("baseline", "perturbed", "shuffled")
_CASES = {"digits": "digits, d = 2", "torus": "torus"}  # the demo's names and the tables'


def demo_report(name: str) -> tp.ComparisonReport:
    """What the demo would report of its case of that name."""
    report = report_of(next(case for case in CASES if case.name == _CASES[name]))
    return replace(
        report,
        arms=MappingProxyType({arm: report.arms[arm] for arm in _ARMS}),
        verdicts=MappingProxyType({arm: report.verdicts[arm] for arm in _ARMS[1:]}),
    )


def draw_demo() -> None:
    """Draw the demo's pictures into `readme/` and write its table into README."""
    blocks = []
    for case in DEMO_CASES:
        report = demo_report(case.name)
        blocks.append(f"{case.title}\n{report}")
        pictures = HERE / "readme"
        draw_latents(
            report,
            pictures / f"{case.name}_latents.png",
            case.load().parameters[:, 0],
            colour_label=case.colour_label,
            cyclic=case.cyclic,
            arms=("baseline", "perturbed"),
        )
        path = pictures / f"{case.name}_diagram.png"
        draw_diagrams(report.diagrams, report.features, path, title=case.title)
        draw_disparities(report, pictures / f"{case.name}_disparities.png")
    before, rest = README.read_text().split(START)
    _, after = rest.split(END)
    table = "\n\n".join(blocks)
    README.write_text(f"{before}{START}\n```text\n{table}\n```\n{END}{after}")


if __name__ == "__main__":
    draw_demo()
