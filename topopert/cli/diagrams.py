"""`topopert diagrams`: the topology of data, without any training."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from topopert._lazy import require
from topopert.errors import MissingDependencyError
from topopert.records import PersistenceDiagram, TopologicalFeature
from topopert.storage import replacing, save
from topopert.topology import PersistentTopology

from .data import DataSource, data_options, load_data
from .output import output_folder
from .pictures import draw_diagrams

__all__ = ["all_bars", "diagrams"]

_MOST_BARS = 5  # that are printed of a dimension, beyond the significant ones


@click.command(short_help="Find the topology of data, without training.")
@data_options
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder for what is found; diagrams that an earlier call wrote there are replaced.",
)
@click.option(
    "--max-homology-dim",
    type=click.IntRange(0, 2),
    default=1,
    show_default=True,
    help="0: components, 1: loops too, 2: voids too.",
)
@click.option(
    "--landmarks",
    type=click.IntRange(min=3),
    default=400,
    show_default=True,
    help="Number of landmarks; all rows if there are fewer.",
)
@click.option(
    "--latent-dim",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Dimension of the latent space that the anchors are laid out in.",
)
def diagrams(
    data: str,
    labels: tuple[str, ...],
    array: str | None,
    layer: str | None,
    obsm: str | None,
    out: Path,
    max_homology_dim: int,
    landmarks: int,
    latent_dim: int,
) -> None:
    """Find the components, loops and voids of data, and which of them are no noise.

    DATA is a file (.npy, .npz, .csv, .tsv, .parquet, .h5ad), a row per sample, or the name of a
    built-in data set, as for `topopert compare`.

    Prints the longest bars, the significant ones with their p-value, and the latent dimension in
    which all significant features fit. Writes diagrams.npz (arrays H0, H1, ...: birth and death
    of each bar), topology.npz (for topopert.load), diagrams.png and diagrams.pdf.
    """
    source = DataSource(data=data, labels=labels, array=array, layer=layer, obsm=obsm)
    with output_folder(out):
        table = load_data(source)
        topology = PersistentTopology(
            latent_dim=latent_dim, max_homology_dim=max_homology_dim, n_landmarks=landmarks
        ).fit(table.points)
        click.echo(
            f"{source.title}: {table.points.shape[0]} rows, {table.points.shape[1]} features"
        )
        click.echo("\n".join(_lines(topology)))
        with replacing(out / "diagrams.npz") as file:
            bars = {f"H{d.homology_dim}": all_bars(d) for d in topology.diagrams_}
            np.savez(file, allow_pickle=False, **bars)
        save(topology, out / "topology.npz")
        try:
            require("matplotlib", extra="plot")
        except MissingDependencyError as err:
            click.echo(f"topopert: no pictures were written: {err}", err=True)
        else:
            for suffix in ("png", "pdf"):
                draw_diagrams(
                    topology.diagrams_,
                    topology.features_,
                    out / f"diagrams.{suffix}",
                    title=source.title,
                )
        click.echo(f"diagrams: {out}")


def all_bars(diagram: PersistenceDiagram) -> NDArray[np.float64]:
    """Birth and death of every bar, shape (K + E, 2); those that never die have death inf."""
    endless = np.stack([diagram.essential, np.full(len(diagram.essential), np.inf)], axis=1)
    return np.concatenate([endless, diagram.pairs])


def _lines(topology: PersistentTopology) -> list[str]:
    lines = [
        f"{len(topology.landmarks_)} landmarks, covering radius {topology.covering_radius_:.4g}",
        "",
        "        birth      death  persistence",
    ]
    for diagram in topology.diagrams_:
        real = [f for f in topology.features_ if f.homology_dim == diagram.homology_dim]
        lines += [_line(diagram.homology_dim, birth, np.inf) for birth in diagram.essential]
        lines += [_line(f.homology_dim, f.birth, f.death, feature=f) for f in real]
        noise = [
            pair
            for pair in diagram.pairs
            if not any(np.allclose(pair, (f.birth, f.death), rtol=1e-9, atol=0) for f in real)
        ]
        shown = noise[:_MOST_BARS]
        lines += [_line(diagram.homology_dim, birth, death) for birth, death in shown]
        if len(noise) > len(shown):
            lines.append(f"  H{diagram.homology_dim}  {len(noise) - len(shown)} shorter ones")
    count = len(topology.features_)
    lines += [
        "",
        f"significant (*): {count or 'none: what the anchors carry is geometry alone'}",
        f"suggested latent dimension: {topology.suggested_latent_dim_}",
        f"layout in {topology.latent_dim} dimensions: {topology.layout_}, diagram distance to the "
        f"data {topology.anchor_distance_:.3g}",
    ]
    return lines


def _line(
    homology_dim: int, birth: float, death: float, *, feature: TopologicalFeature | None = None
) -> str:
    mark = " " if feature is None else "*"
    text = f"{mark} H{homology_dim} {birth:>8.4g} {death:>10.4g} {death - birth:>12.4g}"
    return text if feature is None else f"{text}  p = {feature.p_value:.2g}"
