from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import torch
from torch import nn

import topopert as tp
from topopert.comparison import Progress

QUICK = tp.TrainingConfig(n_steps=30, batch_size=32)


def quick(points, hamiltonian=None, **kwargs) -> tp.ComparisonReport:
    defaults = {"n_seeds": 3, "training": QUICK, "controls": ("shuffled",)}
    return tp.compare(points, hamiltonian, **{**defaults, **kwargs})


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    rng = np.random.default_rng(0)
    return tp.datasets.circle(150, ambient_dim=6, noise=0.05, rng=rng).points


@pytest.fixture(scope="module")
def report(points) -> tp.ComparisonReport:
    return quick(points, controls=("shuffled", "pca", "constant"))


def test_report_has_every_arm_on_the_same_held_out_rows(points, report) -> None:
    assert list(report.arms) == ["baseline", "perturbed", "shuffled", "pca", "constant"]
    assert sorted([*report.train_rows, *report.test_rows]) == list(range(150))
    assert len(report.test_rows) == 30
    for arm in report.arms.values():
        assert arm.latents.shape == (3, 30, 2)
        assert arm.neg_elbo.shape == (3,)
        assert arm.kl_per_axis.shape == (3, 2)
        assert (arm.kl_per_axis >= 0).all()
        # The posterior is kept whole: its divergence is that of its means and log-variances.
        kl = 0.5 * (arm.latents**2 + np.exp(arm.logvars) - 1 - arm.logvars)
        np.testing.assert_allclose(kl.mean(axis=1), arm.kl_per_axis, rtol=1e-5)
    assert report.verdict in ("lifted", "not lifted", "nothing to lift")
    assert [row.arm for row in report.table()] == list(report.arms)
    assert f"verdict: {report.verdict} (" in str(report)


def test_every_arm_but_the_baseline_is_perturbed_in_its_own_way(report) -> None:
    latents = [arm.latents for arm in report.arms.values()]
    for k, one in enumerate(latents):
        assert not any(np.array_equal(one, other) for other in latents[:k])


def test_metrics_are_of_the_held_out_rows_in_their_order(points, report) -> None:
    held_out = points[report.test_rows]
    for arm in report.arms.values():
        expected = tp.faithfulness(held_out, arm.latents)
        for name in ("trustworthiness", "distance_correlation", "triplet_accuracy"):
            measured = getattr(arm.faithfulness, name).value
            assert measured == pytest.approx(getattr(expected, name).value, abs=2e-3)


def test_axes_count_as_informative_by_their_divergence(points, monkeypatch) -> None:
    seen = []

    def watched(latents, *, kl_per_axis):
        seen.append(kl_per_axis)
        return tp.degeneracy(latents, kl_per_axis=kl_per_axis)

    monkeypatch.setattr(sys.modules["topopert.comparison.compare"], "degeneracy", watched)
    own = quick(points, controls=())
    for kl_per_axis, arm in zip(seen, own.arms.values(), strict=True):
        np.testing.assert_array_equal(kl_per_axis, arm.kl_per_axis)


def test_arms_is_read_only(report) -> None:
    with pytest.raises(TypeError):
        report.arms["baseline"] = None


def test_the_same_arguments_give_the_same_latents(points, report) -> None:
    again = quick(points, controls=())
    for name in ("baseline", "perturbed"):
        np.testing.assert_array_equal(again.arms[name].latents, report.arms[name].latents)


def test_another_seed_gives_another_split(points, report) -> None:
    assert not np.array_equal(quick(points, seed=1).test_rows, report.test_rows)


def test_units_of_the_data_do_not_matter(points, report) -> None:
    scaled = quick(1000 * points, controls=())
    assert scaled.verdict == report.verdict
    for name in ("baseline", "perturbed"):
        np.testing.assert_allclose(scaled.arms[name].latents, report.arms[name].latents, atol=1e-3)
    assert scaled.settings["noise_variance"] == pytest.approx(
        1e6 * report.settings["noise_variance"]
    )


def test_coupling_zero_is_the_baseline_bit_for_bit(points) -> None:
    report = quick(points, coupling=0.0)
    for name in ("perturbed", "shuffled"):
        np.testing.assert_array_equal(report.arms[name].latents, report.arms["baseline"].latents)
        np.testing.assert_array_equal(report.arms[name].neg_elbo, report.arms["baseline"].neg_elbo)


def test_a_constant_coupling_is_its_own_control(points) -> None:
    report = quick(points, coupling=2.0, controls=("constant",))
    np.testing.assert_array_equal(
        report.arms["constant"].latents, report.arms["perturbed"].latents
    )


def test_own_hamiltonian_equals_the_one_built_inside(points, report) -> None:
    topology = tp.PersistentTopology(latent_dim=2).fit(points[report.train_rows])
    own = tp.Hamiltonian(
        tp.AnchorPotential(topology.anchors()),
        tp.comparison.DEFAULT_COUPLING,
    )
    again = quick(points, own)
    # Inside, the anchors are computed in double precision, by the potential in single.
    np.testing.assert_allclose(
        again.arms["perturbed"].latents, report.arms["perturbed"].latents, atol=1e-4
    )
    assert again.diagrams == ()


def test_a_landscape_is_compared_without_anchors(points) -> None:
    wells = tp.WellSpec(centers=np.eye(2), depths=np.ones(2), widths=np.ones(2))
    report = quick(points, tp.Hamiltonian(tp.WellPotential(wells), 1.0), controls=())
    assert list(report.arms) == ["baseline", "perturbed"]
    with pytest.raises(tp.InvalidInputError, match="'shuffled' needs one AnchorPotential"):
        quick(points, tp.Hamiltonian(tp.WellPotential(wells), 1.0), controls=("shuffled",))


