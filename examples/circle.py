"""A loop hidden in twenty noisy dimensions: found, judged, and read off as an angle."""

from __future__ import annotations

import numpy as np

import topopert as tp


def main() -> None:
    rng = np.random.default_rng(0)
    points, angle = tp.datasets.circle(1000, ambient_dim=20, noise=0.05, rng=rng)
    topology = tp.PersistentTopology(latent_dim=2).fit(points)
    for feature in topology.features_:
        print(f"H{feature.homology_dim}: {feature.birth:.2f} to {feature.death:.2f}, ", end="")
        print(f"p = {feature.p_value:.1g}")
    found = topology.circular_coordinates(points)[:, 0]
    agreement = max(abs(np.exp(1j * (found + s * angle[:, 0])).mean()) for s in (-1, 1))
    print(f"agreement with the true angle (mean resultant length): {agreement:.3f}")


if __name__ == "__main__":
    main()
