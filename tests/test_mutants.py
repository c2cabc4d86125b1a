"""The faults that `python -m tests.mutants` makes can still be made."""

from __future__ import annotations

from pathlib import Path

import pytest

import topopert
from tests.mutants.faults import FAULTS, Fault

PACKAGE = Path(topopert.__file__).parent


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.line}")
def test_the_line_is_there_once(fault: Fault) -> None:
    text = (PACKAGE / fault.file).read_text()
    assert text.count(fault.line) == 1
    compile(text.replace(fault.line, fault.wrong), fault.file, "exec")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.line}")
def test_its_tests_are_there(fault: Fault) -> None:
    tests = Path(__file__).parent
    assert all((tests / path).exists() for path in fault.tests.split())
