"""What the project asks for, what it pins, and what is installed."""

from __future__ import annotations

import re
import sysconfig
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Each is what `make pins` resolves: the newest versions, and the lowest that are allowed.
NEWEST, LOWEST = ROOT / "constraints.txt", ROOT / "constraints-lowest.txt"
PIN = re.compile(r"^([\w.-]+)==(\S+)(?:\s+# via (.*))?$", re.MULTILINE)
# What a new environment brings, what is tested, and what a build of PyTorch for CUDA adds.
NO_PINS = re.compile(r"pip|setuptools|topopert|nvidia-.*|cuda-.*|triton")


def requirements(*extras: str) -> list[Requirement]:
    """What the package requires, and what these extras do."""
    optional = PROJECT["project"]["optional-dependencies"]
    lines = [line for extra in extras for line in optional[extra]]
    return [Requirement(line) for line in PROJECT["project"]["dependencies"] + lines]


def all_requirements() -> list[Requirement]:
    return requirements(*PROJECT["project"]["optional-dependencies"])


def pins(path: Path) -> dict[str, Version]:
    """The version of each package that a file pins, by canonical name."""
    return {canonicalize_name(name): Version(v) for name, v, _ in PIN.findall(path.read_text())}


def wanted_by(path: Path) -> dict[str, list[str]]:
    """The packages that want each pin, as the resolver noted them behind it."""
    return {name: re.split(r",\s*", via) for name, _, via in PIN.findall(path.read_text())}


def installed() -> dict[str, metadata.Distribution]:
    """The packages of this environment, by canonical name; not what PYTHONPATH adds to them."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    found = metadata.distributions(path=list(dict.fromkeys(folders)))
    return {canonicalize_name(package.metadata["Name"]): package for package in found}


def unpinned(path: Path) -> list[str]:
    """Installed packages that a file does not pin to the version that is installed."""
    pinned = pins(path)
    return [
        f"{name} {package.version}"
        for name, package in sorted(installed().items())
        if not NO_PINS.fullmatch(name)
        # The part behind `+` names a build of the same release.
        and pinned.get(name) != Version(Version(package.version).public)
    ]


def closure(wanted: list[Requirement]) -> set[str]:
    """All installed packages that requirements bring, by what the packages say themselves."""
    packages, reached = installed(), set()
    todo = [(canonicalize_name(r.name), frozenset(r.extras)) for r in wanted if applies(r)]
    while todo:
        name, extras = todo.pop()
        if (name, extras) not in reached and name in packages:
            reached.add((name, extras))
            for line in packages[name].requires or []:
                requirement = Requirement(line)
                if applies(requirement, extras):
                    key = canonicalize_name(requirement.name), frozenset(requirement.extras)
                    todo.append(key)
    return {name for name, _ in reached}


def applies(requirement: Requirement, extras: frozenset[str] = frozenset()) -> bool:
    """Whether a requirement holds in this environment, with one of these extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in {"", *extras})
