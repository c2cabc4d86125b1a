"""The tilted prior against closed forms, quadrature and the identities of the theory."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

import topopert as tp
from topopert.hamiltonian import SumPotential, TiltedGaussian, TiltedPrior


class Quartic(tp.Potential):
    """V(z) = Σ(z² − 1)²/4: a potential that the package does not know."""

    scope = "code"

    def forward(self, z, x=None, *, anchors=None):
        return (z.square() - 1).square().sum(dim=1) / 4

    def expectation(self, mean, logvar, x=None, *, anchors=None):
        v = logvar.exp()
        fourth = mean.square().square() + 6 * mean.square() * v + 3 * v.square()
        return (fourth - 2 * (mean.square() + v) + 1).sum(dim=1) / 4


class Repulsion(tp.Potential):
    """An interaction that does not say so."""

    def forward(self, z, x=None, *, anchors=None):
        return torch.cdist(z, z).mean(dim=1)

    def expectation(self, mean, logvar, x=None, *, anchors=None):
        return self(mean)


def field(rng: np.random.Generator, d: int = 2) -> tp.AnchorPotential:
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(12, 5)), values=rng.normal(size=(12, d)), radius=2.0
    )
    return tp.AnchorPotential(spec).double()


def wells(rng: np.random.Generator, d: int = 2, n: int = 4) -> tp.WellPotential:
    spec = tp.WellSpec(
        centers=rng.normal(size=(n, d)),
        depths=rng.uniform(0.5, 2, size=n),
        widths=rng.uniform(0.3, 1.0, size=n),
    )
    return tp.WellPotential(spec).double()


def potential(name: str, rng: np.random.Generator, d: int = 2) -> tp.Potential:
    """Every kind, alone and mixed."""
    kinds = {
        "field": lambda: field(rng, d),
        "two fields": lambda: 2 * field(rng, d) + 0.3 * field(rng, d),
        "repelling field": lambda: -0.3 * field(rng, d),
        "wells": lambda: wells(rng, d),
        "hills": lambda: -1.5 * wells(rng, d),
        "field and wells": lambda: 2 * field(rng, d) + wells(rng, d),
        "unknown": lambda: SumPotential([Quartic()], [1.0]),
        "all": lambda: field(rng, d) + 0.5 * wells(rng, d) + 0.2 * Quartic(),
        "unknown against field": lambda: -3 * field(rng, d) + Quartic(),
        "function": lambda: tp.OneBodyPotential(lambda z: (z.square() - 1).square().sum(1) / 4),
        "function and wells": lambda: tp.OneBodyPotential(lambda z: z.sum(1) ** 2) + wells(rng, d),
    }
    return kinds[name]()


EVERY = [
    "field",
    "two fields",
    "repelling field",
    "wells",
    "hills",
    "field and wells",
    "unknown",
    "all",
    "unknown against field",
    "function",
    "function and wells",
]
LATENT_DIM = 2


def lattice(half_width: float, step: float, d: int) -> torch.Tensor:
    """Nodes of the trapezoidal rule, which converges exponentially on what decays so fast."""
    axis = torch.arange(-half_width, half_width + step / 2, step, dtype=torch.float64)
    return torch.cartesian_prod(*[axis] * d).reshape(-1, d)


def log_mean_exp(pot: tp.Potential, coupling: float, x: torch.Tensor, d: int) -> torch.Tensor:
    """log E₀[e^{−λV}] of one datum by the trapezoidal rule."""
    step = {1: 0.01, 2: 0.08, 3: 0.15}[d]
    z = lattice(12.0 if d < 3 else 8.0, step, d)
    log_prior = -0.5 * z.square().sum(dim=1) - 0.5 * d * math.log(2 * math.pi)
    energy = coupling * pot(z, x.expand(len(z), -1))
    return (log_prior - energy).logsumexp(dim=0) + d * math.log(step)


def prior_of(pot: tp.Potential, coupling: float, x: torch.Tensor, d: int = LATENT_DIM):
    return tp.Hamiltonian(pot, coupling).prior(x, latent_dim=d)


def data(rng: np.random.Generator, n: int = 3) -> torch.Tensor:
    return torch.from_numpy(rng.normal(size=(n, 5)))


@pytest.mark.parametrize("name", EVERY)
def test_constant_is_the_priors_average_of_the_tilt(rng, name: str) -> None:
    pot, x = potential(name, rng), data(rng)
    p = prior_of(pot, 0.9, x)
    expected = torch.stack([log_mean_exp(pot, 0.9, row, 2) for row in x])
    assert p.batch_shape == (3,)
    assert p.event_shape == (2,)
    torch.testing.assert_close(p.log_normalizer, expected, atol=2e-8, rtol=0)
    assert (p.log_normalizer - expected).abs().max() <= p.log_normalizer_error.max() + 1e-12
    z = torch.from_numpy(rng.normal(size=(4, 3, 2)))
    log_prior = Independent(Normal(torch.zeros(2, dtype=torch.float64), 1.0), 1).log_prob(z)
    energy = torch.stack([pot(codes, x) for codes in z])
    torch.testing.assert_close(
        p.log_prob(z), log_prior - 0.9 * energy - expected, atol=2e-8, rtol=0
    )


# A lattice in three dimensions takes its time.
@pytest.mark.parametrize("d", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["wells", "field and wells", "unknown"])
def test_constant_is_right_in_one_and_three_dimensions(rng, name: str, d: int) -> None:
    pot, x = potential(name, rng, d), data(rng, 1)
    p = prior_of(pot, 1.3, x, d)
    expected = log_mean_exp(pot, 1.3, x[0], d)
    error = (p.log_normalizer[0] - expected).abs()
    assert error <= p.log_normalizer_error[0] + 1e-12
    assert p.log_normalizer_error[0] <= 2e-6


@pytest.mark.parametrize("coupling", [0.3, 1.0, 7.0])
def test_fields_prior_is_the_gaussian_of_the_theory(rng, coupling: float) -> None:
    """N(λκT/(1+λκ), I/(1+λκ)) and log(Z/Z₀) = −(d/2) log(1+λκ) − ½λκ∣T∣²/(1+λκ), κ = 1."""
    anchors = torch.from_numpy(rng.normal(size=(5, 3)))
    p = tp.Hamiltonian(field(rng, 3), coupling).prior(anchors=anchors)
    assert isinstance(p, TiltedGaussian)
    torch.testing.assert_close(p.mean, coupling * anchors / (1 + coupling))
    torch.testing.assert_close(p.variance, torch.full_like(anchors, 1 / (1 + coupling)))
    sq_anchor = anchors.square().sum(dim=1)
    constant = -1.5 * math.log1p(coupling) - 0.5 * coupling * sq_anchor / (1 + coupling)
    torch.testing.assert_close(p.log_normalizer, constant)
    assert not p.log_normalizer_error.any()


@pytest.mark.parametrize("name", EVERY)
def test_divergence_from_the_tilted_prior_is_the_perturbed_objective(rng, name: str) -> None:
    """KL(q‖p_λ) = KL(q‖p₀) + λ E_q[V] + log(Z_λ/Z₀), the left side by quadrature."""
    coupling, pot, x = 0.8, potential(name, rng), data(rng)
    mean, logvar = (torch.from_numpy(rng.normal(size=(3, 2))) for _ in range(2))
    q = Independent(Normal(mean, (0.5 * logvar).exp()), 1)
    h = tp.Hamiltonian(pot, coupling)
    p = h.prior(x, latent_dim=2)
    standard = lattice(8.5, 0.1, 2)
    weight = torch.exp(-0.5 * standard.square().sum(dim=1)) * 0.1**2 / (2 * math.pi)
    z = mean + (0.5 * logvar).exp() * standard[:, None]  # (n, 3, 2)
    divergence = weight @ (q.log_prob(z) - p.log_prob(z))
    p0 = Independent(Normal(torch.zeros_like(mean), 1.0), 1)
    objective = kl_divergence(q, p0) + h.energy(mean, logvar, x) + p.log_normalizer
    torch.testing.assert_close(divergence, objective, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(kl_divergence(q, p), objective)


@pytest.mark.parametrize("name", EVERY)
def test_cumulants_give_the_constant_to_third_order(rng, name: str) -> None:
    """log(Z/Z₀) = −λE₀[V] + ½λ²Var₀[V] + O(λ³): halving λ divides the error by eight."""
    pot, x = potential(name, rng), data(rng, 1)
    z = lattice(9.0, 0.05, 2)
    weight = torch.exp(-0.5 * z.square().sum(dim=1)) * 0.05**2 / (2 * math.pi)
    energy = pot(z, x.expand(len(z), -1))
    mean = (weight * energy).sum()
    variance = (weight * (energy - mean).square()).sum()
    small = 0.02 if name == "wells" else 0.005
    errors = []
    for coupling in (2 * small, small):
        series = -coupling * mean + 0.5 * coupling**2 * variance
        errors.append(float(prior_of(pot, coupling, x).log_normalizer[0] - series))
    assert 6.5 < errors[0] / errors[1] < 9.5


@pytest.mark.parametrize(
    ("name", "coupling", "method"),
    [
        ("field", 1.0, None),
        ("wells", 1.0, "rejection"),
        ("field and wells", 0.3, "rejection"),
        ("field and wells", 1.0, "metropolis"),
        ("wells", 15.0, "metropolis"),
        ("unknown", 2.0, "metropolis"),
        ("all", 2.0, "metropolis"),
    ],
)
def test_draws_have_the_densitys_moments(rng, generator, name, coupling, method) -> None:
    pot, x = potential(name, rng), data(rng, 2)
    p = prior_of(pot, coupling, x)
    n = 20_000
    draws = p.sample((n,), generator)
    assert draws.shape == (n, 2, 2)
    if method is not None:
        assert p.sampling.method == method
        assert float(p.sampling.distance.max()) <= 1e-4
    z = lattice(6.0, 0.03, 2)
    density = p.log_prob(z[:, None]).exp() * 0.03**2  # (n, 2)
    torch.testing.assert_close(density.sum(dim=0), torch.ones(2, dtype=torch.float64))
    for moment in (lambda t: t, torch.square, torch.sin, lambda t: (3 * t).cos()):
        expected = torch.einsum("nb,nd->bd", density, moment(z))
        found, spread = moment(draws).mean(dim=0), moment(draws).std(dim=0)
        assert ((found - expected).abs() < 4.5 * spread / n**0.5).all()
    # The energy itself sees best whether the draws are tilted by the right amount.
    for b, row in enumerate(x):
        energy = pot(draws[:, b], row.expand(n, -1))
        expected = density[:, b] @ pot(z, row.expand(len(z), -1))
        assert abs(float(energy.mean() - expected)) < 4.5 * float(energy.std()) / n**0.5


def test_same_generator_same_draws(rng) -> None:
    for name in ("field", "wells"):
        p = prior_of(potential(name, rng), 2.0, data(rng))
        first, second = (p.sample((5,), torch.Generator().manual_seed(3)) for _ in range(2))
        assert torch.equal(first, second)
        assert not torch.equal(first, p.sample((5,), torch.Generator().manual_seed(4)))


@pytest.mark.parametrize("d", [4, 10])
def test_estimate_above_three_dimensions_is_within_its_error(d: int) -> None:
    """Far wells do not overlap: Z/Z₀ − 1 is a sum of one-dimensional integrals over radii."""
    width, coupling, depth = 0.8, 4.0, 1.0
    spec = tp.WellSpec(centers=np.zeros((1, d)), depths=np.ones(1), widths=np.full(1, width))
    p = tp.Hamiltonian(tp.WellPotential(spec), coupling).prior()
    r = torch.linspace(0, 14, 40_001, dtype=torch.float64)[1:]
    log_radial = (d - 1) * r.log() - 0.5 * r.square()
    tilt = coupling * depth * torch.exp(-r.square() / (2 * width**2))
    expected = (log_radial + tilt).logsumexp(0) - log_radial.logsumexp(0)
    error = float(p.log_normalizer_error)
    assert 0 < error < 2.1e-3
    assert abs(float(p.log_normalizer - expected)) < 4 * error
    assert p.log_normalizer_error.shape == p.log_normalizer.shape == ()


def test_estimate_agrees_with_the_closed_form_of_a_disguised_field(rng) -> None:
    """A spring that the package does not recognise, in six dimensions, per datum."""

    class Spring(tp.Potential):
        def forward(self, z, x=None, *, anchors=None):
            assert anchors is not None
            return 0.5 * (z - anchors).square().sum(dim=1)

        def expectation(self, mean, logvar, x=None, *, anchors=None):
            raise NotImplementedError

    anchors = torch.from_numpy(rng.normal(size=(3, 6)))
    estimate = tp.Hamiltonian(Spring(), 5.0).prior(anchors=anchors)
    exact = tp.Hamiltonian(field(rng, 6), 5.0).prior(anchors=anchors)
    assert isinstance(estimate, TiltedPrior)
    away = (estimate.log_normalizer - exact.log_normalizer).abs()
    assert (away < 4 * estimate.log_normalizer_error).all()
    assert (estimate.log_normalizer_error < 2.1e-3).all()


def test_narrow_wells_are_not_missed() -> None:
    """Each of width 0.01 adds ∫p₀(e^{λa e^{−r²/2s²}} − 1), to first order in its size s²."""
    centers = np.array([[1.0, 0.5], [-2.0, 0.1]])
    spec = tp.WellSpec(centers=centers, depths=np.full(2, 5.0), widths=np.full(2, 0.01))
    p = tp.Hamiltonian(tp.WellPotential(spec).double(), 1.0).prior()
    # With v = e^{−r²/2s²} the integral over the plane is 2πs² ∫₀¹ (e^{av} − 1)/v dv.
    v = (np.arange(100_000) + 0.5) / 100_000
    gain = 2 * np.pi * 0.01**2 * np.mean(np.expm1(5.0 * v) / v)
    density = np.exp(-0.5 * (centers**2).sum(axis=1)).sum() / (2 * np.pi)
    assert float(p.log_normalizer.expm1()) == pytest.approx(gain * density, rel=1e-3)


def assert_shapes_are_checked(p: torch.distributions.Distribution) -> None:
    with pytest.raises(ValueError, match="shape"):
        p.log_prob(torch.zeros(3))


def test_prior_follows_torchs_conventions(rng, monkeypatch) -> None:
    # As `torch.compile` leaves it, wherever in the process it was used.
    monkeypatch.setattr(torch.distributions.Distribution, "_validate_args", False)
    anchors = torch.from_numpy(rng.normal(size=(3, 2)).astype(np.float32)).requires_grad_()
    p = tp.Hamiltonian(field(rng), 2.0).prior(anchors=anchors)
    assert p.has_rsample
    p.rsample((7,)).sum().backward()  # d(λκT/(1+λκ))/dT, 7 draws
    torch.testing.assert_close(anchors.grad, torch.full((3, 2), 7 * 2 / 3))
    assert p.sample().dtype == torch.float32
    assert not p.sample().requires_grad
    wide = p.expand((4, 3))
    assert wide.sample((2,)).shape == (2, 4, 3, 2)
    assert wide.log_normalizer.shape == wide.log_prob(torch.zeros(2)).shape == (4, 3)
    assert_shapes_are_checked(p)

    landscape = tp.Hamiltonian(tp.WellPotential(_one_well()), 2.0).prior()
    assert not landscape.has_rsample
    assert_shapes_are_checked(landscape)
    assert landscape.batch_shape == ()
    assert landscape.sample().shape == (2,)
    assert landscape.sample((4, 2)).dtype == torch.get_default_dtype()
    wide = landscape.expand((5,))
    assert wide.sample((3,)).shape == (3, 5, 2)
    torch.testing.assert_close(
        wide.log_prob(torch.zeros(2)), landscape.log_prob(torch.zeros(5, 2))
    )
    with pytest.raises(ValueError, match="event_shape"):
        landscape.log_prob(torch.zeros(3))
    with pytest.raises(ValueError, match="support"):
        landscape.log_prob(torch.full((2,), math.nan))
    mvn = MultivariateNormal(torch.zeros(2), torch.eye(2))
    with pytest.raises(NotImplementedError):
        kl_divergence(mvn, landscape)


def _one_well() -> tp.WellSpec:
    return tp.WellSpec(centers=np.array([[1.0, 0.0]]), depths=np.ones(1), widths=np.ones(1))


@pytest.mark.parametrize("name", ["field", "all"])
def test_density_is_zero_infinitely_far_out(rng, name: str) -> None:
    p = prior_of(potential(name, rng), 1.0, data(rng, 1))
    infinite = math.inf
    z = torch.tensor([[infinite, 0.0], [0.5, -infinite], [0.5, 0.0]]).double().requires_grad_()
    log_prob = p.log_prob(z)
    assert log_prob[:2].tolist() == [-infinite, -infinite]
    assert torch.equal(log_prob[2:], p.log_prob(z[2:]))
    if name == "all":
        (gradient,) = torch.autograd.grad(log_prob[2], z)
        assert gradient.isfinite().all()
        p._validate_args = False
        with pytest.raises(tp.InvalidInputError, match="NaN"):
            p.log_prob(torch.tensor([[infinite, math.nan]]).double())


def test_log_prob_is_differentiable_in_the_codes(rng) -> None:
    p = prior_of(potential("all", rng), 1.0, data(rng))
    z = torch.from_numpy(rng.normal(size=(3, 2))).requires_grad_()
    assert torch.autograd.gradcheck(p.log_prob, (z,))


def test_weights_of_a_network_keep_their_type_and_gradients(rng, generator) -> None:
    """An energy in single precision with parameters, in five dimensions."""

    class Network(tp.Potential):
        scope = "code"

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.linspace(0.5, 1.5, 5))

        def forward(self, z, x=None, *, anchors=None):
            return (z @ self.weight).tanh()

        def expectation(self, mean, logvar, x=None, *, anchors=None):
            raise NotImplementedError

    network = Network()
    p = tp.Hamiltonian(network, 2.0).prior(latent_dim=5)
    # z·w is normal with variance ∣w∣² under the prior: one integral.
    u = torch.linspace(-9, 9, 2001, dtype=torch.float64)
    norm = float(network.weight.detach().double().norm())
    expected = (-0.5 * u.square() - 2 * (norm * u).tanh()).logsumexp(0) - (
        -0.5 * u.square()
    ).logsumexp(0)
    assert abs(float(p.log_normalizer - expected)) < 4 * float(p.log_normalizer_error)
    assert p.sample((3,), generator).dtype == torch.float32
    assert network.weight.grad is None


def test_zero_coupling_is_the_standard_normal(rng) -> None:
    p = tp.Hamiltonian(wells(rng), tp.Adiabatic(3.0)).prior(coupling=0.0)
    z = torch.from_numpy(rng.normal(size=(6, 2)))
    expected = MultivariateNormal(torch.zeros(2, dtype=torch.float64), torch.eye(2).double())
    torch.testing.assert_close(p.log_prob(z), expected.log_prob(z))
    assert float(p.log_normalizer) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: tp.Hamiltonian(wells(r), tp.Adiabatic(1.0)).prior(), "coupling="),
        (lambda r: tp.Hamiltonian(wells(r), 1.0).prior(coupling=-1.0), "coupling"),
        (lambda r: tp.Hamiltonian(wells(r), 1.0).prior(coupling=math.nan), "coupling"),
        (lambda r: tp.Hamiltonian(field(r), 1.0).prior(), "x"),
        (lambda r: tp.Hamiltonian(field(r), 1.0).prior(data(r), anchors=data(r)), "both"),
        (lambda r: tp.Hamiltonian(field(r), 1.0).prior(data(r)[:, :3]), "features"),
        (lambda r: tp.Hamiltonian(field(r), 1.0).prior(anchors=data(r)), "dimension"),
        (lambda r: tp.Hamiltonian(field(r), 1.0).prior(data(r) * math.nan), "NaN"),
        (lambda r: tp.Hamiltonian(-1 * field(r), 1.0).prior(data(r)), "finite integral"),
        (lambda r: tp.Hamiltonian(-2 * field(r) + wells(r), 1.0).prior(data(r)), "integral"),
        (lambda r: tp.Hamiltonian(Quartic(), 1.0).prior(), "latent_dim="),
        (lambda r: tp.Hamiltonian(Repulsion(), 1.0).prior(latent_dim=2), "interaction"),
        (
            lambda r: (
                tp.Hamiltonian(-1 * SumPotential([Quartic()], [1.0]), 1.0)
                .prior(latent_dim=1)
                .log_normalizer
            ),
            "finite integral",
        ),
    ],
)
def test_what_has_no_prior_is_refused(rng, make, message: str) -> None:
    with pytest.raises(tp.InvalidInputError, match=message):
        make(rng)


def test_declared_interactions_are_refused(rng) -> None:
    class Declared(Repulsion):
        scope = "batch"

    pot = field(rng) + Declared()
    with pytest.raises(tp.InvalidInputError, match="interaction"):
        tp.Hamiltonian(pot, 1.0).prior(data(rng))
