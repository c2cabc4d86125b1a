"""Patches of photographs: their primary circle is found, but only the rotation is lifted."""

from __future__ import annotations

import numpy as np

import topopert as tp


def main() -> None:
    points, direction = tp.datasets.image_patches(2000, rng=np.random.default_rng(0))
    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    found = topology.circular_coordinates(points)[:, 0]
    agreement = max(abs(np.exp(1j * (found + s * direction[:, 0])).mean()) for s in (-1, 1))
    print(f"{len(topology.features_)} loop, p = {topology.features_[0].p_value:.1g}: ", end="")
    print(f"agreement with the direction of the gradients {agreement:.3f}")
    field = tp.AnchorPotential(topology.anchors())
    hamiltonian = tp.Hamiltonian(field, tp.Adiabatic(10.0, off_at=0.7, power=3))
    report = tp.compare(
        points, hamiltonian, n_seeds=4, controls=(), training=tp.TrainingConfig(n_steps=600)
    )
    for name, arm in report.arms.items():
        whole, rest = arm.metrics.disparity.value, arm.metrics.invariant_disparity.value
        print(f"{name}: disparity {whole:.3f}, after the best rotation {rest:.3f}")


if __name__ == "__main__":
    main()
