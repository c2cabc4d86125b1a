from __future__ import annotations

import importlib

import numpy as np
import pytest

import topopert as tp
from topopert import plotting


def test_significant_bars_are_ringed() -> None:
    diagram = tp.PersistenceDiagram(
        pairs=np.array([[0.1, 1.0], [0.2, 0.3]]), essential=np.empty(0), homology_dim=1
    )
    feature = tp.TopologicalFeature(homology_dim=1, birth=0.1, death=1.0, p_value=0.0)
    ax = plotting.new_axes()
    assert plotting.plot_diagrams([diagram], [feature], ax=ax) is ax
    dots, rings = ax.collections
    assert dots.get_offsets().shape == (2, 2)
    np.testing.assert_allclose(rings.get_offsets(), [[0.1, 1.0]])


def test_disparities_stand_on_a_log_axis_with_their_intervals() -> None:
    bars = [tp.Estimate(1.0, 0.8, 1.2), tp.Estimate(0.001, 0.0005, 0.002)]
    ax = plotting.plot_disparities(["baseline", "perturbed"], {"a": bars, "b": bars})
    assert ax.get_yscale() == "log"
    assert [patch.get_height() for patch in ax.patches] == [1.0, 0.001, 1.0, 0.001]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["baseline", "perturbed"]


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_grid_has_a_panel_per_seed_and_arm(rng, dim: int) -> None:
    latents = rng.normal(size=(4, 50, dim))
    figure = plotting.plot_latents_grid(
        {"baseline": latents, "perturbed": latents},
        rng.uniform(0, 6, 50),
        colour_label="angle",
        cyclic=dim == 3,
    )
    figure.draw_without_rendering()
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    assert len(panels) == 8
    assert {ax.name for ax in panels} == {"3d" if dim >= 3 else "rectilinear"}


def test_without_matplotlib_the_error_names_the_extra(monkeypatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name.partition(".")[0])

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(tp.MissingDependencyError, match=r"topopert\[plot\]"):
        plotting.new_axes()
