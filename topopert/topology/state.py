"""A fitted topology as plain values and arrays, and back."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from topopert._checks import check_choice, check_count, check_real, check_stored
from topopert.errors import InvalidInputError
from topopert.records import PersistenceDiagram, TopologicalFeature

from .estimator import PersistentTopology
from .features import LandmarkFeatures
from .layout_choice import LAYOUTS

__all__ = ["topology_from_state", "topology_state"]

_NUMBERS = ("covering_radius_", "anchor_distance_", "outlier_share_", "_radius")
_ARRAYS = ("landmarks_", "_landmark_points", "_mass", "_anchor_values")


def topology_state(
    topology: PersistentTopology,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What a fitted topology consists of: values for JSON, and arrays by name.

    Raises:
        sklearn.exceptions.NotFittedError: If it is not fitted.
    """
    check_is_fitted(topology)
    found = topology._found
    record: dict[str, Any] = {
        "parameters": topology.get_params(),
        "numbers": {name: float(getattr(topology, name)) for name in _NUMBERS},
        "n_features": topology.n_features_in_,
        "suggested_latent_dim": int(topology.suggested_latent_dim_),
        "layout": topology.layout_,
        "layout_distances": topology.layout_distances_,
        "prime": found.prime,
        "scale": found.scale,
    }
    arrays = {name: getattr(topology, name) for name in _ARRAYS}
    for diagram in found.diagrams:
        arrays[f"pairs{diagram.homology_dim}"] = diagram.pairs
        arrays[f"essential{diagram.homology_dim}"] = diagram.essential
    arrays["features"] = np.array(
        [(f.homology_dim, f.birth, f.death, f.p_value) for f in found.features]
    ).reshape(-1, 4)
    edges = list(found.graph.edges(data=True))
    arrays["edges"] = np.array([(i, j) for i, j, _ in edges], dtype=np.int64).reshape(-1, 2)
    arrays["lengths"] = np.array([data["length"] for *_, data in edges], dtype=np.float64)
    arrays["bridges"] = np.array([data["bridge"] for *_, data in edges], dtype=bool)
    arrays["labels"], arrays["angles"] = found.labels, found.angles
    names = getattr(topology, "feature_names_in_", None)  # set by scikit-learn for data frames
    if names is not None:
        arrays["feature_names"] = np.asarray(names, dtype=str)
    return record, arrays


def topology_from_state(
    record: dict[str, Any], arrays: dict[str, NDArray[Any]]
) -> PersistentTopology:
    """The fitted topology that `topology_state` took apart."""
    topology = PersistentTopology(**record["parameters"])
    topology._check_parameters()
    _check_arrays(
        arrays, topology.latent_dim, check_count(record["n_features"], name="n_features")
    )
    for name in _NUMBERS:
        setattr(topology, name, check_real(record["numbers"][name], name=name, low=0))
    for name in _ARRAYS:
        setattr(topology, name, arrays[name])
    graph = nx.Graph()
    graph.add_nodes_from(range(len(arrays["landmarks_"])))
    graph.add_edges_from(
        (int(i), int(j), {"length": float(length), "bridge": bool(bridge)})
        for (i, j), length, bridge in zip(
            arrays["edges"], arrays["lengths"], arrays["bridges"], strict=True
        )
    )
    found = LandmarkFeatures(
        prime=check_count(record["prime"], name="prime", minimum=2),
        diagrams=tuple(
            PersistenceDiagram(
                pairs=check_stored(arrays[f"pairs{k}"], name=f"pairs{k}", shape=(None, 2)),
                essential=check_stored(arrays[f"essential{k}"], name="essential", shape=(None,)),
                homology_dim=k,
            )
            for k in range(topology.max_homology_dim + 1)
        ),
        features=tuple(
            TopologicalFeature(homology_dim=int(dim), birth=birth, death=death, p_value=p_value)
            for dim, birth, death, p_value in arrays["features"].tolist()
        ),
        scale=check_real(record["scale"], name="scale", low=0, low_open=True),
        graph=graph,
        labels=arrays["labels"],
        angles=arrays["angles"],
    )
    topology.take_features(found)
    topology.n_features_in_ = record["n_features"]
    topology.suggested_latent_dim_ = check_count(
        record["suggested_latent_dim"], name="suggested_latent_dim"
    )
    topology.layout_ = check_choice(record["layout"], LAYOUTS, name="layout")
    topology.layout_distances_ = {
        check_choice(name, LAYOUTS, name="layout_distances"): check_real(distance, name=name)
        for name, distance in record["layout_distances"].items()
    }
    if "feature_names" in arrays:
        vars(topology)["feature_names_in_"] = arrays["feature_names"].astype(object)
    return topology


def _check_arrays(arrays: dict[str, NDArray[Any]], latent_dim: int, n_features: int) -> None:
    """Refuse arrays that do not fit together; those of the diagrams are checked where read."""
    n = len(arrays["landmarks_"])
    n_edges = len(arrays["edges"])
    for name, shape, kinds in (
        ("landmarks_", (n,), "i"),
        ("_landmark_points", (n, n_features), "f"),
        ("_mass", (n,), "f"),
        ("_anchor_values", (n, latent_dim), "f"),
        ("features", (None, 4), "f"),
        ("edges", (n_edges, 2), "i"),
        ("lengths", (n_edges,), "f"),
        ("bridges", (n_edges,), "b"),
        ("labels", (n,), "i"),
        ("angles", (n, None), "f"),
    ):
        check_stored(arrays[name], name=name, shape=shape, kinds=kinds)
    if "feature_names" in arrays:
        check_stored(arrays["feature_names"], name="feature_names", shape=(n_features,), kinds="U")
    for name in ("edges", "labels"):
        if not ((arrays[name] >= 0) & (arrays[name] < n)).all():
            msg = f"{name!r} names landmarks beyond the {n} there are."
            raise InvalidInputError(msg)
