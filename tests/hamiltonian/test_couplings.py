from __future__ import annotations

import math

import pytest

import topopert as tp


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
