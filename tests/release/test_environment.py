"""The environment that `make` builds: pinned whole, free to ship, and open to newer versions."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .pins import NEWEST, NO_PINS, applies, closure, installed, requirements, unpinned

# `.venv` holds these extras; what `make test-integrations` brings has an environment of its own.
EXTRAS = ("html", "lint", "plot", "test")
SHIPPED = closure(requirements("html", "plot"))
# Packages without a word on their licence in their metadata, and what it is.
UNDECLARED = {"gudhi": "MIT; of its modules those on CGAL are under the GPL, and we use none"}
# SciPy's releases cap NumPy a few minor versions ahead, which pip resolves by a newer SciPy.
CAP_NUMPY = {"scipy"}


def licence(name: str) -> str:
    """What a package says of its licence, without the licence's text."""
    about = installed()[name].metadata
    expression = str(about.get("License-Expression") or "")
    first_line = str(about.get("License") or "").strip().partition("\n")[0]
    classifiers = [c for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    return " ".join([expression, first_line, *classifiers]).strip()


def capped(specifier: str) -> bool:
    return any(clause.operator in ("<", "<=", "==", "~=") for clause in SpecifierSet(specifier))


def test_every_installed_package_is_pinned() -> None:
    assert unpinned(NEWEST) == []


def test_every_installed_package_is_brought_by_a_requirement() -> None:
    brought = closure(requirements(*EXTRAS))
    assert sorted(n for n in installed().keys() - brought if not NO_PINS.fullmatch(n)) == []


def test_every_requirement_of_an_installed_package_is_met() -> None:
    packages = installed()
    unmet = [
        f"{name} wants {line}, found {packages[wanted].version if wanted in packages else None}"
        for name, package in packages.items()
        for line in package.requires or []
        if applies(requirement := Requirement(line))
        for wanted in [re.sub(r"[-_.]+", "-", requirement.name).lower()]
        if wanted not in packages or packages[wanted].version not in requirement.specifier
    ]
    assert unmet == []


def test_no_licence_binds_the_user() -> None:
    named = {name: licence(name) for name in closure(requirements(*EXTRAS))}
    assert {name for name, said in named.items() if not said} == UNDECLARED.keys()
    # The LGPL would do, but nothing here is under it.
    assert {name: said for name, said in named.items() if re.search("GPL|Affero", said)} == {}


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_what_is_shipped_caps_neither_python_nor_numpy(name) -> None:
    package = installed()[name]
    assert not capped(str(package.metadata.get("Requires-Python") or ""))
    caps = [
        line
        for line in package.requires or []
        if (requirement := Requirement(line)).name == "numpy"
        and applies(requirement)
        and capped(str(requirement.specifier))
    ]
    assert bool(caps) == (name in CAP_NUMPY), caps
