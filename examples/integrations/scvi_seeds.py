"""scvi-tools' SCVI on 700 blood cells: five seeds give one latent space instead of five."""

from __future__ import annotations

import logging
import warnings
from contextlib import nullcontext
from itertools import combinations

import anndata
import numpy as np
import scanpy
import scvi
import torch
from scvi.model import SCVI
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

import topopert as tp

SETTINGS = {"max_epochs": 200, "accelerator": "cpu", "enable_progress_bar": False}


def blood_cells() -> anndata.AnnData:
    cells = scanpy.datasets.pbmc68k_reduced()
    shares = np.expm1(cells.raw.X.toarray()) / 1e4
    return anndata.AnnData(np.rint(shares * cells.obs["n_counts"].to_numpy()[:, None]))


def train(cells: anndata.AnnData, split: list[np.ndarray], seed: int, *, perturbed: bool) -> SCVI:
    scvi.settings.seed = seed
    model = SCVI(cells, n_latent=10)
    with tp.integrations.scvi.perturb(model) if perturbed else nullcontext():
        model.train(datasplitter_kwargs={"external_indexing": split}, **SETTINGS)
    return model


def main() -> None:
    cells = blood_cells()
    SCVI.setup_anndata(cells)
    held_out, kept = np.split(np.random.default_rng(0).permutation(cells.n_obs), [140])
    for name, perturbed in (("baseline", False), ("perturbed", True)):
        split = [kept, held_out, np.array([], dtype=int)]
        models = [train(cells, split, seed, perturbed=perturbed) for seed in range(5)]
        latents = np.stack([model.get_latent_representation() for model in models])
        found = tp.degeneracy(latents[:, held_out])
        loss = -np.mean([float(model.get_elbo(indices=held_out)) for model in models])
        clusters = [KMeans(10, n_init=10, random_state=0).fit(z).labels_ for z in latents]
        agreement = np.mean([adjusted_rand_score(*two) for two in combinations(clusters, 2)])
        print(f"{name}: disparity {found.disparity.value:.3f}, ", end="")
        print(f"up to rotation {found.invariant_disparity.value:.3f}, ", end="")
        print(f"held-out −ELBO {loss:.1f}, agreement of clusters {agreement:.2f}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # what scvi-tools and its dependencies deprecate
    for name in ("lightning.fabric", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    main()
