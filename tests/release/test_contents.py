"""The sdist holds the project and the wheel the package, whole and with nothing beside."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import topopert as tp

from .building import build_sdist, build_wheel
from .pins import PROJECT, ROOT

pytestmark = pytest.mark.slow

# Beside the project's own files: the metadata.
ADDED = {"PKG-INFO"}


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return build_sdist(tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build_wheel(source, tmp_path_factory.mktemp("wheel")))


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def project_files() -> set[str]:
    """What git would commit; an unpacked sdist, which has no history, is held to itself."""
    if not (ROOT / ".git").exists():
        return files(ROOT) - ADDED
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def test_the_sdist_is_the_project(source) -> None:
    assert files(source) - ADDED == project_files()


@pytest.mark.parametrize(
    "name",
    [
        "paper_figures/out/results.json",
        "paper_figures/paper.template.md",
        "paper_figures/readme/digits_latents.png",
        "tests/comparison/metrics/data/spheres.npz",
        "constraints-lowest.txt",
    ],
)
def test_the_sdist_holds_what_its_tests_read(source, name) -> None:
    assert (source / name).is_file()


def test_nothing_that_was_made_on_the_way_is_packed(source, wheel) -> None:
    made = ("__pycache__", ".pyc", "egg-info", "_cache/", ".venv", ".hypothesis", "figures/cache/")
    names = files(source) | set(wheel.namelist())
    assert [name for name in names if any(part in name for part in made)] == []


def test_the_wheel_is_the_package(source, wheel) -> None:
    about = f"topopert-{tp.__version__}.dist-info/"
    package = {f"topopert/{name}" for name in files(source / "topopert")}
    assert {name for name in wheel.namelist() if not name.startswith(about)} == package
    assert {"topopert/py.typed", "topopert/comparison/web/templates/report.html"} <= package
    assert f"{about}licenses/LICENSE" in wheel.namelist()
    scripts = wheel.read(f"{about}entry_points.txt").decode()
    assert "topopert = topopert.cli:main" in scripts


def test_metadata_are_valid_and_complete(wheel) -> None:
    raw = wheel.read(f"topopert-{tp.__version__}.dist-info/METADATA")
    found = Metadata.from_email(raw, validate=True)  # raises on whatever the standard forbids
    assert (found.name, str(found.version)) == ("topopert", tp.__version__)
    assert str(found.requires_python) == PROJECT["project"]["requires-python"]
    assert (found.license_expression, found.license_files) == ("MIT", ["LICENSE"])
    assert found.description_content_type == "text/markdown"
    assert (found.description or "").startswith("# topopert")
    assert found.summary
    assert found.keywords
    assert set(found.provides_extra or []) == PROJECT["project"]["optional-dependencies"].keys()
    assert "Typing :: Typed" in (found.classifiers or [])
