"""From a figure's name to its files: computed or read from the cache, drawn, its claims noted."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path

from topopert.storage import replacing

from .cache import cached
from .style import save, style

__all__ = ["OUT", "PAPER", "RESULTS", "TEMPLATE", "figure_main", "note", "produce", "rendered"]

HERE = Path(__file__).parent
OUT = HERE / "out"
RESULTS = OUT / "results.json"
TEMPLATE, PAPER = HERE / "paper.template.md", HERE / "README.md"

_GAP = re.compile(r"\{\{([a-z0-9_.]+)\}\}")


def produce(name: str, *, recompute: bool = False) -> None:
    """Make a figure's pictures and note what it says in numbers.

    Args:
        name: Of a module with SETTINGS, `compute`, `draw` and `claims`.
        recompute: Whether to compute although the cache has it.
    """
    module = import_module(f"{__package__}.{name}")
    data = cached(module.compute, recompute=recompute, **module.SETTINGS)
    with style():
        save(module.draw(data), OUT / name)
    note(name, module.claims(data))


def note(name: str, claims: dict[str, str]) -> None:
    """Keep the claims of a figure or table among the results."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = claims
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with replacing(RESULTS) as file:
        text = json.dumps(results, indent=1, sort_keys=True, ensure_ascii=False)
        file.write(text.encode() + b"\n")


def rendered(template: str, results: dict[str, dict[str, str]]) -> str:
    """The template with each {{figure.claim}} replaced by the result of that name.

    Raises:
        KeyError: If a gap names no result.
    """

    def value(match: re.Match[str]) -> str:
        figure, _, claim = match[1].partition(".")
        return results[figure][claim]

    return _GAP.sub(value, template)


def write_paper() -> None:
    """Write the paper from its template and the results."""
    results = json.loads(RESULTS.read_text())
    with replacing(PAPER) as file:
        file.write(rendered(TEMPLATE.read_text(), results).encode())


def figure_main(name: str) -> None:
    """The command of one figure; `--recompute` is its only flag."""
    arguments = sys.argv[1:]
    if arguments not in ([], ["--recompute"]):
        sys.exit(f"usage: python -m paper_figures.{name} [--recompute]")
    produce(name, recompute=bool(arguments))
