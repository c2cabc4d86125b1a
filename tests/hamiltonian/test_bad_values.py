"""Values that make an energy no number are refused at the first step, by the argument's name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import topopert as tp


def field(rng: np.random.Generator) -> tp.AnchorPotential:
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(8, 3)), values=rng.normal(size=(8, 2)), radius=2.0
    )
    return tp.AnchorPotential(spec)


def wells(rng: np.random.Generator) -> tp.WellPotential:
    spec = tp.WellSpec(centers=rng.normal(size=(3, 2)), depths=np.ones(3), widths=np.ones(3))
    return tp.WellPotential(spec)


POTENTIALS = {
    "field": field,
    "wells": wells,
    "signature": lambda rng: tp.SignaturePotential(),
    "function": lambda rng: tp.OneBodyPotential(lambda z: z.square().sum(dim=1)),
    "sum": lambda rng: field(rng) - 2 * wells(rng),
}


def arguments(rng: np.random.Generator) -> dict[str, torch.Tensor]:
    return {
        "mean": torch.from_numpy(rng.normal(size=(5, 2))).float(),
        "logvar": torch.from_numpy(rng.normal(size=(5, 2))).float(),
        "x": torch.from_numpy(rng.normal(size=(5, 3))).float(),
    }


@pytest.mark.parametrize("name", POTENTIALS)
@pytest.mark.parametrize("coupling", [1.0, tp.Adiabatic(1.0)])
def test_overflowing_log_variances_are_refused(rng, name: str, coupling) -> None:
    given = arguments(rng)
    hamiltonian = tp.Hamiltonian(POTENTIALS[name](rng), coupling)
    hamiltonian.energy(**given, progress=0.0)
    given["logvar"][2, 1] = 90.0  # e^90 > 3.4e38
    with pytest.raises(tp.InvalidInputError, match=r"`logvar` reaches 90.*clamp"):
        hamiltonian.energy(**given, progress=0.0)
    hamiltonian.energy(given["mean"].double(), given["logvar"].double(), given["x"], progress=0.0)


@pytest.mark.parametrize("name", POTENTIALS)
@pytest.mark.parametrize("bad", ["mean", "logvar"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_posteriors_that_are_no_numbers_are_refused_by_name(rng, name, bad, value) -> None:
    given = arguments(rng)
    given[bad][3, 0] = value
    with pytest.raises(tp.InvalidInputError, match=rf"`{bad}` holds {value} in row 3"):
        tp.Hamiltonian(POTENTIALS[name](rng)).energy(**given)


@pytest.mark.parametrize("name", ["field", "signature"])
def test_data_that_are_no_numbers_are_refused_by_name(rng, name: str) -> None:
    given = arguments(rng)
    given["x"][1, 2] = math.nan
    with pytest.raises(tp.InvalidInputError, match="`x` holds nan in row 1"):
        tp.Hamiltonian(POTENTIALS[name](rng)).energy(**given)


def test_anchors_that_are_no_numbers_or_misshapen_are_refused_by_name(rng) -> None:
    given = arguments(rng)
    mean, logvar = given["mean"], given["logvar"]
    hamiltonian = tp.Hamiltonian(field(rng))
    anchors = torch.zeros(5, 2)
    anchors[4, 1] = math.inf
    for bad, message in [
        (anchors, "`anchors` holds inf in row 4"),
        (torch.zeros(5, 3), r"latent_dim=2"),
        (torch.zeros(4, 2), "`anchors` must have one row"),
        (torch.zeros(5, 2).long(), r"anchors\.float"),
        (torch.zeros(5, 2, dtype=torch.complex64), "real part"),
        (torch.zeros(5, 2, device="meta"), "`anchors` on meta"),
        ("anchors", "`anchors`"),
    ]:
        with pytest.raises(tp.InvalidInputError, match=message):
            hamiltonian.energy(mean, logvar, anchors=bad)


def test_values_are_let_through_under_vmap(rng) -> None:
    # One diverged run of an ensemble must not end the others.
    mean = torch.zeros(3, 5, 2)
    mean[1] = math.nan
    energy = torch.vmap(lambda m: tp.Hamiltonian(wells(rng)).energy(m, None))(mean)
    assert energy[1].isnan().all()
    assert energy[[0, 2]].isfinite().all()


# Over 2 s: two arms are trained.
@pytest.mark.slow
def test_a_run_that_diverges_does_not_end_a_comparison(rng) -> None:
    class Exploding(tp.models.MLPVAE):
        def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            mean, logvar = super().encode(x)
            # Read as a number, which vmap cannot do: the seeds are trained one by one.
            diverged = self.training and float(mean.detach().norm()) >= 0
            return (mean * math.nan if diverged else mean), logvar

    report = tp.compare(
        rng.normal(size=(60, 4)),
        tp.Hamiltonian(wells(rng)),
        latent_dim=2,
        n_seeds=3,
        controls=(),
        model=Exploding,
        training=tp.TrainingConfig(n_steps=2),
    )
    assert report.arms["perturbed"].diverged == (0, 1, 2)
