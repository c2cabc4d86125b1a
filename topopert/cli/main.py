"""The command `topopert`: exit 0 on success, 2 on bad input with one line, never a traceback."""

from __future__ import annotations

import signal
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import click

import topopert
from topopert.comparison.runs.memory import is_out_of_memory
from topopert.errors import TopopertError, TopopertWarning

from .compare import compare
from .demo import run_demo
from .diagrams import diagrams
from .output import one_line
from .spectrum import spectrum

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(topopert.__version__, prog_name="topopert")
def _cli() -> None:
    """Train VAEs whose latent space does not depend on the random seed.

    Start with `topopert demo`, or with `topopert compare digits --out digits`. Bad input is
    answered with one line and exit code 2.
    """


@_cli.command(short_help="The whole road on digits and on a torus.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Folder for reports and pictures; a former demo in it is replaced.",
)
@click.option(
    "--seeds", type=click.IntRange(min=3), default=10, show_default=True, help="Seeds per arm."
)
def demo(out: Path, seeds: int) -> None:
    """The whole road on handwritten digits and on a torus in R²⁰."""
    run_demo(out, n_seeds=seeds)


_cli.add_command(compare)
_cli.add_command(diagrams)
_cli.add_command(spectrum)


def main() -> None:
    """Run the command line and exit."""
    # `kill` then ends a run as Ctrl-C does, and what is half-written is taken away.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = _cli.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as err:
        err.show()
        code = 2
    except click.UsageError as err:
        where = "topopert" if err.ctx is None else err.ctx.command_path
        click.echo(f"topopert: {one_line(err.format_message())} See `{where} --help`.", err=True)
        code = 2
    except click.ClickException as err:
        click.echo(f"topopert: {one_line(err.format_message())}", err=True)
        code = 2
    except (TopopertError, OSError) as err:  # a full disk, a place without permission
        click.echo(f"topopert: {one_line(str(err))}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        # The impatient press Ctrl-C again: not into the traceback of whatever is shutting down.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        click.echo("topopert: interrupted", err=True)
        code = 130
    except (MemoryError, RuntimeError) as err:  # after Abort, which is a RuntimeError
        if not is_out_of_memory(err):
            raise
        reason = one_line(str(err)) or type(err).__name__
        click.echo(f"topopert: memory ran out ({reason}). Give fewer rows or columns.", err=True)
        code = 2
    sys.exit(code or 0)


def _show_warning(message: Warning | str, category: type[Warning], *args: Any) -> None:
    """A warning of ours as one line; those of libraries are for developers."""
    if issubclass(category, TopopertWarning):
        click.echo(f"topopert: note: {one_line(str(message))}", err=True)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
