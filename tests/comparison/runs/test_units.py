from __future__ import annotations

import numpy as np
import pytest

import topopert as tp
from topopert.comparison.runs.units import data_units


def test_noise_is_a_stated_share_of_the_variance(rng) -> None:
    points = rng.normal(size=(500, 40)) * 3
    per_feature = points.var(axis=0).mean()
    assert data_units(points, None).noise_variance == pytest.approx(0.4 * per_feature)


def test_few_features_get_less_noise(rng) -> None:
    points = rng.normal(size=(500, 2))
    total = points.var(axis=0).sum()
    assert data_units(points, None).noise_variance == pytest.approx(0.02 * total)


def test_inside_the_units_do_not_matter(rng) -> None:
    points = rng.normal(size=(500, 4)) + 3
    one, two = data_units(points, None), data_units(1000 * points, None)
    np.testing.assert_allclose(one.inside(points), two.inside(1000 * points), atol=1e-12)
    assert one.noise_variance_inside == pytest.approx(two.noise_variance_inside)
    assert np.sqrt((one.inside(points) ** 2).mean()) == pytest.approx(0.5)


@pytest.mark.parametrize("share", [1.5, 1e-5])
def test_noise_that_does_not_fit_the_data_is_refused(rng, share: float) -> None:
    points = rng.normal(size=(500, 30))
    variance = float(points.var(axis=0).mean())
    with pytest.raises(tp.InvalidInputError, match="would do"):
        data_units(points, share * variance)