def test_progress_counts_every_step(points) -> None:
    seen: list[Progress] = []
    quick(points, on_progress=seen.append)
    assert len(seen) == 3 * 30
    assert [(p.arm, p.step) for p in seen[29:31]] == [("baseline", 30), ("perturbed", 1)]


def test_saved_report_loads_as_it_was(report, tmp_path) -> None:
    report.save(tmp_path / "run")
    loaded = tp.ComparisonReport.load(tmp_path / "run")
    assert str(loaded) == str(report)
    assert loaded.features == report.features
    assert dict(loaded.verdicts) == dict(report.verdicts)
    assert dict(loaded.settings) == json.loads(json.dumps(dict(report.settings)))
    for name, arm in report.arms.items():
        np.testing.assert_array_equal(loaded.arms[name].latents, arm.latents)
        assert loaded.arms[name].metrics == arm.metrics
        assert loaded.arms[name].faithfulness == arm.faithfulness
    for one, two in zip(loaded.diagrams, report.diagrams, strict=True):
        np.testing.assert_array_equal(one.pairs, two.pairs)
    assert sorted(p.name for p in (tmp_path / "run").iterdir()) == ["arrays.npz", "report.json"]


@pytest.mark.parametrize("damage", ["nothing", "foreign", "version", "text", "cut"])
def test_what_is_no_report_is_refused(report, tmp_path, damage: str) -> None:
    if damage != "nothing":
        report.save(tmp_path)
        record, arrays = tmp_path / "report.json", tmp_path / "arrays.npz"
        content = json.loads(record.read_text())
        if damage == "foreign":
            record.write_text(json.dumps({"verdict": "lifted"}))
        elif damage == "version":
            record.write_text(json.dumps({**content, "version": 99}))
        elif damage == "text":
            record.write_text("lifted")
        else:
            arrays.write_bytes(arrays.read_bytes()[:1000])
    with pytest.raises(tp.InvalidInputError):
        tp.ComparisonReport.load(tmp_path)


def test_a_field_and_a_potential_that_needs_x_both_get_what_they_need(points) -> None:
    class Pull(tp.Potential):
        def expectation(self, mean, logvar, x=None, *, anchors=None):
            assert x is not None
            return (mean - x[:, :2]).square().sum(dim=1)

        def forward(self, z, x=None, *, anchors=None):
            return self.expectation(z, None, x)

    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    both = tp.AnchorPotential(topology.anchors()) + Pull()
    mixed = quick(points, tp.Hamiltonian(both, 1.0), controls=())
    assert np.isfinite(mixed.arms["perturbed"].neg_elbo).all()


def test_far_from_the_origin_the_anchors_keep_their_digits(points, report) -> None:
    moved = quick(points + 1e7, controls=())
    for name in ("baseline", "perturbed"):
        np.testing.assert_allclose(moved.arms[name].latents, report.arms[name].latents, atol=1e-3)


class Dropping(tp.models.MLPVAE):
    """A VAE with dropout and batch statistics."""

    def __init__(self, input_dim: int, latent_dim: int) -> None:
        super().__init__(input_dim, latent_dim, hidden=(16,))
        self.drop, self.norm = nn.Dropout(0.3), nn.BatchNorm1d(input_dim)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().encode(self.drop(self.norm(x)))


def test_models_that_draw_by_themselves_are_repeatable(points) -> None:
    before = torch.get_rng_state()
    one, two = (quick(points, coupling=0.0, model=Dropping) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(one.arms["baseline"].latents, two.arms["baseline"].latents)
    np.testing.assert_array_equal(one.arms["baseline"].latents, one.arms["perturbed"].latents)


def test_numbers_of_numpy_can_be_saved(points, tmp_path) -> None:
    settings = tp.TrainingConfig(n_steps=np.int64(5), noise_variance=np.float64(0.01))
    quick(points, seed=np.int64(3), training=settings).save(tmp_path)
    assert tp.ComparisonReport.load(tmp_path).settings["training"]["n_steps"] == 5


def test_a_diverging_arm_is_reported_and_not_averaged(points) -> None:
    class Explosive(tp.Potential):
        def expectation(self, mean, logvar, x=None, *, anchors=None):
            return 1e30 * mean.square().sum(dim=1) * mean.square().sum(dim=1)

        def forward(self, z, x=None, *, anchors=None):
            return self.expectation(z, None)

    report = quick(points, tp.Hamiltonian(Explosive(), 1e30), controls=())
    assert report.arms["perturbed"].diverged == (0, 1, 2)
    assert report.verdict == "not lifted"
    assert "diverged" in report.reason
    assert "diverged" in str(report)


class Convolutional(nn.Module):
    """A VAE on 8×8 images that takes and gives flat rows."""

    def __init__(self, input_dim: int, latent_dim: int) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.SiLU(), nn.Flatten())
        self.head = nn.Linear(64, 2 * latent_dim)
        self.up = nn.Linear(latent_dim, input_dim)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, logvar = self.head(self.down(x.unflatten(1, (1, 8, 8)))).chunk(2, dim=1)
        return mean, logvar

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.up(z)


def test_a_model_of_ones_own_with_convolutions(rng) -> None:
    report = quick(rng.normal(size=(60, 64)), model=Convolutional)
    (name,) = report.settings["model"]
    assert name.endswith("Convolutional")
    assert np.isfinite(report.arms["baseline"].neg_elbo).all()
