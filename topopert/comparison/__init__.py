"""Comparison stage: seeds against seeds, with a verdict that could refute the claim."""

from __future__ import annotations

from .arms import Arm
from .calibration import Calibration, FrontPoint, calibrate
from .compare import compare
from .degeneracy import DegeneracyMetrics, degeneracy
from .faithfulness import FaithfulnessMetrics, faithfulness
from .own_training import TrainingRun
from .progress import Progress
from .report import ComparisonReport, TableRow
from .setup import DEFAULT_COUPLING
from .variation import ModelFactory
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
