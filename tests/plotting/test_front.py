from __future__ import annotations

import topopert as tp
from topopert import plotting


def point(coupling, disparity: float, loss: float) -> tp.FrontPoint:
    return tp.FrontPoint(
        coupling=coupling,
        disparity=disparity,
        invariant_disparity=disparity / 2,
        neg_elbo=30 + loss,
        elbo_loss=tp.Estimate(loss, loss - 0.1, loss + 0.1),
        is_affordable=loss < 0.1,
        n_diverged=0,
    )


def test_a_front_names_its_couplings_and_marks_the_chosen_one() -> None:
    couplings = (tp.Adiabatic(3.0, off_at=0.7), tp.Adiabatic(30.0, off_at=0.7, power=3), abs)
    front = tuple(point(c, 0.1**k, 0.2 * k) for k, c in enumerate(couplings))
    calibration = tp.Calibration(
        coupling=couplings[0],
        front=front,
        baseline=point(tp.Constant(0.0), 1.0, 0.0),
        elbo_budget=0.0,
        elbo_spread=0.3,
    )
    ax = plotting.new_axes()
    assert plotting.plot_front(calibration, ax=ax) is ax
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["3·(1 − p/0.7)  (chosen)", "30·(1 − p/0.7)³", repr(abs)]
    assert ax.get_yscale() == "log"
    first, second, third = (line.get_color() for line in ax.get_legend().get_lines())
    assert first != second == third
