"""The tables of the page: every figure of every arm, and every setting."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from topopert.comparison.statistics.estimate import mean_estimate
from topopert.records import Estimate

from .glossary import GLOSSARY

if TYPE_CHECKING:
    from topopert.comparison.arms import Arm
    from topopert.comparison.report import ComparisonReport

__all__ = ["Cell", "Section", "TableLine", "arm_sections", "setting_lines"]

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A figure and, where it has one, its interval."""

    value: str
    interval: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLine:
    """One figure of all arms."""

    name: str
    meaning: str
    cells: tuple[Cell, ...]  # one per arm


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines that belong together."""

    title: str
    lines: tuple[TableLine, ...]


def arm_sections(report: ComparisonReport) -> list[Section]:
    """Every figure of every arm, whatever fields the records have; verdicts are first."""
    arms = list(report.arms.values())
    objective = {
        "neg_elbo": [_seed_mean(arm, arm.neg_elbo) for arm in arms],
        "reconstruction": [_seed_mean(arm, arm.reconstruction) for arm in arms],
        "kl": [_seed_mean(arm, arm.kl_per_axis.sum(axis=1)) for arm in arms],
    }
    sections = {
        "Against the baseline": _record_lines([report.verdicts.get(arm.name) for arm in arms]),
        "Held-out objective": _lines(objective),
        "Differences between seeds": _record_lines([arm.metrics for arm in arms]),
        "Faithfulness to the data": _record_lines([arm.faithfulness for arm in arms]),
        "Training": _lines(
            {
                "seconds": [Cell(value=f"{arm.seconds:.3g}") for arm in arms],
                "diverged": [
                    Cell(value=", ".join(map(str, arm.diverged)) or "none") for arm in arms
                ],
            }
        ),
    }
    # Where there was nothing to lift, the verdict has no figures but is still to be told.
    return [
        Section(title=title, lines=lines)
        for index, (title, lines) in enumerate(sections.items())
        if lines or index == 0
    ]


def setting_lines(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of every setting, those of nested records with dotted names."""
    lines: list[tuple[str, str]] = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            lines += [(f"{name}.{inner}", text) for inner, text in setting_lines(value)]
        else:
            lines.append((str(name), _setting(value)))
    return lines


def _setting(value: Any) -> str:
    if isinstance(value, str):
        return f"SHA-256 {value}" if _DIGEST.fullmatch(value) else value
    return json.dumps(value, default=repr, ensure_ascii=False)


def _record_lines(records: list[Any]) -> tuple[TableLine, ...]:
    """A line for each figure of the records; those that are missing have dashes."""
    present = [record for record in records if record is not None]
    if not present:
        return ()
    columns = {}
    for field in fields(present[0]):
        values = [getattr(record, field.name, None) for record in records]
        if any(isinstance(value, Estimate | float | int) for value in values):
            columns[field.name] = [_cell(value) for value in values]
    return _lines(columns)


def _lines(columns: Mapping[str, list[Cell]]) -> tuple[TableLine, ...]:
    lines = []
    for name, cells in columns.items():
        title, meaning = GLOSSARY.get(name, (name.replace("_", " "), ""))
        lines.append(TableLine(name=title, meaning=meaning, cells=tuple(cells)))
    return tuple(lines)


def _seed_mean(arm: Arm, per_seed: Any) -> Cell:
    values = per_seed[arm.finite]
    if len(values) >= 3:
        return _cell(mean_estimate(values), digits=5)
    return _cell(float(values.mean()) if len(values) else None, digits=5)


def _cell(value: Any, *, digits: int = 3) -> Cell:
    if value is None:
        return Cell(value="–")
    if isinstance(value, Estimate):
        shown = _text(value.value, digits)
        if not (math.isfinite(value.low) and math.isfinite(value.high)):
            return Cell(value=shown)
        return Cell(
            value=shown, interval=f"{_text(value.low, digits)} to {_text(value.high, digits)}"
        )
    return Cell(value=_text(float(value), max(digits, 4)))


def _text(value: float, digits: int) -> str:
    return f"{value:.{digits}g}".replace("-", "−") if math.isfinite(value) else "–"
