"""Ranges in pyproject.toml, the pins of the newest versions and of the lowest: they agree."""

from __future__ import annotations

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from .pins import LOWEST, NEWEST, all_requirements, pins, wanted_by

REQUIREMENTS = all_requirements()
FILES = pytest.mark.parametrize("file", [NEWEST, LOWEST], ids=lambda file: file.name)


def test_a_requirement_is_a_lower_bound_and_nothing_else() -> None:
    bounds = {str(r): [clause.operator for clause in r.specifier] for r in REQUIREMENTS}
    assert {name: found for name, found in bounds.items() if found != [">="]} == {}


def test_a_package_has_the_same_bound_in_every_extra() -> None:
    bounds: dict[str, set[str]] = {}
    for requirement in REQUIREMENTS:
        bounds.setdefault(requirement.name, set()).add(str(requirement.specifier))
    assert {name: found for name, found in bounds.items() if len(found) > 1} == {}


@FILES
def test_pins_are_within_the_ranges(file) -> None:
    pinned = pins(file)
    outside = [
        str(r) for r in REQUIREMENTS if pinned[canonicalize_name(r.name)] not in r.specifier
    ]
    assert outside == []


def test_the_lowest_version_that_is_allowed_is_the_one_that_is_run() -> None:
    pinned = pins(LOWEST)
    never_run = [
        f"{r}, but {pinned[canonicalize_name(r.name)]} is run"
        for r in REQUIREMENTS
        for clause in r.specifier
        if Version(clause.version) != pinned[canonicalize_name(r.name)]
    ]
    assert never_run == []


@FILES
def test_every_pin_is_of_a_package_that_the_project_brings(file) -> None:
    wanted, reached, size = wanted_by(file), {"topopert (pyproject.toml)"}, 0
    while len(reached) > size:
        size = len(reached)
        reached |= {name for name, by in wanted.items() if reached & set(by)}
    assert sorted(wanted.keys() - reached) == []
