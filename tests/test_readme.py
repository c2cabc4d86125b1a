"""README's code runs as it stands, and its files are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

README = Path(__file__).parent.parent / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


@pytest.mark.slow
def test_code_blocks_run_one_after_the_other(capsys) -> None:
    namespace: dict = {}
    with torch.random.fork_rng(devices=[]):  # the quickstart draws from the global stream
        for block in BLOCKS:
            exec(block, namespace)
    assert len(BLOCKS) == 5
    assert torch.isfinite(namespace["loss"])
    assert len(namespace["handle"].energies) == 50
    assert namespace["neg_elbo"].mean() < 50
    assert namespace["spectrum"].levels[0] == 0
    assert namespace["images"].shape == (len(namespace["path"].points), 64)
    assert "verdict: " in capsys.readouterr().out


def test_pictures_exist() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README.read_text())
    assert len(pictures) >= 3
    missing = [p for p in pictures if not (README.parent / p).is_file()]
    assert missing == []


def test_commands_exist() -> None:
    makefile = (README.parent / "Makefile").read_text()
    for target in set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", README.read_text(), re.M)):
        name = target[0] or target[1]
        assert re.search(rf"^{name}:", makefile, re.M), name
