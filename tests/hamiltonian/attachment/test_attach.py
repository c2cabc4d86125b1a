"""`attach` is the same as adding the term by hand, whatever the loop looks like."""

from __future__ import annotations

import copy
import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import topopert as tp

SCHEDULE = tp.Adiabatic(4.0, off_at=0.5)
BATCH, D = 7, 3


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(D, 8)
        self.mean, self.logvar = nn.Linear(8, 2), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.body(x).tanh()
        return self.mean(hidden), self.logvar(hidden)


class VAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), nn.Linear(2, D)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, logvar = self.encoder(x)
        return self.decoder(mean + 0.3 * (0.5 * logvar).exp()), mean, logvar


def per_sample_loss(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    decoded, mean, logvar = model(x)
    return (decoded - x).square().sum(1), mean, logvar


@pytest.fixture
def hamiltonian(rng) -> tp.Hamiltonian:
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(10, D)), values=rng.normal(size=(10, 2)), radius=2.0
    )
    return tp.Hamiltonian(tp.AnchorPotential(spec), SCHEDULE)


@pytest.fixture
def model() -> VAE:
    with tp.rng.seeded_init(0):
        return VAE()


@pytest.fixture
def batches(generator) -> list[Tensor]:
    return [torch.randn(BATCH, D, generator=generator) for _ in range(6)]


def gradients(model: nn.Module) -> list[Tensor]:
    found = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    return found


def assert_same(found: list[Tensor], expected: list[Tensor], tolerance: float = 1e-6) -> None:
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


def by_hand(model, hamiltonian, x: Tensor, progress: float, factor: float = 1.0) -> list[Tensor]:
    loss, mean, logvar = per_sample_loss(model, x)
    energy = hamiltonian.energy(mean, logvar, x, progress=progress)
    (factor * (loss + energy).mean()).backward()
    return gradients(model)


def test_gradients_are_those_of_the_term_added_by_hand(model, hamiltonian, batches) -> None:
    n_steps = 4  # λ is 4, 2, 0, 0, and stays 0 beyond the last step
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=n_steps) as handle:
        for k, x in enumerate(batches):
            loss, _, _ = per_sample_loss(model, x)
            loss.mean().backward()
            found = gradients(model)
            with torch.no_grad():
                mean, logvar = model.encoder(x)
                share = min(k / n_steps, 1.0)
                expected = hamiltonian.energy(mean, logvar, x, progress=share).mean().item()
            assert handle.energies[-1] == pytest.approx(expected, rel=1e-6)
            twin = copy.deepcopy(model)
            assert_same(found, by_hand(twin, hamiltonian, x, share))
    assert len(handle.energies) == len(batches)
    assert handle.energies[0] > handle.energies[1] > 0 == handle.energies[2]


def test_values_pass_bit_for_bit(model, hamiltonian, batches) -> None:
    plain = model(batches[0])
    strides = [t.stride() for t in model.encoder(batches[0])]
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9):
        attached = model(batches[0])
        assert [t.stride() for t in model.encoder(batches[0])] == strides
    assert all(torch.equal(a, b) for a, b in zip(plain, attached, strict=True))


def test_scale_is_that_of_the_mean_loss_in_gradient_accumulation(
    model, hamiltonian, batches
) -> None:
    expected = [0.0] * 8
    for k, x in enumerate(batches[:3]):
        grads = by_hand(model, hamiltonian, x, k / 9, 1 / 3)
        expected = [a + b for a, b in zip(expected, grads, strict=True)]
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9, scale=1 / 3):
        for x in batches[:3]:
            (per_sample_loss(model, x)[0].mean() / 3).backward()
    assert_same(gradients(model), expected)


def test_scale_may_be_asked_at_each_step(model, hamiltonian, batches) -> None:
    """A summed loss over batches of different sizes."""
    x = torch.empty(0)
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9, scale=lambda: len(x)) as h:
        for k, x in enumerate((batches[0], batches[1][:3])):
            per_sample_loss(model, x)[0].sum().backward()
            found = gradients(model)
            twin = copy.deepcopy(model)
            assert_same(found, by_hand(twin, hamiltonian, x, k / 9, len(x)), 2e-6)
            assert h.energies[-1] < 30  # unscaled


def test_gradient_scaler(model, hamiltonian, batches) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with tp.attach(
        model, hamiltonian, encoder="encoder", n_steps=9, scale=scaler.get_scale
    ) as handle:
        scaler.scale(per_sample_loss(model, batches[0])[0].mean()).backward()
        scaler.unscale_(optimizer)
    assert len(handle.energies) == 1
    assert_same(gradients(model), by_hand(model, hamiltonian, batches[0], 0.0))


def test_several_forwards_before_one_backward(model, hamiltonian, batches) -> None:
    expected = [by_hand(model, hamiltonian, x, k / 9) for k, x in enumerate(batches[:2])]
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9):
        losses = [per_sample_loss(model, x)[0].mean() for x in batches[:2]]
        sum(losses).backward()
    assert_same(gradients(model), [a + b for a, b in zip(*expected, strict=True)])


