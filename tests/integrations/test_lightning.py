"""The Lightning callback is the same as adding the term by hand."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import topopert as tp

pytestmark = [
    pytest.mark.integration,
    # Lightning's advice on data loaders and loggers, and what it still uses of older PyTorch.
    pytest.mark.filterwarnings("ignore"),
]
N, D = 12, 3


@pytest.fixture(params=["lightning.pytorch", "pytorch_lightning"])
def pl(request) -> Any:
    return importlib.import_module(request.param)


@pytest.fixture
def hamiltonian(rng) -> tp.Hamiltonian:
    spec = tp.AnchorSpec(
        landmarks=rng.normal(size=(10, D)), values=rng.normal(size=(10, 2)), radius=2.0
    )
    return tp.Hamiltonian(tp.AnchorPotential(spec), tp.Adiabatic(4.0, off_at=1.0))


@pytest.fixture
def x(generator) -> Tensor:
    return torch.randn(N, D, generator=generator)


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean, self.logvar = nn.Linear(D, 2), nn.Linear(D, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.mean(x), self.logvar(x)


def make(pl: Any, energy: Any = None, fail_at: int | None = None, manual: bool = False) -> Any:
    """A LightningModule; with `energy` the term is added by hand."""

    class VAE(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = not manual
            self.encoder, self.decoder = Encoder(), nn.Linear(2, D)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            (x,) = batch
            mean, logvar = self.encoder(x)
            loss = (self.decoder(mean + 0.3 * (0.5 * logvar).exp()) - x).square().sum(1)
            if energy is not None:
                progress = self.trainer.global_step / self.trainer.estimated_stepping_batches
                loss = loss + energy(mean, logvar, x, progress=progress)
            if batch_idx == fail_at:
                raise KeyError
            if not manual:
                return loss.mean()
            for optimizer in self.optimizers():
                optimizer.zero_grad()
            self.manual_backward(loss.mean())
            for optimizer in self.optimizers():
                optimizer.step()
            return None

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.encoder(batch[0])

        def configure_optimizers(self) -> Any:
            if manual:
                return [torch.optim.SGD(m.parameters(), lr=0.05) for m in self.children()]
            return torch.optim.SGD(self.parameters(), lr=0.05)

    with tp.rng.seeded_init(0):
        return VAE()


def fit(
    pl: Any, module: Any, x: Tensor, *callbacks: Any, ckpt: Any = None, **settings: Any
) -> Any:
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=2)
    trainer = pl.Trainer(
        **{"max_epochs": 2, "accelerator": "cpu", "barebones": False} | settings,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
    )
    trainer.fit(module, loader, loader, ckpt_path=ckpt)
    return trainer


def callback(hamiltonian: tp.Hamiltonian, **settings: Any) -> Any:
    settings = {"encoder": "encoder"} | settings
    return tp.integrations.lightning.TopologicalPerturbation(hamiltonian, **settings)


def assert_same(a: nn.Module, b: nn.Module) -> None:
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"accumulate_grad_batches": 3}, {"max_steps": 7}])
def test_training_is_that_with_the_term_added_by_hand(pl, hamiltonian, x, settings) -> None:
    by_hand, attached, plain = make(pl, hamiltonian.energy), make(pl), make(pl)
    fit(pl, by_hand, x, **settings)
    perturbation = callback(hamiltonian)
    fit(pl, attached, x, perturbation, **settings)
    fit(pl, plain, x, **settings)
    assert_same(attached, by_hand)
    assert (attached.encoder.mean.weight - plain.encoder.mean.weight).abs().max() > 1e-3
    assert len(perturbation.energies) == settings.get("max_steps", 2 * N // 2)
    assert not attached.encoder._forward_hooks


def test_a_scaled_loss_is_unscaled_with_the_gradient(pl, hamiltonian, x) -> None:
    by_hand, attached = make(pl, hamiltonian.energy), make(pl)
    fit(pl, by_hand, x)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8, growth_interval=3)
    plugin_type = importlib.import_module(f"{pl.__name__}.plugins.precision").MixedPrecision
    plugin = plugin_type("bf16-mixed", "cpu")
    plugin.scaler = scaler
    plugin.forward_context = torch.enable_grad  # no autocast: the scaler alone is tested
    fit(pl, attached, x, callback(hamiltonian), plugins=[plugin])
    assert_same(attached, by_hand)
    assert scaler.get_scale() > 2**8


def test_a_resumed_training_goes_on_with_its_progress(pl, hamiltonian, x, tmp_path) -> None:
    whole, parts = make(pl), make(pl)
    fit(pl, whole, x, callback(hamiltonian))
    # The first part knows of the whole, as if it had been interrupted.
    first = callback(hamiltonian, n_steps=12)
    fit(pl, parts, x, first, max_epochs=1).save_checkpoint(tmp_path / "one.ckpt")
    second = callback(hamiltonian)
    fit(pl, parts, x, second, ckpt=tmp_path / "one.ckpt")
    assert_same(parts, whole)
    assert len(first.energies) == len(second.energies) == 6


def test_two_optimizers_count_as_one_training(pl, hamiltonian, x) -> None:
    # Steps of the encoder and the decoder with the same rate are steps of the whole.
    automatic, manual = make(pl), make(pl, manual=True)
    fit(pl, automatic, x, callback(hamiltonian))
    fit(pl, manual, x, callback(hamiltonian))
    assert_same(manual, automatic)


def test_an_exception_leaves_no_hook(pl, hamiltonian, x) -> None:
    module, perturbation = make(pl, fail_at=2), callback(hamiltonian)
    with pytest.raises(KeyError):
        fit(pl, module, x, perturbation)
    assert not module.encoder._forward_hooks
    assert len(perturbation.energies) == 3


def test_the_module_may_be_copied_and_trained_again(pl, hamiltonian, x) -> None:
    module, perturbation = make(pl), callback(hamiltonian)
    fit(pl, module, x, perturbation)
    fit(pl, copy.deepcopy(module), x, perturbation)
    assert len(perturbation.energies) == 12


def test_bad_input_is_refused(pl, hamiltonian, x) -> None:
    with pytest.raises(tp.InvalidInputError, match="`hamiltonian`"):
        callback(hamiltonian.potential)
    with pytest.raises(tp.InvalidInputError, match="`n_steps`"):
        callback(hamiltonian, n_steps=0)
    with pytest.raises(tp.InvalidInputError, match="no submodule 'encoded'"):
        fit(pl, make(pl), x, callback(hamiltonian, encoder="encoded"))
    with pytest.raises(tp.InvalidInputError, match="n_steps="):
        fit(pl, make(pl), x, callback(hamiltonian), max_epochs=-1)
    with pytest.raises(tp.TopopertError, match="No step was seen"):
        fit(pl, make(pl), x, callback(hamiltonian, encoder=None, posterior=lambda z: (z, None)))
