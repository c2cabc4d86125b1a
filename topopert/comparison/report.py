"""The report of a comparison: verdict, table, latents; saved without pickle."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topopert._checks import check_path, check_stored
from topopert._text_table import aligned
from topopert.errors import InvalidInputError
from topopert.records import Estimate, PersistenceDiagram, TopologicalFeature
from topopert.storage import read_arrays, read_json, replacing

from .arms import Arm
from .runs.fingerprint import named_digest
from .stored import (
    ARM_ARRAYS,
    METRICS,
    stored_arms,
    stored_diagrams,
    stored_feature,
    stored_verdict,
)
from .verdict import Verdict
from .web import write_page

__all__ = ["ComparisonReport", "TableRow"]

_FORMAT = "topopert comparison"
_VERSION = 3
_RECORD, _ARRAYS = "report.json", "arrays.npz"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One arm in the table of a report."""

    arm: str
    disparity: Estimate | None  # gauge-dependent; None if fewer than 3 seeds did not diverge
    invariant_disparity: Estimate | None
    neg_elbo: float  # mean held-out −ELBO, nats per point
    active_units: float  # mean over seeds
    seconds: float
    verdict: str  # against the baseline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparisonReport:
    """What `compare` found; latents and figures are of held-out rows."""

    arms: Mapping[str, Arm]  # read-only, baseline and perturbed first
    verdicts: Mapping[str, Verdict]  # per arm but the baseline, each against the baseline
    settings: Mapping[str, Any]  # arguments and versions, for the record
    train_rows: NDArray[np.intp]  # indices into the points given
    test_rows: NDArray[np.intp]
    diagrams: tuple[PersistenceDiagram, ...]  # empty if the Hamiltonian was given
    features: tuple[TopologicalFeature, ...]

    @property
    def verdict(self) -> str:
        """The perturbed arm's verdict: "lifted", "not lifted" or "nothing to lift"."""
        return self.verdicts["perturbed"].outcome

    @property
    def reason(self) -> str:
        """One sentence with the figures behind the verdict."""
        return self.verdicts["perturbed"].reason

    def table(self) -> list[TableRow]:
        """One record per arm."""
        rows = []
        for name, arm in self.arms.items():
            metrics = arm.metrics
            rows.append(
                TableRow(
                    arm=name,
                    disparity=None if metrics is None else metrics.disparity,
                    invariant_disparity=None if metrics is None else metrics.invariant_disparity,
                    neg_elbo=float(arm.neg_elbo[arm.finite].mean())
                    if len(arm.finite)
                    else math.nan,
                    active_units=math.nan if metrics is None else metrics.active_units.value,
                    seconds=arm.seconds,
                    verdict=self.verdicts[name].outcome if name in self.verdicts else "",
                )
            )
        return rows

    def __str__(self) -> str:
        header = ("arm", "gauge-dependent", "invariant", "−ELBO", "active", "seconds", "verdict")
        cells: list[tuple[str, ...]] = [header]
        for row in self.table():
            gauge, invariant = (
                "diverged" if e is None else str(e)
                for e in (row.disparity, row.invariant_disparity)
            )
            numbers = (f"{row.neg_elbo:.3f}", f"{row.active_units:.2g}", f"{row.seconds:.0f}")
            cells.append((row.arm, gauge, invariant, *numbers, row.verdict))
        lines = aligned(cells)
        if self.diagrams:
            lines.append(self._topology())
        lines += [
            "disparity between seeds with 95 % interval; −ELBO in nats per held-out point",
            f"verdict: {self.verdict} ({self.reason.removesuffix('.')})",
        ]
        return "\n".join(lines)

    def _topology(self) -> str:
        """One line: what was found in the data and how the anchors were laid out."""
        counts = [
            f"{n} significant in H{dim}"
            for dim in range(len(self.diagrams))
            if (n := sum(feature.homology_dim == dim for feature in self.features))
        ]
        found = ", ".join(counts) or "no significant class, the anchors are geometric only"
        return f"topology: {found}; layout {self.settings['layout']}"

    def save(self, directory: str | os.PathLike[str]) -> None:
        """Write the report into a directory: JSON for the figures, npz for the arrays.

        Each file appears whole or not at all, and both only once both are written.

        Raises:
            InvalidInputError: If the directory cannot be made or the files not be written.
        """
        target = check_path(directory, name="directory")
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            msg = f"The report cannot be saved to {target}: {err}."
            raise InvalidInputError(msg) from err
        arrays: dict[str, NDArray[Any]] = {
            "train_rows": self.train_rows,
            "test_rows": self.test_rows,
        }
        for name, arm in self.arms.items():
            for field in ARM_ARRAYS:
                arrays[f"arms/{name}/{field}"] = getattr(arm, field)
        for diagram in self.diagrams:
            arrays[f"diagrams/{diagram.homology_dim}/pairs"] = diagram.pairs
            arrays[f"diagrams/{diagram.homology_dim}/essential"] = diagram.essential
        # Two files, and the machine may stop between their renames: one knows the other.
        figures = {**self._record(), "arrays_sha256": named_digest(arrays)}
        text = json.dumps(_without_nan(figures), indent=2, allow_nan=False)
        with replacing(target / _RECORD) as record, replacing(target / _ARRAYS) as file:
            record.write(text.encode() + b"\n")
            record.flush()
            np.savez_compressed(file, allow_pickle=False, **arrays)

    def _record(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "verdict": self.verdict,
            "reason": self.reason,
            "table": [asdict(row) for row in self.table()],
            "verdicts": {name: asdict(verdict) for name, verdict in self.verdicts.items()},
            "arms": {
                name: {"seconds": arm.seconds, "diverged": list(arm.diverged)}
                for name, arm in self.arms.items()
            },
            **{
                kind: {
                    name: None if getattr(arm, kind) is None else asdict(getattr(arm, kind))
                    for name, arm in self.arms.items()
                }
                for kind in METRICS
            },
            "features": [asdict(feature) for feature in self.features],
            "settings": dict(self.settings),
        }

    def to_html(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Mapping[str, Any] | None = None,
        title: str | None = None,
    ) -> None:
        """Write the report as one HTML file for any browser, with nothing to load from elsewhere.

        Args:
            path: The file; it appears whole or not at all, and replaces one that is there.
            columns: What to colour the latent spaces by: name to one value per point, shape (N,),
                or per held-out row, shape (N_test,). Text, truth values and up to 20 distinct
                whole numbers are categories, numbers that fill [0, 2π] or [−π, π] angles. None
                colours by the latent axes of one seed.
            title: Heading of the page.

        Raises:
            InvalidInputError: If a column has another length or holds neither numbers nor text,
                or the file cannot be written; nothing is written then.
            MissingDependencyError: If jinja2 or plotly is missing (extra ``html``).
        """
        write_page(self, path, columns=columns, title=title)

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> ComparisonReport:
        """The report that `save` wrote into the directory.

        Raises:
            InvalidInputError: If the directory holds no report, or one of another version.
        """
        source = check_path(directory, name="directory")
        try:
            record = read_json(source / _RECORD)
        except (OSError, ValueError) as err:
            msg = f"No report can be read from {source}: {err}. Give what `report.save` wrote."
            raise InvalidInputError(msg) from err
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            msg = f"{source / _RECORD} is not a report of topopert."
            raise InvalidInputError(msg)
        if record.get("version") != _VERSION:
            found = record.get("version")
            msg = f"{source} holds version {found!r:.40} of the report, not {_VERSION}."
            raise InvalidInputError(msg)
        arrays = read_arrays(source / _ARRAYS)
        # Earlier reports have no digest.
        if record.get("arrays_sha256") not in (None, named_digest(arrays)):
            msg = (
                f"{source / _RECORD} and {source / _ARRAYS} are not of one report: was it "
                "interrupted while it was saved? Save it again, or resume the comparison."
            )
            raise InvalidInputError(msg)
        try:
            return cls._from_record(record, arrays)
        except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as err:
            reason = " ".join(str(err).split())[:300] or "a part is malformed"
            what = f"{reason} is missing" if isinstance(err, KeyError) else reason
            msg = f"The report in {source} is incomplete or was changed: {what}. Save it again."
            raise InvalidInputError(msg) from err

    @classmethod
    def _from_record(
        cls, record: dict[str, Any], arrays: dict[str, NDArray[Any]]
    ) -> ComparisonReport:
        rows = {
            name: check_stored(arrays[name], name=name, shape=(None,), kinds="iu")
            for name in ("train_rows", "test_rows")
        }
        n_points = sum(map(len, rows.values()))
        if not all(((part >= 0) & (part < n_points)).all() for part in rows.values()):
            msg = f"its rows are not among the {n_points} that there are"
            raise InvalidInputError(msg)
        arms = stored_arms(record, arrays, len(rows["test_rows"]))
        judged = [name for name in arms if name != "baseline"]
        verdicts = {name: stored_verdict(record["verdicts"][name]) for name in judged}
        diagrams = stored_diagrams(arrays)
        settings = record["settings"]
        if not isinstance(settings, dict) or not (diagrams == () or "layout" in settings):
            msg = "its settings are not whole"
            raise InvalidInputError(msg)
        return cls(
            arms=MappingProxyType(arms),
            verdicts=MappingProxyType(verdicts),
            settings=MappingProxyType(settings),
            **rows,
            diagrams=diagrams,
            features=tuple(stored_feature(entry) for entry in record["features"]),
        )


def _without_nan(value: Any) -> Any:
    """The same with None for every number that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
