"""Importing topopert changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import topopert

CODE = """
import sys, numpy, torch, logging
rng, dtype, threads = torch.get_rng_state(), torch.get_default_dtype(), torch.get_num_threads()
state, handlers = numpy.random.get_state()[1].copy(), list(logging.root.handlers)
import topopert
assert "matplotlib" not in sys.modules, "matplotlib was imported"
assert "click" not in sys.modules
assert torch.equal(rng, torch.get_rng_state()) and dtype == torch.get_default_dtype()
assert threads == torch.get_num_threads() and handlers == logging.root.handlers
assert (state == numpy.random.get_state()[1]).all()
"""


# Over 2 s: a fresh interpreter imports torch.
@pytest.mark.slow
def test_import_has_no_side_effects() -> None:
    subprocess.run([sys.executable, "-c", CODE], check=True)


def test_every_public_name_exists() -> None:
    missing = [name for name in topopert.__all__ if not hasattr(topopert, name)]
    assert missing == []
    assert sorted(topopert.__all__) == topopert.__all__
