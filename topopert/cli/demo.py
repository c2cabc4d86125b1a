"""`topopert demo`: from nothing to a verdict, on real data and on a torus."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from topopert import datasets
from topopert._lazy import require
from topopert.comparison import ComparisonReport, compare
from topopert.datasets import Dataset
from topopert.errors import InvalidInputError

from .pictures import draw_diagrams, draw_disparities, draw_latents
from .progress import ComparisonProgress

__all__ = ["DEMO_CASES", "DemoCase", "draw_report", "run_demo"]

# A folder with this file in it is a demo's, and may be replaced by the next one.
_MARKER = ".topopert-demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoCase:
    """A data set of the demo; all the rest is the library's default."""

    name: str
    title: str
    load: Callable[[], Dataset]
    latent_dim: int
    colour_label: str
    cyclic: bool  # whether the colour, the first true parameter, is an angle


def _torus() -> Dataset:
    return datasets.torus(2000, ambient_dim=20, noise=0.05, rng=np.random.default_rng(0))


DEMO_CASES = (
    DemoCase(
        name="digits",
        title="8×8 digits, d = 2",
        load=datasets.digits,
        latent_dim=2,
        colour_label="digit",
        cyclic=False,
    ),
    DemoCase(
        name="torus",
        title="torus in R²⁰, d = 3",
        load=_torus,
        latent_dim=3,
        colour_label="angle on the large circle",
        cyclic=True,
    ),
)


def run_demo(out: Path, *, n_seeds: int) -> dict[str, ComparisonReport]:
    """Compare each demo case, print its table and verdict, and write reports and pictures.

    Everything is made in a folder beside `out` that takes its name at the very end, so `out` holds
    a whole demo or none.

    Args:
        out: The folder; one that an earlier demo made is replaced.
        n_seeds: Number of seeds per arm.

    Raises:
        InvalidInputError: If `out` is there and is not a demo's, or cannot be written.
        MissingDependencyError: If matplotlib or plotly is missing.
    """
    # Before minutes of training, not after.
    require("matplotlib", extra="plot")
    require("plotly", extra="html")
    reports = {}
    with _folder_when_done(out) as folder:
        for case in DEMO_CASES:
            data = case.load()
            with ComparisonProgress(case.title) as progress:
                report = compare(
                    data.points,
                    latent_dim=case.latent_dim,
                    n_seeds=n_seeds,
                    controls=("shuffled",),
                    on_progress=progress,
                )
            report.save(folder / case.name)
            draw_report(case, data, report, folder / case.name)
            click.echo(f"\n{case.title}: {n_seeds} seeds, {len(report.test_rows)} rows held out")
            click.echo(str(report))
            reports[case.name] = report
    click.echo(f"\nreports and pictures: {out}")
    return reports


def draw_report(case: DemoCase, data: Dataset, report: ComparisonReport, folder: Path) -> None:
    """Draw the latent spaces, the diagrams and the disparities of a report into a folder."""
    draw_latents(
        report,
        folder / "latents.png",
        data.parameters[:, 0],
        colour_label=case.colour_label,
        cyclic=case.cyclic,
        arms=("baseline", "perturbed"),
    )
    draw_diagrams(report.diagrams, report.features, folder / "diagram.png", title=case.title)
    draw_disparities(report, folder / "disparities.png")
    report.to_html(
        folder / "report.html",
        columns={case.colour_label: data.parameters[:, 0]},
        title=case.title,
    )


@contextmanager
def _folder_when_done(out: Path) -> Iterator[Path]:
    """A new folder that becomes `out` once the block has ended well, and vanishes otherwise."""
    out = out.resolve()
    if out == Path.cwd() or out in Path.cwd().parents:
        msg = f"{out} is the folder you stand in. Choose another --out, e.g. `--out demo`."
        raise InvalidInputError(msg)
    if out.exists() and not (out / _MARKER).exists() and (not out.is_dir() or any(out.iterdir())):
        msg = f"{out} is there and was not made by `topopert demo`. Choose another --out."
        raise InvalidInputError(msg)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        workplace = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    except OSError as err:
        msg = f"{out} cannot be written: {err.strerror or err}."
        raise InvalidInputError(msg) from err
    try:
        fresh, former = workplace / "new", workplace / "old"
        fresh.mkdir()
        (fresh / _MARKER).touch()
        yield fresh
        try:
            if out.exists():
                out.rename(former)
            try:
                fresh.rename(out)
            except OSError:
                if former.exists():
                    former.rename(out)
                raise
        except OSError as err:
            msg = f"{out} cannot be written: {err.strerror or err}."
            raise InvalidInputError(msg) from err
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
