"""Examples in docstrings and in the command line's help do what they show."""

from __future__ import annotations

import doctest
import importlib
import shlex
from pathlib import Path

import pytest
import torch

import topopert as tp
from topopert.cli.compare import compare
from topopert.cli.diagrams import diagrams
from topopert.cli.spectrum import spectrum

PACKAGE = Path(tp.__file__).parent
WITH_EXAMPLES = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text()]
COMMANDS = {"compare": compare, "diagrams": diagrams, "spectrum": spectrum}
HELP = [
    line.strip()
    for command in COMMANDS.values()
    for line in (command.epilog or "").splitlines()
    if line.strip().startswith("topopert ")
]


def test_some_docstrings_have_examples() -> None:
    assert len(WITH_EXAMPLES) >= 5


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_docstring_examples_give_what_they_show(path) -> None:
    name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    with torch.random.fork_rng(devices=[]):
        found = doctest.testmod(importlib.import_module(name), raise_on_error=False)
    assert found.attempted > 0
    assert found.failed == 0, "pytest shows above what an example gave"


@pytest.mark.parametrize("line", HELP)
def test_commands_in_the_help_are_read_by_the_command_line(line) -> None:
    _, name, *arguments = shlex.split(line)
    with COMMANDS[name].make_context(name, arguments) as context:
        assert context.params
