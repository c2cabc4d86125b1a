"""Decoding along paths and trajectories: shapes, types, modes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import topopert as tp
from topopert.hamiltonian.dynamics import decode_along
from topopert.models import MLPVAE


def decoder() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.Dropout(0.5), nn.Linear(5, 3))


def test_every_point_is_decoded_as_by_itself(generator) -> None:
    model = decoder().eval()
    points = torch.randn(6, 4, 2, generator=generator)
    whole = decode_along(model, points)
    assert whole.shape == (6, 4, 3)
    torch.testing.assert_close(decode_along(model, points, batch_size=5), whole)
    torch.testing.assert_close(whole[2, 1], model(points[2, 1][None])[0])
    assert not whole.requires_grad


def test_paths_and_single_codes_keep_their_shape() -> None:
    model = decoder().eval()
    assert decode_along(model, torch.zeros(7, 2)).shape == (7, 3)
    assert decode_along(model, torch.zeros(2)).shape == (3,)
    assert decode_along(model, torch.zeros(0, 4, 2)).shape == (0, 4, 3)
    images = nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (3, 2, 2)))
    assert decode_along(images, torch.zeros(7, 5, 2)).shape == (7, 5, 3, 2, 2)


def test_the_decoder_answers_in_evaluation_mode_and_is_left_as_it_was() -> None:
    model = decoder().train()
    model[1].eval()  # frozen, as in fine-tuning
    statistics = model[1].running_mean.clone()
    decoded = decode_along(model, torch.ones(50, 2))
    assert (decoded == decoded[0]).all()  # no dropout
    assert torch.equal(model[1].running_mean, statistics)
    assert [part.training for part in model] == [True, False, True, True]
    assert model.training


def test_the_mode_is_put_back_after_an_error() -> None:
    model = decoder().train()
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        decode_along(model, torch.ones(5, 3))
    assert model.training


def test_codes_are_brought_to_the_decoders_type() -> None:
    points = torch.zeros(5, 2, dtype=torch.float64)
    assert decode_along(decoder(), points).dtype == torch.float32
    assert decode_along(decoder().double(), points.float()).dtype == torch.float64
    assert decode_along(lambda z: z.exp(), points).dtype == torch.float64


def test_methods_of_models_are_decoders() -> None:
    model = MLPVAE(7, 2).train()
    decoded = decode_along(model.decode, torch.zeros(4, 3, 2, dtype=torch.float64))
    assert decoded.shape == (4, 3, 7)
    assert decoded.dtype == torch.float32
    assert model.training


def test_of_a_learned_variance_the_mean_is_taken() -> None:
    def with_variance(z: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * z, z

    points = torch.ones(3, 4, 2)
    assert torch.equal(decode_along(with_variance, points), 2 * points)


@pytest.mark.parametrize(
    ("points", "options", "match"),
    [
        (torch.zeros(3, 2, dtype=torch.int64), {}, "floating-point"),
        (None, {}, "NoneType"),
        (torch.zeros(3, 2), {"batch_size": 0}, "batch_size"),
    ],
)
def test_bad_arguments_are_refused(points, options: dict, match: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=match):
        decode_along(decoder(), points, **options)


@pytest.mark.parametrize("answer", [None, torch.zeros(1, 2), torch.tensor(0.0)])
def test_decoders_that_do_not_answer_row_by_row_are_refused(answer) -> None:
    with pytest.raises(tp.InvalidInputError, match="3 rows"):
        decode_along(lambda z: answer, torch.zeros(3, 2))
