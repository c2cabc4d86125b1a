"""The still figures of the page as plotly.js takes them: plain dictionaries, nothing missing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .palettes import ARMS, HOMOLOGY

if TYPE_CHECKING:
    from topopert.comparison.report import ComparisonReport
    from topopert.records import Estimate

__all__ = ["curves_figure", "diagrams_figure", "disparities_figure"]

_FLOOR = 1e-6  # a disparity of 0 has no place on a log axis; the page names this
_DISPARITIES = {
    "disparity": ("gauge-dependent", "circle", "#0072b2"),
    "invariant_disparity": ("up to rotations", "diamond", "#d55e00"),
    "cca_disparity": ("up to linear maps", "square", "#009e73"),
}
_TEXT = {"size": 13}
_GRID = {"gridcolor": "#e4e4e4", "zeroline": False, "linecolor": "#888", "tickfont": _TEXT}
# Arms may lie on top of each other: through the gaps of one the other is seen.
_DASHES = ("solid", "solid", "dash", "dot", "dashdot", "8px,3px", "8px,2px,2px,2px")


def disparities_figure(report: ComparisonReport) -> dict[str, Any] | None:
    """Disparities with 95 % intervals on a log axis, an arm a line; None if no arm has any."""
    arms = [(name, arm.metrics) for name, arm in report.arms.items() if arm.metrics is not None]
    if not arms:
        return None
    traces = []
    for row, (field, (label, symbol, colour)) in enumerate(_DISPARITIES.items()):
        estimates: list[Estimate] = [getattr(metrics, field) for _, metrics in arms]
        drawn = [max(e.value, _FLOOR) for e in estimates]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label,
                "x": drawn,
                "y": [index + 0.22 * (row - 1) for index in range(len(arms))],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [_number(e.high - x) for e, x in zip(estimates, drawn, strict=True)],
                    "arrayminus": [
                        _number(x - max(e.low, _FLOOR))
                        for e, x in zip(estimates, drawn, strict=True)
                    ],
                    "thickness": 1.6,
                    "width": 4,
                },
                "text": [
                    f"{name}, {label}: {e}" for (name, _), e in zip(arms, estimates, strict=True)
                ],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {"color": colour, "symbol": symbol, "size": 9},
            }
        )
    return {
        "data": traces,
        "layout": {
            "height": 130 + 66 * len(arms),
            "xaxis": {
                **_GRID,
                "type": "log",
                "dtick": 1,
                "exponentformat": "power",
                "title": _title("disparity, 95 % interval"),
            },
            "yaxis": {
                **_GRID,
                "showgrid": False,
                "range": [len(arms) - 0.5, -0.5],
                "tickvals": list(range(len(arms))),
                "ticktext": [name for name, _ in arms],
                "automargin": True,
            },
            **_threshold(report),
        },
    }


def curves_figure(report: ComparisonReport) -> dict[str, Any] | None:
    """Training loss, mean and range over the seeds of each arm; None if nothing was recorded."""
    traces: list[dict[str, Any]] = []
    lowest, highest = math.inf, -math.inf
    for index, (name, arm) in enumerate(report.arms.items()):
        curve = arm.learning_curve[:, arm.finite]
        # Rows that a diverging step has spoilt have no mean.
        rows = np.flatnonzero(np.isfinite(curve).all(axis=1)) if curve.size else np.arange(0)
        if not len(rows):
            continue
        share = 100 * (rows + 0.5) / len(curve)
        kept = curve[rows]
        lowest, highest = min(lowest, float(kept.min())), max(highest, float(kept.max()))
        colour = ARMS[index % len(ARMS)]
        common = {"type": "scatter", "mode": "lines", "legendgroup": name}
        traces += [
            {
                **common,
                "x": _numbers(np.concatenate([share, share[::-1]])),
                "y": _numbers(np.concatenate([kept.max(axis=1), kept.min(axis=1)[::-1]])),
                "fill": "toself",
                "fillcolor": _faint(colour),
                "line": {"width": 0},
                "hoverinfo": "skip",
                "showlegend": False,
            },
            {
                **common,
                "x": _numbers(share),
                "y": _numbers(kept.mean(axis=1)),
                "name": name,
                "line": {"color": colour, "width": 2, "dash": _DASHES[index % len(_DASHES)]},
                "hovertemplate": "%{x:.0f} %: %{y:.4g} nats",
            },
        ]
    if not traces:
        return None
    return {
        "data": traces,
        "layout": {
            "height": 400,
            "xaxis": {
                **_GRID,
                "title": _title("share of training, %"),
                "range": [0, 100],
                "tickvals": [0, 25, 50, 75, 100],
            },
            "yaxis": {
                **_GRID,
                # A Gaussian of learned variance has losses below 0, which a log axis cannot show.
                "type": "log" if lowest > 0 else "linear",
                "tickformat": ".3~g",
                **({"dtick": "D2"} if 0 < 5 * lowest < highest else {}),
                "title": _title("training loss, nats"),
            },
        },
    }


def diagrams_figure(report: ComparisonReport) -> dict[str, Any] | None:
    """Birth against death, significant classes ringed; None if no topology was fitted."""
    if not report.diagrams:
        return None
    ends = [d.pairs.max(initial=0.0) for d in report.diagrams]
    longest = float(max(*ends, 0.0)) or 1.0
    never = 1.1 * longest
    traces: list[dict[str, Any]] = []
    for diagram in report.diagrams:
        dim = diagram.homology_dim
        colour = HOMOLOGY[dim % len(HOMOLOGY)]
        symbol = ("circle", "triangle-up", "square")[dim % 3]
        births = np.concatenate([diagram.pairs[:, 0], diagram.essential])
        deaths = np.concatenate([diagram.pairs[:, 1], np.full(len(diagram.essential), never)])
        lasting = ["lives to " + f"{d:.4g}" for d in diagram.pairs[:, 1]]
        lasting += ["never dies"] * len(diagram.essential)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": f"H<sub>{dim}</sub>",
                "x": _numbers(births),
                "y": _numbers(deaths),
                "text": [
                    f"H{dim}: born at {b:.4g}, {t}" for b, t in zip(births, lasting, strict=True)
                ],
                "hovertemplate": "%{text}<extra></extra>",
                "marker": {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.55},
            }
        )
        real = [f for f in report.features if f.homology_dim == dim]
        if real:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": f"H<sub>{dim}</sub> significant ({len(real)})",
                    "x": _numbers([f.birth for f in real]),
                    "y": _numbers([min(f.death, never) for f in real]),
                    "text": [f"H{dim} significant, p = {f.p_value:.2g}" for f in real],
                    "hovertemplate": "%{text}<extra></extra>",
                    "marker": {
                        "symbol": "circle-open",
                        "color": colour,
                        "size": 15,
                        "line": {"width": 2.5},
                    },
                }
            )
    reach = [-0.04 * longest, 1.16 * longest]
    axis = {**_GRID, "range": reach}
    line = {"type": "line", "line": {"color": "#999", "width": 1}, "layer": "between"}
    return {
        "data": traces,
        "layout": {
            "height": 460,
            "xaxis": {**axis, "title": _title("birth (edge length)"), "constrain": "domain"},
            "yaxis": {**axis, "title": _title("death (edge length)"), "scaleanchor": "x"},
            "shapes": [
                {**line, "x0": reach[0], "x1": longest, "y0": reach[0], "y1": longest},
                {
                    **line,
                    "x0": reach[0],
                    "x1": reach[1],
                    "y0": never,
                    "y1": never,
                    "line": {"color": "#999", "width": 1, "dash": "dot"},
                },
            ],
            "annotations": [
                {
                    "x": reach[1],
                    "y": never,
                    "text": "never dies",
                    "showarrow": False,
                    "xanchor": "right",
                    "yanchor": "top",
                    "font": {"color": "#666", "size": 11},
                }
            ],
        },
    }


def _threshold(report: ComparisonReport) -> dict[str, Any]:
    """The line below which the rule sees nothing to lift, where the rule is on record."""
    least = report.settings.get("rule", {}).get("least_disparity", 0)
    if not least > 0:
        return {}
    return {
        "shapes": [
            {
                "type": "line",
                "x0": least,
                "x1": least,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": "#999", "width": 1, "dash": "dot"},
                "layer": "between",
            }
        ]
    }


def _faint(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour[1:])
    return f"rgba({red}, {green}, {blue}, 0.2)"


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "font": _TEXT}


def _numbers(values: Sequence[float] | NDArray[np.floating[Any]]) -> list[float | None]:
    return [_number(float(v)) for v in values]


def _number(value: float) -> float | None:
    """Six digits, which a screen cannot tell from more; JSON has no NaN."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