def test_the_backward_may_come_after_the_block(model, hamiltonian, batches) -> None:
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9):
        loss = per_sample_loss(model, batches[0])[0].mean()
    loss.backward()
    assert_same(gradients(model), by_hand(model, hamiltonian, batches[0], 0.0))


@pytest.mark.parametrize("used", [0, 1])
def test_a_loss_that_uses_half_of_the_posterior_gets_all_of_the_gradient(
    model, hamiltonian, batches, used: int
) -> None:
    x = batches[0]
    mean, logvar = model.encoder(x)
    energy = hamiltonian.energy(mean, logvar, x, progress=0.0)
    ((mean, logvar)[used].square().sum(1) + energy).mean().backward()
    expected = gradients(model)
    with tp.attach(model.encoder, hamiltonian, n_steps=9):
        model.encoder(x)[used].square().sum(1).mean().backward()
    assert_same(gradients(model), expected)


def test_mixed_precision(model, hamiltonian, batches) -> None:
    """At the accuracy of bfloat16; the anchors, found in float32, do not suffer."""
    x = batches[0]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        expected = by_hand(model, hamiltonian, x, 0.0)
        with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
            per_sample_loss(model, x)[0].mean().backward()
        found = gradients(model)
        torch.testing.assert_close(
            hamiltonian.potential.anchors(x), hamiltonian.potential.anchors(x.double()).float()
        )
    assert_same(found, expected, 1e-2)
    mean, logvar = model.encoder(x)
    exact = hamiltonian.energy(mean, logvar, x, progress=0.0).mean().item()
    assert handle.energies[0] == pytest.approx(exact, rel=1e-2)


def test_nothing_happens_in_eval_mode_and_without_gradients(model, hamiltonian, batches) -> None:
    x = batches[0]
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
        per_sample_loss(model, x)[0].mean().backward()
        gradients(model)
        for mode in (torch.no_grad(), torch.inference_mode()):
            with mode:
                model(x)
        model.eval()
        per_sample_loss(model, x)[0].mean().backward()
        found = gradients(model)
        model.train()
        assert len(handle.energies) == 1
    per_sample_loss(model, x)[0].mean().backward()
    assert_same(found, gradients(model), 0.0)


def test_progress_may_come_from_elsewhere(model, hamiltonian, batches) -> None:
    share = iter([0.25, 0.4])
    with tp.attach(
        model, hamiltonian, encoder="encoder", n_steps=None, progress=lambda: next(share)
    ):
        for at in (0.25, 0.4):
            per_sample_loss(model, batches[0])[0].mean().backward()
            found = gradients(model)
            assert_same(found, by_hand(copy.deepcopy(model), hamiltonian, batches[0], at))


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("part", ["encoder", "model"])
def test_activation_checkpointing_counts_a_step_once(
    model, hamiltonian, batches, reentrant: bool, part: str
) -> None:
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
        for k, x in enumerate(batches[:2]):
            inputs = x.clone().requires_grad_()  # reentry needs an input with a gradient
            module = model if part == "model" else model.encoder
            out = checkpoint(module, inputs, use_reentrant=reentrant)
            if part == "encoder":
                out = [model.decoder(out[0] + 0.3 * (out[1] / 2).exp())]
            (out[0] - x).square().sum(1).mean().backward()
            found = gradients(model)
            assert_same(found, by_hand(copy.deepcopy(model), hamiltonian, x, k / 9))
    assert len(handle.energies) == 2


