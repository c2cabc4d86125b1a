"""What `attach` cannot use is refused when it is built, or at the first step."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal

import topopert as tp

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


class Returns(nn.Module):
    """An encoder that returns what it is told to, made from a (6, 4) tensor."""

    def __init__(self, wrap: Any) -> None:
        super().__init__()
        self.layer, self.wrap = nn.Linear(3, 4), wrap

    def forward(self, x, *rest):
        return self.wrap(self.layer(x.flatten(1)))


def pair(h):
    return h.chunk(2, dim=1)


@pytest.fixture
def hamiltonian(rng) -> tp.Hamiltonian:
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(10, 3)), values=rng.normal(size=(10, 2)), radius=2.0
    )
    return tp.Hamiltonian(tp.AnchorPotential(spec), 1.0)


BAD_ARGUMENTS = {
    "model": ({"model": lambda x: x}, "`model` must be a torch"),
    "hamiltonian": ({"hamiltonian": nn.Linear(2, 2)}, "`hamiltonian` must be a topopert"),
    "name": ({"encoder": "layr"}, r"no submodule 'layr'.*'layer'"),
    "deep name": ({"encoder": "layer.weight"}, "no submodule 'layer.weight'"),
    "foreign module": ({"encoder": nn.Linear(2, 2)}, "no part of `model`"),
    "kind of encoder": ({"encoder": 3}, "name of a submodule"),
    "no steps": ({"n_steps": 0}, "`n_steps`"),
    "fractional steps": ({"n_steps": 2.5}, "`n_steps`"),
    "missing steps": ({"n_steps": None}, "`n_steps`"),
    "NaN scale": ({"scale": math.nan}, "`scale`"),
    "text scale": ({"scale": "1"}, "`scale`"),
    "posterior": ({"posterior": "mean"}, "`posterior` must be callable"),
    "inputs": ({"inputs": X}, "`inputs` must be callable"),
    "progress": ({"progress": 0.5}, "`progress` must be callable"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_bad_arguments_are_refused_at_once(name: str, hamiltonian) -> None:
    changed, message = BAD_ARGUMENTS[name]
    arguments = {"model": Returns(pair), "hamiltonian": hamiltonian, "n_steps": 9} | changed
    with pytest.raises(tp.InvalidInputError, match=message):
        tp.attach(arguments.pop("model"), arguments.pop("hamiltonian"), **arguments)


BAD_STEPS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "one tensor": (lambda h: h, {}, r"tensor of shape \(6, 4\).*posterior=.*chunk"),
    "three tensors": (lambda h: (h, h, h), {}, "tuple of 3.*posterior="),
    "a mapping": (lambda h: {"m": h}, {}, "a dict.*posterior="),
    "no tensors": (lambda h: ("a", "b"), {}, r"\(str, str\).*posterior="),
    "a missing logvar": (lambda h: (h, None), {}, "NoneType.*posterior="),
    "a distribution": (lambda h: Normal(h, 1.0), {}, r"2 \* q.stddev.log"),
    "unlike shapes": (lambda h: (h[:, :2], h[:, :1]), {}, "`logvar` must have the shape"),
    "images": (lambda h: (h[..., None], h[..., None]), {}, r"`mean` must.*posterior="),
    "latent dimension": (lambda h: (h, h), {}, r"\(6, 2\) but `mean` \(6, 4\)"),
    "integers": (lambda h: (h[:, :2].long(), h[:, 2:].long()), {}, "floating-point"),
    "overflow": (lambda h: (h[:, :2], 1e3 + h[:, 2:]), {}, r"`logvar` reaches 1\d\d\d"),
    "bad posterior": (pair, {"posterior": lambda out: out[0]}, "`posterior=` must return"),
    "cut off": (pair, {"posterior": lambda out: (out[0].detach(), None)}, "lead back"),
    "out of reach": (
        lambda h: SimpleNamespace(h=h),
        {"posterior": lambda out: pair(out.h)},
        "put into a SimpleNamespace",
    ),
    "features": (pair, {"inputs": lambda x: x[:, :2]}, "3 features.*inputs="),
    "no x": (pair, {"inputs": lambda x: None}, "`x` or `anchors`.*inputs="),
    "progress": (pair, {"progress": lambda: 1.5}, "`progress`"),
    "scale": (pair, {"scale": lambda: math.inf}, "`scale`"),
    "nothing as scale": (pair, {"scale": lambda: None}, "`scale`"),
}


@pytest.mark.parametrize("name", BAD_STEPS)
def test_bad_steps_are_refused_at_the_first(name: str, hamiltonian) -> None:
    wrap, arguments, message = BAD_STEPS[name]
    model = Returns(wrap)
    with pytest.raises(tp.InvalidInputError, match=message):  # noqa: SIM117
        with tp.attach(model, hamiltonian, n_steps=9, **arguments):
            model(X)
    assert not model._forward_hooks


def test_unflattened_images_are_refused_with_the_cure(hamiltonian) -> None:
    model, images = Returns(pair), X[:, None]
    with pytest.raises(tp.InvalidInputError, match=r"inputs=lambda x: x.flatten\(1\)"):  # noqa: SIM117
        with tp.attach(model, hamiltonian, n_steps=9):
            model(images)
    with tp.attach(model, hamiltonian, n_steps=9, inputs=lambda x, *rest: x.flatten(1)) as handle:
        model(images, "label")
    mean, logvar = model(images)
    expected = hamiltonian.energy(mean, logvar, X).mean().item()
    assert handle.energies == pytest.approx([expected])


def test_a_coupling_that_turns_bad_is_refused(rng) -> None:
    wells = tp.WellSpec(centers=rng.normal(size=(2, 2)), depths=np.ones(2), widths=np.ones(2))
    # Good at every whole percent, where a coupling is tried when the Hamiltonian is built.
    hamiltonian = tp.Hamiltonian(
        tp.WellPotential(wells),
        lambda p: 1.0 if abs(100 * p - round(100 * p)) < 1e-9 else math.nan,
    )
    model = Returns(pair)
    with tp.attach(model, hamiltonian, n_steps=3) as handle:
        model(X)
        with pytest.raises(tp.InvalidInputError, match="`coupling`"):
            model(X)
    assert len(handle.energies) == 1
