"""Parts of a report out of its files, each refused unless it is what `save` writes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from numpy.typing import NDArray

from topopert._checks import check_choice, check_count, check_real, check_stored
from topopert.errors import InvalidInputError
from topopert.records import Estimate, PersistenceDiagram, TopologicalFeature

from .arms import Arm
from .metrics.degeneracy import DegeneracyMetrics
from .metrics.faithfulness import FaithfulnessMetrics
from .verdict import Verdict

__all__ = [
    "ARM_ARRAYS",
    "METRICS",
    "stored_arms",
    "stored_diagrams",
    "stored_feature",
    "stored_verdict",
]

METRICS = {"metrics": DegeneracyMetrics, "faithfulness": FaithfulnessMetrics}
# Axes of the arrays of an arm: K seeds, N_test rows, d axes, n stretches of training.
_AXES = {
    "latents": "KNd",
    "logvars": "KNd",
    "neg_elbo": "K",
    "reconstruction": "K",
    "kl_per_axis": "Kd",
    "learning_curve": "nK",
}
ARM_ARRAYS = tuple(_AXES)
_ARM_NAME = re.compile(r"\w[\w-]*")  # pictures are named after arms
_OUTCOMES = ("lifted", "not lifted", "nothing to lift")


def stored_arms(
    record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], n_test: int
) -> dict[str, Arm]:
    """The arms by name, all with as many seeds and axes.

    Args:
        record: What report.json holds.
        arrays: What arrays.npz holds.
        n_test: Number of held-out rows.

    Raises:
        InvalidInputError: If a part is of another kind or shape, or not finite where it must be.
    """
    names = list(record["arms"])
    for name in ("baseline", "perturbed", *names):
        if name not in names or not _ARM_NAME.fullmatch(name):
            what = "has no usable name" if name in names else "is missing"
            msg = f"Arm {name!r:.60} {what}."
            raise InvalidInputError(msg)
    latents = arrays["arms/baseline/latents"]
    if latents.ndim != 3 or 0 in latents.shape:
        msg = f"The latents of the baseline have shape {latents.shape}, not (K, N, d)."
        raise InvalidInputError(msg)
    sizes = {"K": latents.shape[0], "N": n_test, "d": latents.shape[2], "n": None}
    return {name: _arm(name, record, arrays, sizes) for name in names}


def _arm(
    name: str,
    record: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    sizes: Mapping[str, int | None],
) -> Arm:
    entry = record["arms"][name]
    values = {
        field: check_stored(
            arrays[f"arms/{name}/{field}"],
            name=f"arms/{name}/{field}",
            shape=tuple(sizes[axis] for axis in axes),
            may_diverge=True,
        )
        for field, axes in _AXES.items()
    }
    diverged = tuple(check_count(seed, name="diverged", minimum=0) for seed in entry["diverged"])
    if any(seed >= len(values["latents"]) for seed in diverged):
        msg = f"Arm {name!r} has no seeds {diverged}."
        raise InvalidInputError(msg)
    return Arm(
        name=name,
        **values,
        seconds=check_real(entry["seconds"], name="seconds"),
        diverged=diverged,
        **{kind: _metrics(kind, record[kind][name]) for kind in METRICS},
    )


def stored_verdict(entry: Mapping[str, Any]) -> Verdict:
    """A verdict that was written as a dictionary.

    Raises:
        InvalidInputError: If a figure is no number, or the outcome none that there is.
    """
    figures: dict[str, Any] = {}
    for field in fields(Verdict):
        value = entry.get(field.name)
        if isinstance(value, Mapping):
            figures[field.name] = _estimate(value)
        elif field.name not in ("outcome", "reason"):
            figures[field.name] = None if value is None else check_real(value, name=field.name)
    if not isinstance(entry["reason"], str):
        msg = f"The reason of a verdict must be text, got {entry['reason']!r:.60}."
        raise InvalidInputError(msg)
    outcome = check_choice(entry["outcome"], _OUTCOMES, name="outcome")
    return Verdict(outcome=outcome, reason=entry["reason"], **figures)


def stored_diagrams(arrays: Mapping[str, NDArray[Any]]) -> tuple[PersistenceDiagram, ...]:
    """The diagrams of all dimensions that there are.

    Raises:
        InvalidInputError: If one is no finite array of the right shape.
    """
    dims = range(sum(re.fullmatch(r"diagrams/\d/pairs", name) is not None for name in arrays))
    return tuple(
        PersistenceDiagram(
            pairs=check_stored(
                arrays[f"diagrams/{k}/pairs"], name=f"diagrams/{k}/pairs", shape=(None, 2)
            ),
            essential=check_stored(
                arrays[f"diagrams/{k}/essential"], name=f"diagrams/{k}/essential", shape=(None,)
            ),
            homology_dim=k,
        )
        for k in dims
    )


def stored_feature(entry: Mapping[str, Any]) -> TopologicalFeature:
    """A feature that was written as a dictionary.

    Raises:
        InvalidInputError: If a figure is no number.
    """
    check_count(entry["homology_dim"], name="homology_dim", minimum=0)
    for name in ("birth", "death", "p_value"):
        check_real(entry[name], name=name)
    return TopologicalFeature(**entry)


def _metrics(kind: str, entry: Mapping[str, Any] | None) -> Any:
    if entry is None:
        return None
    return METRICS[kind](**{name: _estimate(estimate) for name, estimate in entry.items()})


def _estimate(entry: Mapping[str, Any]) -> Estimate:
    """The estimate that was written as a dictionary; None stood for NaN."""
    return Estimate(
        **{
            name: math.nan if value is None else check_real(value, name=name)
            for name, value in entry.items()
        }
    )
