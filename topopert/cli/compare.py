"""`topopert compare`: from a file to a verdict, a report and its pictures."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from topopert._lazy import require
from topopert.comparison import ComparisonReport
from topopert.comparison import compare as compare_seeds
from topopert.errors import InvalidInputError, MissingDependencyError
from topopert.models import TrainingConfig
from topopert.readers import Table
from topopert.storage import is_leftover

from .data import DataSource, data_options, load_data
from .pictures import draw_diagrams, draw_disparities, draw_latents, draw_losses
from .progress import ComparisonProgress

__all__ = ["compare"]

_DEFAULTS = TrainingConfig()
# What a comparison that keeps its runs writes first, but for these, which may be all there is of
# one that was killed at once.
_STARTED = "arguments.json"
_BEFORE = frozenset({".lock", "runs"})


_EXAMPLES = """\b
Examples:
  topopert compare digits --out digits
  topopert compare flowers.csv --label species --seeds 5 --out flowers
  topopert compare cells.h5ad --obsm X_pca --label cell_type --out cells
  topopert compare cells.h5ad --obsm X_pca --label cell_type --out cells --resume
"""


@click.command(short_help="Compare the latent spaces of many seeds.", epilog=_EXAMPLES)
@data_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for the report, its pictures and what --resume goes on from.",
)
@click.option(
    "--latent-dim",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Dimension of the latent space.",
)
@click.option(
    "--seeds", type=click.IntRange(min=3), default=10, show_default=True, help="Seeds per arm."
)
@click.option(
    "--controls",
    metavar="LIST",
    default="shuffled,pca",
    show_default=True,
    help="Arms beside baseline and perturbed, with commas between: shuffled, pca, constant, "
    "landscape, signature, finetuned; or none.",
)
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=_DEFAULTS.n_steps,
    show_default=True,
    help="Training steps.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=_DEFAULTS.batch_size,
    show_default=True,
    help="Rows per step.",
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(min=0, min_open=True),
    default=_DEFAULTS.learning_rate,
    show_default=True,
    help="Adam's, at the first step.",
)
@click.option(
    "--noise-variance",
    type=click.FloatRange(min=0, min_open=True),
    help="Of the decoder, in squared units of the data.  [default: chosen from the data]",
)
@click.option(
    "--vary",
    type=click.Choice(["seed", "bootstrap", "architecture"]),
    default="seed",
    show_default=True,
    help="What differs between the runs of an arm: the seed alone, the rows too, or the widths "
    "too.",
)
@click.option(
    "--executor",
    type=click.Choice(["loky", "dask", "ray"]),
    help="Train arms side by side: in processes (loky), on dask (the cluster that "
    "DASK_SCHEDULER_ADDRESS names, else one on this machine) or on ray.  "
    "[default: one after the other]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Decides the held-out rows and the seeds of all runs.",
)
@click.option("--resume", is_flag=True, help="Go on with the comparison that --out holds, if any.")
def compare(
    data: str,
    labels: tuple[str, ...],
    array: str | None,
    layer: str | None,
    obsm: str | None,
    out: Path,
    latent_dim: int,
    seeds: int,
    controls: str,
    steps: int,
    batch_size: int,
    learning_rate: float,
    noise_variance: float | None,
    vary: str,
    executor: str | None,
    seed: int,
    resume: bool,
) -> None:
    """Compare the latent spaces of many seeds, with the perturbation and without.

    DATA is a file (.npy, .npz, .csv, .tsv, .parquet, .h5ad), a row per sample, or the name of a
    built-in data set: circle, clusters, digits, figure_eight, image_patches, klein_bottle,
    linked_circles, sphere, swiss_roll, torus, trefoil.

    Prints the table and the verdict, and writes the report (report.json, arrays.npz, report.html)
    and pictures into the folder --out. A comparison that was interrupted goes on with --resume.
    """
    source = DataSource(data=data, labels=labels, array=array, layer=layer, obsm=obsm)
    _check_folder(out, resume=resume)
    table = load_data(source)
    training = TrainingConfig(
        n_steps=steps,
        batch_size=batch_size,
        learning_rate=learning_rate,
        noise_variance=noise_variance,
    )
    without = _note_what_is_missing()
    if executor is not None:
        click.echo(f"{source.title}: arms train side by side, each is told as it ends", err=True)
    with (
        _resumable(out),
        _cluster(executor),
        ComparisonProgress(source.title, by_steps=executor is None) as progress,
    ):
        report = compare_seeds(
            table.points,
            latent_dim=latent_dim,
            n_seeds=seeds,
            controls=_names(controls),
            training=training,
            directory=out,
            executor=executor,
            vary=vary,
            seed=seed,
            on_progress=progress,
        )
    click.echo(str(report))
    _write_pictures(report, table, source, out, without)
    click.echo(f"report and pictures: {out}")


def _names(controls: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in controls.split(",") if name.strip())
    return () if names == ("none",) else names


def _check_folder(out: Path, *, resume: bool) -> None:
    """Refuse a folder that holds other things, before anything is read."""
    try:
        there = {path.name for path in out.iterdir()} if out.exists() else set()
    except OSError as err:
        msg = f"--out {out} cannot be used: {err.strerror or err}. Name a folder."
        raise InvalidInputError(msg) from err
    above = next(path for path in out.absolute().parents if path.exists())
    if not above.is_dir():
        msg = f"--out {out} cannot be made: {above} is no folder. Name another."
        raise InvalidInputError(msg)
    if _STARTED in there or "report.json" in there:
        if not resume:
            msg = (
                f"{out} holds a comparison already. Go on with it by --resume, or choose another "
                "--out."
            )
            raise InvalidInputError(msg)
        return
    others = sorted(n for n in there - _BEFORE if not is_leftover(n, of=_STARTED))
    if others:
        msg = f"{out} holds other files ({others[0]}). Choose a new or empty folder for --out."
        raise InvalidInputError(msg)


def _note_what_is_missing() -> frozenset[str]:
    """The extras that are not installed, said before minutes of training and not after."""
    without = set()
    for extra, modules, loss in (
        ("plot", ("matplotlib",), "no pictures"),
        ("html", ("jinja2", "plotly"), "no report.html"),
    ):
        try:
            for module in modules:
                require(module, extra=extra)
        except MissingDependencyError as err:
            click.echo(f"topopert: {loss} will be written: {err}", err=True)
            without.add(extra)
    return frozenset(without)


@contextmanager
def _resumable(out: Path) -> Iterator[None]:
    """Says how to go on where the block is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        if (out / _STARTED).exists():
            words = [Path(sys.argv[0]).name, *sys.argv[1:]]
            again = shlex.join(words if "--resume" in words else [*words, "--resume"])
            click.echo(f"\ntopopert: what is done is kept in {out}. To go on: {again}", err=True)
        raise


