"""The page: checked input, figures and tables put into the template, one file written."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topopert._lazy import require
from topopert.errors import InvalidInputError, InvalidTypeError
from topopert.storage import replacing

from .columns import held_out_columns
from .figures import curves_figure, diagrams_figure, disparities_figure
from .latents import colour_columns, drawn_rows, latent_panels
from .palettes import MISSING
from .tables import arm_sections, setting_lines

if TYPE_CHECKING:
    from topopert.comparison.report import ComparisonReport

__all__ = ["write_page"]


def write_page(
    report: ComparisonReport, path: str | os.PathLike[str], *, columns: Any, title: str | None
) -> None:
    """Write the report as one HTML file; see `ComparisonReport.to_html`."""
    jinja2 = require("jinja2", extra="html")
    plotly = require("plotly.offline", extra="html")
    target = _checked_target(path)
    if title is not None and not isinstance(title, str):
        msg = f"`title` must be text or None, got {title!r}."
        raise InvalidTypeError(msg)
    n_points = len(report.train_rows) + len(report.test_rows)
    held_out = held_out_columns(columns, n_points=n_points, test_rows=report.test_rows)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("topopert.comparison.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Read back by JSON.parse, which knows no NaN.
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False}
    context = _context(report, held_out)
    scripts = {
        "plotly": plotly.get_plotlyjs(),
        "script": environment.loader.get_source(environment, "report.js")[0],
    }
    text = environment.get_template("report.html").render(
        **context,
        **scripts,
        style=environment.loader.get_source(environment, "report.css")[0],
        script_hashes=[_digest(script) for script in scripts.values()],
        title=title or "Do the seeds agree?",
    )
    with replacing(target) as file:
        file.write(text.encode())


def _checked_target(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        msg = f"`path` must be the path of the HTML file, got {path!r}."
        raise InvalidTypeError(msg)
    target = Path(path)
    if target.is_dir():
        msg = f"{target} is a folder. Name a file in it, e.g. {target / 'report.html'}."
        raise InvalidInputError(msg)
    if not target.parent.is_dir():
        msg = f"The folder {target.parent} is not there. Make it first, or choose another."
        raise InvalidInputError(msg)
    return target


def _context(report: ComparisonReport, held_out: dict[str, Any]) -> dict[str, Any]:
    """All that the template shows."""
    rows = drawn_rows(report)
    colours = colour_columns(report, held_out)
    panels = latent_panels(report, colours, rows)
    figures = {
        "disparities": disparities_figure(report),
        "curves": curves_figure(report),
        "diagrams": diagrams_figure(report),
    }
    n_seeds, n_test, _ = next(iter(report.arms.values())).latents.shape
    return {
        "report": report,
        "n_seeds": n_seeds,
        "n_test": n_test,
        "n_drawn": len(rows),
        "latent_dim": panels["latentDim"],
        "columns": colours,
        "columns_given": bool(held_out),
        "missing_colour": MISSING,
        "sections": arm_sections(report),
        "settings": setting_lines(report.settings),
        "figures": figures,
        "data": {"latents": panels, "figures": figures},
    }


def _digest(script: str) -> str:
    """The hash by which the page's security policy lets this script run, and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
