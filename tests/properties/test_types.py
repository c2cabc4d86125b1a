"""Answers are of the type, the shape and the device of what is asked about."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import topopert as tp
from topopert import models

from .scenes import CLOSED_FORMS, ROW_FUNCTIONS, cloud, data, posterior, potential

FLOATS = (torch.float32, torch.float64)


@pytest.mark.parametrize("name", ROW_FUNCTIONS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_energies_are_of_the_posteriors_type(name: str, dtype: torch.dtype) -> None:
    mean, logvar = (value.to(dtype) for value in posterior(3))
    found = ROW_FUNCTIONS[name](mean, logvar, data().to(dtype))
    assert (found.dtype, found.shape, found.device) == (dtype, (6,), mean.device)


@pytest.mark.parametrize("name", ROW_FUNCTIONS)
@pytest.mark.parametrize("d", [2, 5])
def test_energies_are_where_the_posterior_is(name: str, d: int) -> None:
    """On "meta" nothing has a value: a device of its own anywhere, or a look at one, raises."""
    mean, logvar, x = (value.to("meta") for value in (*posterior(d), data()))
    found = ROW_FUNCTIONS[name](mean, logvar, x)
    assert (found.device.type, found.shape, found.dtype) == ("meta", (6,), torch.float64)


@pytest.mark.parametrize("name", [*CLOSED_FORMS, "function"])
def test_potentials_elsewhere_than_the_posterior_are_refused(name: str) -> None:
    own = potential(name, 2).to("meta")
    if not [*own.buffers()]:
        return  # nothing of it is anywhere
    with pytest.raises(tp.InvalidInputError, match=r"Move"):
        own.expectation(*posterior(2), data())


def test_the_terms_of_the_objective_are_where_their_arguments_are() -> None:
    x, decoded, noise = (torch.zeros(6, 4, device="meta") for _ in range(3))
    terms = [
        models.gaussian_reconstruction(x, decoded, 0.1),
        models.reconstruction(x, decoded, likelihood="bernoulli", noise_variance=1.0),
        models.reconstruction(x, (decoded, noise), likelihood="gaussian", noise_variance=1.0),
        models.log_scale((decoded, noise)),
        models.kl_divergence(x, noise),
    ]
    for term in terms:
        assert isinstance(term, torch.Tensor)
        assert (term.device.type, term.shape) == ("meta", (6,))
    assert models.reparameterize(x, decoded, noise).device.type == "meta"
    assert models.log_scale(decoded) == 0.0


def test_the_reference_model_is_where_it_is_put() -> None:
    model = models.MLPVAE(4, 2).to("meta")
    mean, logvar = model.encode(torch.zeros(3, 4, device="meta"))
    assert mean.shape == logvar.shape == (3, 2)
    assert model.decode(mean).shape == (3, 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_the_topology_stage_answers_in_double_precision(dtype: type, as_tensor: bool) -> None:
    points = cloud().astype(dtype)
    given = torch.from_numpy(points) if as_tensor else points
    for diagram in tp.persistence_diagrams(given):
        assert diagram.pairs.dtype == diagram.essential.dtype == np.float64
        assert diagram.pairs.shape[1:] == (2,)
    indices, radius = tp.maxmin_landmarks(given, 7)
    assert (indices.dtype, indices.shape, type(radius)) == (np.intp, (7,), float)
    topology = tp.PersistentTopology(2, n_landmarks=30).fit(given)
    assert topology.transform(given).shape == (40, 2)
    assert topology.components(given).dtype.kind == "i"
    assert topology.circular_coordinates(given).shape == (40, 1)
    spec, wells = topology.anchors(), topology.wells()
    assert spec.landmarks.dtype == spec.values.dtype == wells.centers.dtype == np.float64


@pytest.mark.parametrize("dtype", FLOATS)
def test_draws_and_densities_are_of_the_priors_type(dtype: torch.dtype) -> None:
    hamiltonian = tp.Hamiltonian(potential("wells", 2).to(dtype))
    prior = hamiltonian.prior()
    draws = prior.sample(torch.Size((4,)), generator=torch.Generator().manual_seed(0))
    assert (draws.dtype, draws.shape) == (dtype, (4, 2))
    assert (prior.log_prob(draws).dtype, prior.log_prob(draws).shape) == (dtype, (4,))
    field = tp.Hamiltonian(potential("field", 2).to(dtype)).prior(data().to(dtype))
    assert (field.batch_shape, field.event_shape) == ((6,), (2,))
    assert field.log_prob(torch.zeros(6, 2, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
def test_levels_are_detached_and_of_double_precision(dtype: torch.dtype) -> None:
    mean, logvar = (value.to(dtype).requires_grad_() for value in posterior(1, n=8))
    found = tp.posterior_spectrum(mean, logvar, n_levels=3)
    assert found.levels.dtype == torch.float64
    assert not found.levels.requires_grad
    assert found.levels.shape == found.degeneracies.shape == found.errors.shape == (3,)
    levels = tp.differentiable_posterior_levels(mean, logvar, n_levels=3)
    assert levels.requires_grad
    torch.testing.assert_close(levels.detach().double(), found.levels, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
def test_decoded_points_keep_their_leading_axes(dtype: torch.dtype) -> None:
    points = torch.zeros(3, 4, 2, dtype=dtype)
    found = tp.decode_along(lambda z: z.repeat(1, 3), points, batch_size=5)
    assert (found.shape, found.dtype) == ((3, 4, 6), dtype)
