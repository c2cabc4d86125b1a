"""The API documentation: built without a warning, of all that is public and of that alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import topopert as tp

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def docs(tmp_path_factory) -> Path:
    """The pages; a process of its own, for the build imports what is optional."""
    pytest.importorskip("pdoc", reason="needs the extra `docs`")
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "tests.api_docs", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_public_name_has_its_entry(docs) -> None:
    page = (docs / "topopert.html").read_text()
    described = set(re.findall(r'<section id="([^"]+)"', page))
    pages = {path.stem for path in (docs / "topopert").glob("*.html")}
    assert set(tp.__all__) <= described | pages


def test_no_private_module_has_a_page(docs) -> None:
    for path in docs.rglob("*.html"):
        parts = path.relative_to(docs).with_suffix("").parts
        if parts in (("index",), ("topopert",), ("topopert", "plotting")):
            continue  # plotting is public, and imported explicitly
        *packages, name = parts
        parent = tp
        for package in packages[1:]:
            parent = getattr(parent, package)
        assert name in parent.__all__
        assert getattr(parent, name).__name__ == ".".join(parts)


def test_no_link_leads_to_a_page_that_is_not_there(docs) -> None:
    for path in docs.rglob("*.html"):
        for link in re.findall(
            r'<(?:a|link|script)[^>]* (?:href|src)="([^"]*)"', path.read_text()
        ):
            file = link.partition("#")[0]
            # `${url}` is what the page's own script fills in.
            if file and not file.startswith(("http", "data:", "${")):
                assert (path.parent / file).resolve().exists(), (path.name, link)


def test_the_first_page_is_the_readme_with_its_pictures(docs) -> None:
    page = (docs / "topopert.html").read_text()
    readme = (ROOT / "README.md").read_text()
    for heading in re.findall(r"^## (.+)$", readme, flags=re.MULTILINE):
        assert f">{heading}</h2>" in page
    assert len(re.findall(r'<img src="data:image/png', page)) >= readme.count(".png)")


def test_fields_are_described_by_the_comments_behind_them(docs) -> None:
    page = (docs / "topopert" / "comparison.html").read_text()
    field = page.partition('<div id="Arm.kl_per_axis"')[2].partition("</div>\n")[2]
    assert "Nats per point, (K, d)." in field[:500]
