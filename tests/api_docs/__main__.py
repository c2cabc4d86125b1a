"""Build the API documentation into docs/, README its first page; a warning is an error."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import topopert
from topopert._lazy import require

ROOT = Path(__file__).parents[2]
# `plotting` is imported explicitly, so the package's `__all__` does not lead to it.
DOCUMENTED = ("topopert", "topopert.plotting")
FIELD = re.compile(r"^    (\w+): .*\S  # (.+)$", re.MULTILINE)


def first_page() -> str:
    """README as the package's docstring: pdoc embeds its pictures, relative to the package."""
    text = (ROOT / "README.md").read_text()
    text = text.replace("# topopert\n", "", 1)  # the page has its title
    text = re.sub(r"(!\[[^\]]*\]\()(?!http)", r"\1../", text)
    # Files of the repository are no pages: their links are left as text.
    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!http|#)[^)]*\)", r"\1", text)


def public_modules(module: ModuleType) -> Iterator[ModuleType]:
    """The module, and what its `__all__` leads to."""
    yield module
    if hasattr(module, "__path__"):
        for name in module.__all__:
            member = getattr(module, name)
            if isinstance(member, ModuleType):
                yield from public_modules(member)


def shadowed(module: ModuleType) -> Iterator[str]:
    """Files that hold a public function of their own name: of the two, the function is public."""
    if hasattr(module, "__path__"):
        for name in module.__all__:
            file = importlib.util.find_spec(f"{module.__name__}.{name}")
            if file is not None and not isinstance(getattr(module, name), ModuleType):
                yield file.name


def complete(described: Any) -> None:
    """Give fields the comments behind them, and take from constructors what they inherit.

    Args:
        described: A class as pdoc sees it.
    """
    comments = dict(FIELD.findall(inspect.getsource(described.obj)))
    for member in described.own_members:
        if member.name in comments and not member.docstring:
            member.docstring = f"{comments[member.name][0].upper()}{comments[member.name][1:]}."
        if member.name == "__init__" and member.obj.__doc__ is None:
            member.docstring = ""


def build(folder: Path) -> None:
    """Write the pages, one a public module, and the index of the search."""
    pdoc, render = require("pdoc", extra="docs"), require("pdoc.render", extra="docs")
    modules = [m for name in DOCUMENTED for m in public_modules(importlib.import_module(name))]
    warnings.simplefilter("error")  # pdoc's; what others' packages say on import is their matter
    for module in modules:
        for described in pdoc.doc.Module.from_name(module.__name__).classes:
            complete(described)
    topopert.__doc__ = first_page()
    hidden = [f"!{re.escape(name)}$" for module in modules for name in shadowed(module)]
    render.configure(
        docformat="google",
        footer_text=f"topopert {topopert.__version__}",
        template_directory=Path(__file__).with_name("template"),
    )
    pdoc.pdoc(*DOCUMENTED, *hidden, output_directory=folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs")
