"""Comparison stage: seeds against seeds, with a verdict that could refute the claim."""

from __future__ import annotations

from .arms import Arm
from .compare import ModelFactory, Progress, compare
from .degeneracy import DegeneracyMetrics, degeneracy
from .faithfulness import FaithfulnessMetrics, faithfulness
from .report import ComparisonReport, TableRow
from .verdict import Verdict, VerdictRule

__all__ = [
    "Arm",
    "ComparisonReport",
    "DegeneracyMetrics",
    "FaithfulnessMetrics",
    "ModelFactory",
    "Progress",
    "TableRow",
    "Verdict",
    "VerdictRule",
    "compare",
    "degeneracy",
    "faithfulness",
]
