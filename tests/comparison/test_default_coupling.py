"""The library's default coupling is what the rule chooses from the fronts that were measured."""

from __future__ import annotations

import json

import topopert as tp
from paper_figures import fronts
from paper_figures.cases import CASES


def test_default_is_the_rules_choice() -> None:
    kept = {path.stem: json.loads(path.read_text()) for path in sorted(fronts.KEPT.glob("*.json"))}
    assert len(kept) == len(CASES)
    assert fronts.summary(kept)[0]["coupling"] == tp.comparison.DEFAULT_COUPLING
