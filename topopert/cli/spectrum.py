"""`topopert spectrum`: what the latent spaces of a finished comparison are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from topopert._lazy import require
from topopert._text_table import aligned
from topopert.comparison import Arm, ComparisonReport
from topopert.errors import InvalidInputError, MissingDependencyError
from topopert.hamiltonian.level_solver import posterior_spectrum
from topopert.hamiltonian.spectra import Spectrum
from topopert.storage import replacing

from .output import output_folder
from .pictures import draw_levels

__all__ = ["spectrum"]

_SHOWN = 4  # levels above the ground in the table

_EXAMPLES = """\b
Examples:
  topopert compare digits --out digits
  topopert spectrum digits
  topopert spectrum digits --arm baseline --seeds 1 --levels 30
"""


@click.command(
    short_help="What latent spaces are made of: clusters, loops, levels.", epilog=_EXAMPLES
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--arm",
    "arms",
    multiple=True,
    help="Which arms; give it again for more.  [default: baseline, perturbed]",
)
@click.option("--seeds", type=click.IntRange(min=1), help="How many seeds.  [default: all]")
@click.option(
    "--levels", type=click.IntRange(min=3), default=12, show_default=True, help="Levels per seed."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for spectrum.npz and pictures.  [default: spectrum in RUN]",
)
def spectrum(
    run: Path, arms: tuple[str, ...], seeds: int | None, levels: int, out: Path | None
) -> None:
    """Levels of the Hamiltonian of each seed's aggregated posterior, and what they say.

    RUN is a folder that `topopert compare` or `report.save` wrote. The posterior is that of its
    held-out rows. Levels do not depend on how a latent space is turned: where two seeds' levels
    differ, no rotation makes their latent spaces agree.

    Prints a line per seed and what the spectrum of the first seed of each arm says: clusters,
    loops, barriers in nats. Writes spectrum.npz (per arm the levels, their errors and activation
    energies, (seeds, levels)) and a picture per arm.
    """
    report = ComparisonReport.load(run)
    names = arms or tuple(name for name in ("baseline", "perturbed") if name in report.arms)
    for name in names:
        if name not in report.arms:
            msg = f"{run} has no arm {name!r}. It has {', '.join(report.arms)}."
            raise InvalidInputError(msg)
    folder = run / "spectrum" if out is None else out
    with output_folder(folder):
        found = {name: list(_spectra(report.arms[name], seeds, levels)) for name in names}
        found = {name: spectra for name, spectra in found.items() if spectra}
        if not found:
            msg = f"Every seed of {', '.join(names)} diverged: there is no posterior to look at."
            raise InvalidInputError(msg)
        rows = [("arm", "seed", "clusters", "loops", *(f"E{k}" for k in range(1, _SHOWN + 1)))]
        for name, spectra in found.items():
            rows += [_row(name, seed, one) for seed, one in spectra]
        click.echo("\n".join(aligned(rows)))
        for name, spectra in found.items():
            seed, first = spectra[0]
            click.echo(f"\n{name}, seed {seed} (solved by {first.method}):\n{first.describe()}")
        with replacing(folder / "spectrum.npz") as file:
            np.savez_compressed(file, allow_pickle=False, **_arrays(found))
        try:
            require("matplotlib", extra="plot")
        except MissingDependencyError as err:
            click.echo(f"topopert: no pictures were written: {err}", err=True)
        else:
            for name, spectra in found.items():
                draw_levels(spectra[0][1], folder / f"levels_{name}.png", title=name)
        click.echo(f"\nspectra: {folder}")


def _spectra(arm: Arm, n_seeds: int | None, n_levels: int) -> Iterator[tuple[int, Spectrum]]:
    from tqdm import tqdm  # a bar on a terminal only

    finite = arm.finite[:n_seeds]
    for seed in tqdm(finite, desc=arm.name, unit="seed", leave=False, delay=0.2, disable=None):
        yield (
            int(seed),
            posterior_spectrum(arm.latents[seed], arm.logvars[seed], n_levels=n_levels),
        )


def _row(arm: str, seed: int, spectrum: Spectrum) -> tuple[str, ...]:
    said = spectrum.describe()
    levels = [f"{level:.3g}" for level in spectrum.levels[1 : _SHOWN + 1].tolist()]
    levels += [""] * (_SHOWN - len(levels))
    unsure = " ?" if said.caveats else ""
    return (arm, str(seed), f"{said.n_clusters}{unsure}", f"{len(said.loops)}{unsure}", *levels)


def _arrays(found: dict[str, list[tuple[int, Spectrum]]]) -> dict[str, NDArray[np.float64]]:
    arrays = {}
    for name, spectra in found.items():
        arrays[f"{name}/seeds"] = np.array([seed for seed, _ in spectra])
        for field in ("levels", "errors", "activation_energies"):
            arrays[f"{name}/{field}"] = np.stack([getattr(s, field).numpy() for _, s in spectra])
    return arrays
