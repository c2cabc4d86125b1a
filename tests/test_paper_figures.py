"""The figures of the paper: their cache, their bytes, and a text that says what they say."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from paper_figures import cache, produce, style
from paper_figures.__main__ import FIGURES

PAPER_FIGURES = Path(produce.__file__).parent
SOURCE = '''
"""A figure."""

from __future__ import annotations

import numpy as np
from os.path import join

from .cases import CASES
from .style import RED

FACTOR = 2


def compute(n, calls):
    """Even numbers, each call noted."""
    with open(calls, "a") as file:
        file.write("x")
    return {"values": FACTOR * np.arange(n)}  # doubled


def draw(data):
    return None
'''
# Thresholds and settings that the text may name by itself; all other figures are results.
ALLOWED = {"95 %", "1 %", "0.02", "70 %", "0.01"}


class Figure:
    """A figure's module on disk, which a test may rewrite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "cases.py").write_text("CASES = 1\n")
        self.calls = folder / "calls"
        self.write(SOURCE)

    def write(self, source: str) -> None:
        (self.folder / "fig0_test.py").write_text(source)

    def load(self) -> ModuleType:
        # The relative import is only read, never run.
        source = (self.folder / "fig0_test.py").read_text().replace("from .", "# from .")
        module = ModuleType("fig0_test")
        path = self.folder / "fig0_test.py"
        exec(compile(source, str(path), "exec"), module.__dict__)
        return module

    def values(self, n: int = 3, **options: bool) -> list[int]:
        found = cache.cached(
            self.load().compute, folder=self.folder, n=n, calls=str(self.calls), **options
        )
        return found["values"].tolist()

    @property
    def n_computed(self) -> int:
        return len(self.calls.read_text())


@pytest.fixture
def figure(tmp_path: Path) -> Figure:
    return Figure(tmp_path)


def test_a_second_call_reads_the_cache(figure) -> None:
    assert figure.values() == figure.values() == [0, 2, 4]
    assert figure.n_computed == 1


def test_recompute_computes(figure) -> None:
    figure.values()
    figure.values(recompute=True)
    assert figure.n_computed == 2


def test_another_setting_is_another_entry_and_replaces_the_first(figure) -> None:
    figure.values()
    assert figure.values(n=2) == [0, 2]
    assert figure.n_computed == 2
    assert len(list(figure.folder.glob("*.npz"))) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# doubled", "# twice"),
        ('"""Even numbers, each call noted."""', '"""Numbers."""'),
        ("return None", "return 1"),
        ("from .style import RED", "from .style import BLUE"),
        ("from os.path import join", "from posixpath import join"),
    ],
)
def test_comments_docstrings_and_drawing_do_not_count(figure, old, new) -> None:
    figure.values()
    assert old in SOURCE
    figure.write(SOURCE.replace(old, new))
    figure.values()
    assert figure.n_computed == 1


def test_a_constant_counts(figure) -> None:
    figure.values()
    figure.write(SOURCE.replace("FACTOR = 2", "FACTOR = 3"))
    assert figure.values() == [0, 3, 6]


def test_another_name_from_a_library_counts(figure) -> None:
    figure.values()
    figure.write(SOURCE.replace("import join", "import split"))
    figure.values()
    assert figure.n_computed == 2


def test_a_neighbour_that_is_imported_counts(figure) -> None:
    figure.values()
    (figure.folder / "cases.py").write_text("CASES = 2\n")
    figure.values()
    assert figure.n_computed == 2


def test_settings_and_versions_lie_beside_the_arrays(figure) -> None:
    figure.values()
    (record,) = figure.folder.glob("*.json")
    written = json.loads(record.read_text())
    assert written["settings"] == {"n": 3, "calls": str(figure.calls)}
    assert written["versions"]["numpy"] == np.__version__
    assert written["shapes"] == {"values": [3]}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_computes_and_draws_apart(name) -> None:
    module = importlib.import_module(f"paper_figures.{name}")
    assert set(inspect.signature(module.compute).parameters) == set(module.SETTINGS)
    for function in (module.draw, module.claims):
        assert list(inspect.signature(function).parameters) == ["data"]
    tree = ast.parse(Path(module.__file__).read_text())
    for node in tree.body:
        if not getattr(node, "name", "").lstrip("_").startswith("draw"):
            assert "matplotlib" not in ast.unparse(node)


def cost() -> dict[str, np.ndarray]:
    """Arrays for the cheapest figure."""
    rng = np.random.default_rng(0)
    middle = 1 + rng.uniform(0.1, 0.3, size=(2, 3, 2, 1))
    return {
        "overhead": np.concatenate([middle, middle - 0.05, middle + 0.05], axis=-1),
        "batch_sizes": np.array([64, 256, 1024]),
        "input_dims": np.array([20, 784]),
        "n_points": np.array([1000, 10_000]),
        "fit_seconds": np.array([1.0, 2.0]),
    }


def test_the_same_figure_gives_the_same_bytes(tmp_path) -> None:
    from topopert.plotting import new_figure

    for name in ("a", "b"):
        with style.style():
            figure = new_figure(1.0, 1.0)
            ax = figure.subplots()
            ax.scatter([0, 1], [0, 1], rasterized=True)
            ax.set(xlabel="λ (nats)", ylabel="$E_k$")
            style.save(figure, tmp_path / name)
    for suffix in (".pdf", ".png"):
        first, second = (tmp_path.joinpath(f"{name}{suffix}").read_bytes() for name in "ab")
        assert first == second


def test_the_look_touches_no_global_setting() -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with style.style():
        assert mpl.rcParams["font.size"] != before["font.size"]
    assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_two_processes_give_the_same_bytes(tmp_path) -> None:
    code = (
        "import sys; from tests.test_paper_figures import cost; from pathlib import Path;"
        "from paper_figures import fig11_cost, style\n"
        "with style.style(): style.save(fig11_cost.draw(cost()), Path(sys.argv[1]))"
    )
    for seed in "12":  # of Python's hashes, which decide the order of sets
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / seed)],
            check=True,
            cwd=PAPER_FIGURES.parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
    for suffix in (".pdf", ".png"):
        first, second = (tmp_path.joinpath(f"{name}{suffix}").read_bytes() for name in "12")
        assert first == second


def results() -> dict[str, dict[str, str]]:
    return json.loads(produce.RESULTS.read_text())


def test_the_paper_says_what_the_results_say() -> None:
    assert produce.rendered(produce.TEMPLATE.read_text(), results()) == produce.PAPER.read_text()


def test_a_gap_without_a_result_is_an_error() -> None:
    with pytest.raises(KeyError):
        produce.rendered("{{fig1_degeneracy.nothing}}", results())


def test_the_text_has_no_results_of_its_own() -> None:
    text = produce.TEMPLATE.read_text().split("## References")[0]
    text = re.sub(r"\{\{[^}]*\}\}|\]\([^)]*\)|`[^`]*`|\*\*Figure \d+\.\*\*", "", text)
    numbers = set(re.findall(r"\d+(?:\.\d+)? %|\d+\.\d+", text))
    assert numbers <= ALLOWED


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_there_and_shown(name) -> None:
    text = produce.PAPER.read_text()
    assert f"](out/{name}.png)" in text
    for suffix in (".pdf", ".png"):
        assert (produce.OUT / f"{name}{suffix}").stat().st_size > 1000
    assert set(results()[name])