@contextmanager
def _cluster(executor: str | None) -> Iterator[None]:
    """The dask client that a command line cannot be given."""
    if executor != "dask":
        yield
        return
    distributed: Any = require("distributed", extra="dask")
    with distributed.Client():
        yield


def _write_pictures(
    report: ComparisonReport,
    table: Table,
    source: DataSource,
    out: Path,
    without: frozenset[str],
) -> None:
    if "plot" not in without:
        if not table.columns:
            draw_latents(report, out / "latents.png", None)
        for name, column in table.columns.items():
            draw_latents(
                report,
                out / _picture_name(name, tuple(table.columns)),
                column,
                colour_label=name,
                cyclic=source.is_cyclic(name),
            )
        title = f"{source.title}: {len(report.train_rows)} training rows"
        draw_diagrams(report.diagrams, report.features, out / "diagrams.png", title=title)
        draw_disparities(report, out / "disparities.png")
        draw_losses(report, out / "learning_curves.png")
    if "html" not in without:
        report.to_html(out / "report.html", columns=table.columns, title=source.title)


def _picture_name(column: str, columns: tuple[str, ...]) -> str:
    """latents.png for the first column, a name of its own for each of the others."""
    if column == columns[0]:
        return "latents.png"
    plain = re.sub(r"[^\w-]+", "-", column).strip("-")[:60]
    same = [c for c in columns[1:] if re.sub(r"[^\w-]+", "-", c).strip("-")[:60] == plain]
    number = f"-{columns.index(column)}" if len(same) > 1 or not plain else ""
    return f"latents-{plain}{number}.png"
