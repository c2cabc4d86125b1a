"""The perturbation around a real SCVI; run by `make test-integrations`."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.sparse
import torch

import topopert as tp
from topopert.hamiltonian import Hamiltonian

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what scvi-tools and its dependencies deprecate
    scvi = pytest.importorskip("scvi")
    anndata = pytest.importorskip("anndata")
    lightning = pytest.importorskip("lightning.pytorch")

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.filterwarnings("error::topopert.TopopertWarning"),
]

N_CELLS, N_GENES, LATENT_DIM = 90, 40, 3
QUIET = {"accelerator": "cpu", "enable_progress_bar": False, "logger": False}
perturb = tp.integrations.scvi.perturb


def cells(rng: np.random.Generator, *, n_batches: int = 1):
    """Three kinds of cells, negative binomial counts."""
    kind = np.arange(N_CELLS) % 3
    rates = rng.gamma(0.7, 2.0, size=(3, N_GENES))[kind] * rng.gamma(5, 0.2, size=(N_CELLS, 1))
    adata = anndata.AnnData(rng.poisson(rates + 0.1).astype(np.float32))
    adata.obsm["X_other"] = rng.normal(size=(N_CELLS, 5))
    adata.obs["batch"] = [str(i % n_batches) for i in range(N_CELLS)]
    return adata


def make(adata, *, seed: int = 0, **kwargs):
    scvi.settings.seed = seed
    scvi.model.SCVI.setup_anndata(adata, **kwargs)
    return scvi.model.SCVI(adata, n_latent=LATENT_DIM, n_hidden=16, dropout_rate=0.0)


@pytest.fixture
def adata(rng):
    return cells(rng)


@pytest.fixture
def model(adata):
    return make(adata)


@pytest.fixture
def anchors(rng):
    return rng.normal(size=(N_CELLS, LATENT_DIM))


@pytest.fixture
def hamiltonian(rng):
    return spring(rng, tp.Adiabatic(3.0, off_at=0.5))


def spring(rng: np.random.Generator, coupling) -> Hamiltonian:
    points = rng.normal(size=(30, 5))
    topology = tp.PersistentTopology(latent_dim=LATENT_DIM, layout="pca").fit(points)
    return Hamiltonian(tp.AnchorPotential(topology.anchors()), coupling)


class _Recorder(lightning.Callback):
    """For every step its gradients, and what made them: parameters, minibatches, noise."""

    def __init__(self) -> None:
        self.steps = []
        self._parts = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        copied = {key: value.clone() for key, value in batch.items()}
        self._parts.append((copied, torch.get_rng_state(), pl_module.kl_weight))
        self._state = {k: v.clone() for k, v in pl_module.module.state_dict().items()}

    def on_before_optimizer_step(self, trainer, pl_module, optimizer) -> None:
        named = pl_module.module.named_parameters()
        gradients = {n: p.grad.clone() for n, p in named if p.grad is not None}
        self.steps.append((self._state, self._parts, gradients))
        self._parts = []


def cells_of(batch, adata) -> np.ndarray:
    """Which cells the minibatch holds, found by their counts."""
    distance = torch.cdist(batch["X"].double(), torch.as_tensor(adata.X).double())
    assert (distance.min(dim=1).values == 0).all()
    return distance.argmin(dim=1).numpy()


@pytest.mark.parametrize("n_accumulated", [1, 3])
def test_gradients_are_those_of_the_term_in_the_loss(
    model, adata, anchors, rng, n_accumulated
) -> None:
    coupling = tp.Adiabatic(5.0, off_at=1.0, power=2)
    recorder = _Recorder()
    with perturb(model, spring(rng, coupling), anchors=anchors) as handle:
        model.train(
            max_epochs=3,
            batch_size=27,
            callbacks=[recorder],
            accumulate_grad_batches=n_accumulated,
            **QUIET,
        )
    energies = iter(handle.energies)
    done = 0
    for state, parts, gradients in recorder.steps:
        model.module.load_state_dict(state)
        model.module.train()
        model.module.zero_grad()
        for batch, noise, kl_weight in parts:
            rows = torch.as_tensor(anchors[cells_of(batch, adata)], dtype=torch.float32)
            torch.set_rng_state(noise)
            outputs, _, losses = model.module(batch, loss_kwargs={"kl_weight": kl_weight})
            q = outputs["qz"]
            spread = (q.loc - rows).square() + q.scale.square()
            progress = (done // n_accumulated) / (9 // n_accumulated)
            energy = coupling(progress) * 0.5 * spread.sum(dim=1).mean()
            ((losses.loss + energy) / n_accumulated).backward()
            assert next(energies) == pytest.approx(energy.item(), rel=1e-5)
            done += 1
        for name, parameter in model.module.named_parameters():
            if parameter.grad is not None:  # scvi-tools has an encoder that it does not use
                torch.testing.assert_close(gradients[name], parameter.grad, rtol=2e-5, atol=1e-5)
    assert done == len(handle.energies) == 9
    assert len(recorder.steps) == 9 // n_accumulated


def test_a_coupling_of_zero_trains_the_very_same_model(adata, anchors, rng) -> None:
    plain, perturbed = make(adata), make(adata)
    scvi.settings.seed = 1
    plain.train(max_epochs=2, batch_size=32, **QUIET)
    scvi.settings.seed = 1
    with perturb(perturbed, spring(rng, 0.0), anchors=anchors):
        perturbed.train(max_epochs=2, batch_size=32, **QUIET)
    for a, b in zip(plain.module.parameters(), perturbed.module.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


def trace(model) -> tuple:
    hooks = [len(module._forward_hooks) for module in model.module.modules()]
    names = set(vars(model)) - {"trainer"}
    return (
        hooks,
        names,
        set(vars(model.adata_manager)),
        set(model.adata.obsm),
        repr(model.registry),
    )


def test_nothing_is_left_behind(model, anchors, hamiltonian, tmp_path) -> None:
    before = trace(model)
    with perturb(model, hamiltonian, anchors=anchors):
        model.train(max_epochs=2, **QUIET)
    assert trace(model) == before
    assert all("Lambda" not in type(c).__name__ for c in model.trainer.callbacks)
    model.save(tmp_path / "model")
    again = scvi.model.SCVI.load(tmp_path / "model", adata=model.adata, accelerator="cpu")
    np.testing.assert_array_equal(
        again.get_latent_representation(), model.get_latent_representation()
    )


def test_an_exception_leaves_nothing_behind_either(model, anchors, hamiltonian) -> None:
    before = trace(model)
    with pytest.raises(KeyError, match="mine"), perturb(model, hamiltonian, anchors=anchors):
        raise KeyError("mine")
    assert trace(model) == before


def test_default_is_the_topology_of_the_counts(adata) -> None:
    coupling = tp.Adiabatic(10.0, off_at=0.95)
    points = tp.integrations.scvi.log_normalised_components(adata.X, 10)
    topology = tp.PersistentTopology(latent_dim=LATENT_DIM).fit(points)
    by_hand = Hamiltonian(tp.AnchorPotential(topology.anchors()), coupling)
    found = []
    for arguments in ((), (by_hand, topology.transform(points))):
        model = make(adata)
        with perturb(model, *arguments[:1], anchors=[*arguments, None, None][1]) as handle:
            model.train(max_epochs=2, batch_size=32, **QUIET)
        found.append(handle.energies)
    assert found[0] == found[1]


def test_points_may_be_a_key_an_array_or_anchors(adata, hamiltonian) -> None:
    points = adata.obsm["X_other"]
    anchors = hamiltonian.potential.anchors(torch.as_tensor(points)).numpy()
    found = []
    for rows in ({"points": "X_other"}, {"points": points}, {"anchors": anchors}):
        model = make(adata)
        with perturb(model, hamiltonian, **rows) as handle:
            model.train(max_epochs=1, batch_size=32, **QUIET)
        found.append(handle.energies)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    np.testing.assert_allclose(found[0], found[2], rtol=1e-4)


@pytest.mark.parametrize("kind", ["on disk", "sparse", "several workers"])
def test_cell_and_anchor_match_however_the_counts_are_kept(kind, adata, rng, tmp_path) -> None:
    # Anchors that tell what the counts of their cell are.
    anchors = np.log1p(adata.X[:, :LATENT_DIM])
    settings = dict(max_epochs=1, batch_size=32, callbacks=[recorder := _Recorder()], **QUIET)
    if kind == "on disk":
        adata.write_h5ad(tmp_path / "cells.h5ad")
        adata = anndata.read_h5ad(tmp_path / "cells.h5ad", backed="r")
    elif kind == "sparse":
        adata.X = scipy.sparse.csr_matrix(adata.X)
    else:
        settings["datasplitter_kwargs"] = {"num_workers": 2}
    model = make(adata)
    with perturb(model, anchors=anchors, coupling=1.0):
        model.train(**settings)
    assert len(recorder.steps) == 3
    for _, parts, _ in recorder.steps:
        for batch, *_ in parts:
            carried = batch["topopert_rows"].numpy()
            np.testing.assert_array_equal(carried, np.log1p(batch["X"].numpy()[:, :LATENT_DIM]))


def test_a_landscape_needs_no_rows(model, rng) -> None:
    wells = tp.WellSpec(centers=np.eye(3), depths=np.ones(3), widths=np.ones(3))
    with perturb(model, Hamiltonian(tp.WellPotential(wells), 2.0)) as handle:
        model.train(max_epochs=1, **QUIET)
    assert all(energy < 0 for energy in handle.energies)


def test_early_stopping_under_a_field_is_said(model, anchors, rng) -> None:
    stop = {"early_stopping": True, "early_stopping_patience": 1, "early_stopping_min_delta": 1e9}
    hamiltonian = spring(rng, tp.Adiabatic(1.0, off_at=1.0))
    with (
        pytest.warns(tp.TopopertWarning, match="Training stopped at epoch"),
        perturb(model, hamiltonian, anchors=anchors),
    ):
        model.train(max_epochs=40, **stop, **QUIET)


def test_a_trained_model_is_refused(model, anchors, hamiltonian) -> None:
    with perturb(model, hamiltonian, anchors=anchors):
        model.train(max_epochs=1, **QUIET)
        with pytest.raises(tp.InvalidInputError, match="trained already"):
            model.train(max_epochs=1, **QUIET)
    refused = pytest.raises(tp.InvalidInputError, match="trained already")
    with refused, perturb(model, hamiltonian, anchors=anchors):
        pytest.fail("the block was entered")


def test_batches_ask_for_points(rng) -> None:
    model = make(cells(rng, n_batches=2), batch_key="batch")
    with pytest.raises(tp.InvalidInputError, match="The model has batches"), perturb(model):
        pass
    with perturb(model, points="X_other", coupling=1.0):
        model.train(max_epochs=1, **QUIET)


def test_no_training_in_the_block_is_an_error(model, anchors, hamiltonian) -> None:
    refused = pytest.raises(tp.TopopertError, match=r"without `model\.train")
    with refused, perturb(model, hamiltonian, anchors=anchors):
        pass


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": "X_pca"}, "has no 'X_pca'"),
        ({"points": np.zeros((7, 5))}, "7 rows but the model 90 cells"),
        ({"anchors": np.zeros((7, 3))}, "7 rows but the model 90 cells"),
        ({"anchors": np.zeros((N_CELLS, 2))}, "Anchors have shape"),
        ({"points": np.zeros((N_CELLS, 4))}, "fitted on 5 features"),
        ({}, "Pass either"),
        ({"points": "X_other", "anchors": np.zeros((N_CELLS, 3))}, "got both"),
        ({"points": "X_other", "coupling": 1.0}, "has its own"),
        ({"points": "X_other", "encoder": "encoder"}, "VAE has no 'encoder'"),
    ],
)
def test_bad_arguments_are_refused_before_training(model, hamiltonian, arguments, message) -> None:
    refused = pytest.raises(tp.InvalidInputError, match=message)
    with refused, perturb(model, hamiltonian, **arguments):
        pytest.fail("the block was entered")


def test_what_is_no_model_of_scvi_is_refused(hamiltonian) -> None:
    refused = pytest.raises(tp.InvalidInputError, match="must be a model of scvi-tools")
    with refused, perturb(torch.nn.Linear(2, 2), hamiltonian):
        pass
