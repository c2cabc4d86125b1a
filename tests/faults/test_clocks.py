"""Clocks that are set back or forward by a year: no crash, and no time below nothing."""

from __future__ import annotations

import io
import itertools
import json
import sys
import time

import pytest

import topopert as tp
from tests.comparison.quick import quick
from topopert.cli.progress import ComparisonProgress
from topopert.comparison import Progress

from .disk import assert_same_report

YEAR = 365 * 86400.0
JUMPS = {"back": (0.0, -YEAR), "forward": (0.0, YEAR), "to and fro": (0.0, YEAR, -2 * YEAR)}


@pytest.fixture(params=JUMPS)
def jumping(request, monkeypatch) -> None:
    """Every reading of a clock is a year from the last one."""

    def jumps(clock):
        offsets = itertools.cycle(JUMPS[request.param])
        return lambda: clock() + next(offsets)

    for name in ("time", "perf_counter"):
        monkeypatch.setattr(time, name, jumps(getattr(time, name)))


@pytest.mark.usefixtures("jumping")
def test_a_comparison_does_not_notice(points, undisturbed, tmp_path) -> None:
    report = quick(points, controls=("finetuned",), directory=tmp_path)
    assert all(arm.seconds >= 0 for arm in report.arms.values())
    record = json.loads((tmp_path / "report.json").read_text())
    assert all(row["seconds"] >= 0 for row in record["table"])
    assert_same_report(tmp_path, undisturbed)
    assert str(quick(points, controls=("finetuned",), directory=tmp_path)) == str(report)


def test_files_do_not_hold_the_time(report, points, tmp_path, monkeypatch) -> None:
    """Nor does a clock from before zip archives, whose dates begin in 1980, matter to them."""
    topology = tp.PersistentTopology(n_landmarks=20).fit(points)
    for folder, clock in (("now", time.time), ("then", lambda: 0.0)):
        monkeypatch.setattr(time, "time", clock)
        report.save(tmp_path / folder)
        tp.save(topology, tmp_path / folder / "topology.npz")
    for path in (tmp_path / "now").iterdir():
        assert path.read_bytes() == (tmp_path / "then" / path.name).read_bytes()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_time_left_is_never_negative(monkeypatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    now = iter(range(10**9, 0, -1000))  # every reading is earlier than the last
    monkeypatch.setattr("tqdm.std.time", lambda: float(next(now)))
    with ComparisonProgress("flowers") as progress:
        for step in range(1, 21):
            progress(
                Progress(
                    arm="baseline",
                    arm_index=0,
                    n_arms=1,
                    step=step,
                    n_steps=20,
                    done=step,
                    total=20,
                )
            )
            progress._bar.refresh()
            assert progress._bar.format_dict["elapsed"] >= 0
    assert "20/20" in screen.getvalue()
    assert "-" not in screen.getvalue().replace("?", "")