def test_replicas_take_steps_of_their_own(model, hamiltonian, batches) -> None:
    """As `nn.DataParallel` does: copies that share hooks and parameters, each in a thread."""
    x = torch.cat(batches[:4])
    still = tp.Hamiltonian(hamiltonian.potential, 2.0)
    expected = by_hand(model, still, x, 0.0)
    losses: list[Tensor] = []

    def replica_of(module: nn.Module) -> nn.Module:
        replica = module._replicate_for_data_parallel()
        replica._is_replica = True
        replica._parameters = dict(module._parameters)
        for name, child in module._modules.items():
            replica._modules[name] = replica_of(child)
        return replica

    def work(share: Tensor) -> None:
        losses.append(per_sample_loss(replica_of(model), share)[0].mean() / 4)

    with tp.attach(model, still, encoder="encoder", n_steps=9, scale=1 / 4) as handle:
        threads = [threading.Thread(target=work, args=(share,)) for share in x.chunk(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        sum(losses).backward()
    assert len(handle.energies) == 4
    assert_same(gradients(model), expected, 2e-6)


def test_threads_lose_no_step(model, hamiltonian, batches) -> None:
    still = tp.Hamiltonian(hamiltonian.potential, 2.0)

    def work() -> None:
        for _ in range(50):
            model.encoder(batches[0])

    with tp.attach(model, still, encoder="encoder", n_steps=9) as handle:
        threads = [threading.Thread(target=work) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert len(handle.energies) == 200
    assert len(set(handle.energies)) == 1


def test_a_long_run_keeps_every_energy_in_order(model, hamiltonian, batches) -> None:
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=2000) as handle:
        for _ in range(1100):
            model.encoder(batches[0])
    energies = np.array(handle.energies)
    line = energies[0] * np.maximum(0, 1 - np.arange(1100) / 1000)
    np.testing.assert_allclose(energies, line, rtol=1e-5, atol=1e-6)


def test_the_log_says_when_the_coupling_is_off(model, hamiltonian, batches, caplog) -> None:
    with (
        caplog.at_level("INFO", logger="topopert"),
        tp.attach(model, hamiltonian, encoder="encoder", n_steps=4),
    ):
        for x in batches:
            model(x)
    assert [record.message for record in caplog.records if "λ is 0" in record.message] == [
        "λ is 0 at progress 0.5: the objective is now unperturbed"
    ]


def trace(model: nn.Module) -> list[dict]:
    return [
        {key: copy.copy(value) for key, value in vars(module).items() if "hook" in key}
        for module in model.modules()
    ]


@pytest.mark.parametrize("error", [None, KeyError, KeyboardInterrupt, GeneratorExit])
def test_removal_leaves_no_trace(model, hamiltonian, batches, error) -> None:
    before = trace(model)
    with pytest.raises(error) if error else nullcontext():  # noqa: SIM117
        with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
            model(batches[0])
            if error:
                raise error
    assert trace(model) == before
    model(batches[0])
    assert len(handle.energies) == 1


def test_a_generator_that_is_left_early_removes_it(model, hamiltonian, batches) -> None:
    def epochs():
        with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9):
            for x in batches:
                yield model(x)

    before = trace(model)
    running = epochs()
    next(running)
    assert trace(model) != before
    running.close()
    assert trace(model) == before


def test_remove_ends_it_within_the_block(model, hamiltonian, batches) -> None:
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
        model(batches[0])
        handle.remove()
        handle.remove()
        model(batches[0])
    assert len(handle.energies) == 1


def test_a_deep_copy_is_left_alone(model, hamiltonian, batches) -> None:
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
        model(batches[0])
        twin = copy.deepcopy(copy.deepcopy(model))
        per_sample_loss(twin, batches[0])[0].mean().backward()
        with tp.attach(twin, hamiltonian, encoder="encoder", n_steps=9):
            twin(batches[0])
    assert len(handle.energies) == 1
    assert trace(twin) == trace(model)
    per_sample_loss(model, batches[0])[0].mean().backward()
    assert_same(gradients(twin), gradients(model), 0.0)


def test_a_pickled_model_is_left_alone(model, hamiltonian, batches, tmp_path) -> None:
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
        model(batches[0])
        torch.save(model, tmp_path / "model.pt")
        twin = torch.load(tmp_path / "model.pt", weights_only=False)
        twin(batches[0])
    assert len(handle.energies) == 1
    assert twin.state_dict().keys() == model.state_dict().keys()


def test_nested_attachments_are_refused(model, hamiltonian, batches) -> None:
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
        for outer, inner in ((model, "encoder"), (model, "decoder"), (model.encoder, None)):
            with pytest.raises(tp.InvalidInputError, match="attached to this"):  # noqa: SIM117
                with tp.attach(outer, hamiltonian, encoder=inner, n_steps=9):
                    pass
        model(batches[0])
    assert len(handle.energies) == 1
    with pytest.raises(tp.InvalidInputError, match="used before"):
        handle.__enter__()


def test_a_block_without_a_step_is_an_error(model, hamiltonian, batches) -> None:
    with pytest.raises(tp.TopopertError, match="No step was seen"):  # noqa: SIM117
        with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9), torch.no_grad():
            model(batches[0])
    with pytest.raises(KeyError):  # noqa: SIM117
        with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9):
            raise KeyError


def test_a_frozen_encoder_is_told(model, hamiltonian, batches) -> None:
    model.encoder.requires_grad_(False)
    with tp.attach(model, hamiltonian, encoder="encoder", n_steps=9) as handle:
        with pytest.warns(tp.TopopertWarning, match="frozen"):
            model(batches[0])
        model(batches[0])
    assert len(handle.energies) == 2


def test_a_trainable_potential_and_second_derivatives_are_as_by_hand(model, batches) -> None:
    """The energy's own graph is used, not its gradient at the posterior."""

    class Springs(tp.Potential):
        def __init__(self) -> None:
            super().__init__()
            self.stiffness = nn.Parameter(torch.tensor([1.0, 2.0]))

        def forward(self, z, x=None, *, anchors=None):
            return z.pow(4) @ self.stiffness

        def expectation(self, mean, logvar, x=None, *, anchors=None):
            return self(mean)

    h = tp.Hamiltonian(Springs(), 2.0)
    x = batches[0].clone().requires_grad_()

    def penalty(loss: Tensor) -> list[Tensor]:
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        (loss + slope.square().sum()).backward()
        return gradients(model) + gradients(h)

    loss, mean, logvar = per_sample_loss(model, x)
    expected = penalty((loss + h.energy(mean, logvar)).mean())
    with tp.attach(model, h, encoder="encoder", n_steps=9):
        found = penalty(per_sample_loss(model, x)[0].mean())
    assert_same(found, expected, 1e-5)
    assert expected[-1].abs().min() > 0
