"""Inputs that the fuzzer found worth keeping, former crashers among them, are read or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from .mutation import mutate
from .seeds import seeds
from .targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())

# NumPy's own, of numbers out of range and of headers that Python 2 wrote.
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:Reading `.npy` or `.npz` file required additional"),
]


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_has_a_corpus(target: str) -> None:
    assert list((CORPUS / target).iterdir())


def test_the_corpus_stays_small() -> None:
    assert sum(path.stat().st_size for path in INPUTS) < 200_000


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_kept_input_is_read_or_refused(tmp_path, path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes(), tmp_path)


@pytest.mark.parametrize("target", ["npy", "npz", "delimited", "parquet"])
def test_mutations_of_good_files_are_read_or_refused(tmp_path, target: str) -> None:
    """A hundred of them without a fuzzer, which also keeps the mutator itself alive."""

    def cut(data: bytes, largest: int) -> bytes:
        return data[: max(1, len(data) * 3 // 4)][:largest]

    good = seeds(target)
    for seed in range(100):
        data = mutate(target, good[seed % len(good)], 20_000, seed, cut)
        TARGETS[target](data, tmp_path)
