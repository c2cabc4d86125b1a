"""What the documents for developers say is there, is there, and of this version."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import topopert as tp

from .pins import PROJECT, ROOT

PACKAGE = Path(tp.__file__).parent
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
CITATION = (ROOT / "CITATION.cff").read_text()


def test_contributing_maps_every_folder_of_the_package_and_no_other() -> None:
    folders = {path.parent.relative_to(PACKAGE) for path in PACKAGE.rglob("__init__.py")}
    mapped = re.findall(r"^\| `([a-z_/]+)/` \|", CONTRIBUTING, re.MULTILINE)
    assert sorted(mapped) == sorted(f.as_posix() for f in folders if f != Path())


def test_contributing_names_every_file_at_the_top_of_the_package() -> None:
    files = [p.name for p in PACKAGE.glob("*.py") if p.name != "__init__.py"]
    assert [name for name in files if f"`{name}`" not in CONTRIBUTING] == []


def test_contributing_draws_the_layers_that_import_linter_checks() -> None:
    (contract,) = PROJECT["tool"]["importlinter"]["contracts"]
    (drawing,) = re.findall(r"```text\n(.*?)```", CONTRIBUTING, re.DOTALL)
    # Remarks stand at some distance behind a layer.
    assert [line.split("  ")[0] for line in drawing.splitlines()] == contract["layers"]


def test_commands_that_contributing_names_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"`make ([a-z-]+)`", CONTRIBUTING))
    assert len(targets) > 5
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
    modules = set(re.findall(r"`python -m ([a-z._]+)", CONTRIBUTING))
    assert modules
    assert [m for m in modules if importlib.util.find_spec(f"{m}.__main__") is None] == []


def test_files_that_contributing_names_exist() -> None:
    paths = set(
        re.findall(r"`((?:tests|examples|paper_figures|comparison)/[\w/.]*)`", CONTRIBUTING)
    )
    assert len(paths) > 5
    roots = (ROOT, PACKAGE)
    assert [p for p in paths if not any((root / p).exists() for root in roots)] == []


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CITATION.cff"])
def test_the_version_is_that_of_the_package(name) -> None:
    text = (ROOT / name).read_text()
    said = re.search(r"^(?:## \[|version: )(\d[\w.]*)", text, re.MULTILINE)
    assert said is not None
    assert said[1] == tp.__version__


def test_citation_and_changelog_have_the_same_day() -> None:
    (day,) = re.findall(r'^date-released: "(.*)"$', CITATION, re.MULTILINE)
    assert f"## [{tp.__version__}] - {day}" in (ROOT / "CHANGELOG.md").read_text()
