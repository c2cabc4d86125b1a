"""Comparison stage: seeds against seeds, with a verdict that could refute the claim."""

from __future__ import annotations

from .arms import Arm
from .calibration import Calibration, FrontPoint, calibrate
from .compare import compare
from .metrics.degeneracy import DegeneracyMetrics, degeneracy
from .metrics.faithfulness import FaithfulnessMetrics, faithfulness
from .report import ComparisonReport, TableRow
from .runs.own_training import TrainingRun
from .runs.progress import Progress
from .runs.variation import ModelFactory
from .setup import DEFAULT_COUPLING
from .verdict import Verdict, VerdictRule

__all__ = [
    "DEFAULT_COUPLING",
    "Arm",
    "Calibration",
    "ComparisonReport",
    "DegeneracyMetrics",
    "FaithfulnessMetrics",
    "FrontPoint",
    "ModelFactory",
    "Progress",
    "TableRow",
    "TrainingRun",
    "Verdict",
    "VerdictRule",
    "calibrate",
    "compare",
    "degeneracy",
    "faithfulness",
]
