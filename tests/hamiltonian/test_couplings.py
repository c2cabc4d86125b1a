from __future__ import annotations

import logging
import math

import numpy as np
import pytest
import torch

import topopert as tp
from topopert.hamiltonian.couplings import checked_coupling, coupling_at


def test_adiabatic_coupling_is_exactly_zero_from_off_at_on() -> None:
    coupling = tp.Adiabatic(10.0, off_at=0.4)
    assert coupling(0.0) == 10.0
    assert coupling(0.2) == pytest.approx(5.0)
    assert coupling(math.nextafter(0.4, 0)) > 0
    assert coupling(0.4) == coupling(0.7) == coupling(1.0) == 0.0


def test_power_bends_the_schedule() -> None:
    assert tp.Adiabatic(8.0, 0.5, power=3)(0.25) == pytest.approx(1.0)


def test_constant_stays() -> None:
    assert {tp.Constant(2.5)(p) for p in (0.0, 0.5, 1.0)} == {2.5}


@pytest.mark.parametrize(
    "make",
    [
        lambda: tp.Constant(-1.0),
        lambda: tp.Constant(math.nan),
        lambda: tp.Constant(True),
        lambda: tp.Adiabatic(-1.0),
        lambda: tp.Adiabatic(1.0, off_at=0.0),
        lambda: tp.Adiabatic(1.0, off_at=1.5),
        lambda: tp.Adiabatic(1.0, power=0.0),
        lambda: tp.Adiabatic("10"),
    ],
)
def test_values_out_of_range_are_refused(make) -> None:
    with pytest.raises(tp.InvalidInputError):
        make()


@pytest.mark.parametrize(
    "answer",
    [
        lambda p: "3",
        lambda p: True,
        lambda p: 1j,
        lambda p: None,
        lambda p: torch.ones(2),
        lambda p: torch.ones((), requires_grad=True),
        lambda p: np.ones(1),
        lambda p: math.inf,
        # Only for a while, in the middle of training.
        lambda p: -1.0 if 0.3 < p < 0.32 else 1.0,
        lambda p: math.sqrt(0.5 - p) if p < 0.5 else math.nan,
        lambda p: 1.0 if p < 1 else -1.0,
        tp.Adiabatic,
    ],
)
def test_callables_that_answer_garbage_are_refused_at_once(answer) -> None:
    with pytest.raises(tp.InvalidInputError, match="coupling"):
        checked_coupling(answer)


def test_any_number_will_do() -> None:
    for one in (1, np.float32(1), np.array(1.0), torch.tensor(1.0), torch.tensor(1)):
        assert coupling_at(lambda p, one=one: one, 0.5) == 1.0


def hamiltonian(coupling) -> tp.Hamiltonian:
    wells = tp.WellSpec(centers=np.zeros((1, 2)), depths=np.ones(1), widths=np.ones(1))
    return tp.Hamiltonian(tp.WellPotential(wells), coupling)


def test_log_says_when_the_coupling_starts_and_ends(caplog) -> None:
    h = hamiltonian(tp.Adiabatic(4.0, off_at=0.5))
    mean = torch.zeros(1, 2)
    with caplog.at_level(logging.INFO, logger="topopert"):
        for step in range(10):
            h.energy(mean, None, progress=step / 10)
    start, end = (record.getMessage() for record in caplog.records)
    assert "λ = 4 at progress 0" in start
    assert "Adiabatic(start=4.0, off_at=0.5, power=1.0)" in start
    assert "λ is 0 at progress 0.5" in end


def test_log_holds_every_change_at_level_debug(caplog) -> None:
    h = hamiltonian(tp.Adiabatic(4.0, off_at=0.5))
    with caplog.at_level(logging.DEBUG, logger="topopert"):
        for progress in (0.0, 0.25, 0.25, 0.375, 0.5, 0.75):
            h.energy(torch.zeros(1, 2), None, progress=progress)
    assert len(caplog.records) == 4
    assert "λ = 2 at progress 0.25" in caplog.text


def test_repr_shows_the_coupling() -> None:
    assert "coupling=Adiabatic(start=4.0" in repr(hamiltonian(tp.Adiabatic(4.0)))
    assert "coupling=Constant(value=2.0)" in repr(hamiltonian(2.0))
