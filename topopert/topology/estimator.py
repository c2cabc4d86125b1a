"""The topology stage as a scikit-learn estimator."""

from __future__ import annotations

import logging
import warnings
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from topopert._checks import (
    check_choice,
    check_count,
    check_not_constant,
    check_real,
    plain_array,
    unusable,
)
from topopert.backends import RipsPersistence, ripser_persistence, wasserstein_distance
from topopert.errors import BackendError, InvalidInputError, TopopertWarning
from topopert.extension import LandmarkExtension, extend
from topopert.records import AnchorSpec, PersistenceDiagram, TopologicalFeature, WellSpec

from .circular import circular_coordinates
from .components import component_merges, minimum_spanning_tree, significant_merges
from .distances import pairwise_distances
from .embedding_dim import required_latent_dim
from .graph import component_labels, feature_scale, geodesic_distances, landmark_graph
from .landmarks import maxmin_landmarks, nearest_landmarks
from .layouts import circle_layouts, geodesic_layout, pca_layout
from .prior_scale import prior_scale
from .significance import bar_p_values

__all__ = ["PersistentTopology"]

logger = logging.getLogger(__name__)

_LAYOUTS = ("auto", "cohomology", "geodesic", "pca")
# A lift that fails mod one prime (torsion, or bad luck) is tried again mod the next.
_PRIMES = (47, 53, 59, 61)
# Balls of the partition of unity, in covering radii: every point lies in at least one, most in a
# few, so that the anchors are smooth between landmarks.
_BALLS = 1.5


class PersistentTopology(TransformerMixin, BaseEstimator):
    """Persistence diagrams of the data, what in them is real, and anchors that carry it.

    Nothing is random, and the order of the rows does not matter.

    Args:
        latent_dim: Dimension d of the latent space in which the anchors live, at most D.
        max_homology_dim: Highest homology dimension, 0, 1 or 2.
        n_landmarks: Number of farthest-point landmarks; all points if there are fewer.
        significance: Family-wise level at which a bar counts as real, in (0, 1).
        layout: "cohomology" (circular coordinates as circles), "geodesic" (scaling of geodesic
            distances), "pca", or "auto": the one whose own diagrams are nearest to the data's.

    Attributes:
        diagrams_: One diagram of the landmarks per homology dimension.
        features_: The significant classes; those of H0 are the components beyond the first.
        landmarks_: Indices of the landmarks, shape (n,).
        covering_radius_: Largest distance of a point to its landmark; the diagrams of all points
            are within twice that of `diagrams_`.
        scale_: The scale ε* of the landmark graph.
        graph_: The landmark graph, edge attributes ``length`` and ``bridge``.
        layout_: The layout that won.
        anchor_distance_: Its diagram distance to the data: order-2 Wasserstein, summed over the
            homology dimensions, each cloud divided by its RMS radius.
        layout_distances_: The same for every layout that was tried, by name.
        suggested_latent_dim_: The smallest d in which all features fit.
        n_features_in_: Number of features D.

    References:
        Perea, Sparse circular coordinates via principal Z-bundles (2020).
        Tenenbaum, de Silva, Langford, A global geometric framework for nonlinear dimensionality
        reduction (2000).
    """

    diagrams_: tuple[PersistenceDiagram, ...]
    features_: tuple[TopologicalFeature, ...]
    n_features_in_: int

    def __init__(
        self,
        latent_dim: int = 2,
        max_homology_dim: int = 1,
        n_landmarks: int = 400,
        significance: float = 0.05,
        layout: str = "auto",
    ) -> None:
        self.latent_dim = latent_dim
        self.max_homology_dim = max_homology_dim
        self.n_landmarks = n_landmarks
        self.significance = significance
        self.layout = layout

    def fit(self, points: Any, y: None = None) -> Self:
        """Find the topology of the points and lay it out in R^d.

        Args:
            points: Data, shape (N, D), N >= 3; array or tensor.
            y: Ignored.

        Raises:
            InvalidInputError: If the points or a parameter cannot be used.
            BackendError: If a backend fails.
        """
        self._check_parameters()
        points = self._checked(points, reset=True)
        self._find_landmarks(points)
        self._find_features()
        self.suggested_latent_dim_ = required_latent_dim(self.features_, self._angles)
        if self.suggested_latent_dim_ > self.latent_dim:
            warnings.warn(
                f"The {len(self.features_)} significant features of the data need "
                f"{self.suggested_latent_dim_} latent dimensions, latent_dim is "
                f"{self.latent_dim}: the anchors cannot carry them all.",
                TopopertWarning,
                stacklevel=2,
            )
        self._lay_out(points)
        logger.info(
            "%d landmarks of %d points (covering radius %.3g), %d significant features, layout %s "
            "at diagram distance %.3g",
            len(self.landmarks_),
            len(points),
            self.covering_radius_,
            len(self.features_),
            self.layout_,
            self.anchor_distance_,
        )
        return self

    def transform(self, points: Any) -> NDArray[np.float64]:
        """Anchors T(x) of the points, shape (N, latent_dim), in units of the prior."""
        check_is_fitted(self)
        return extend(self._extension(self._anchor_values), self._checked(points, reset=False))

    def circular_coordinates(self, points: Any) -> NDArray[np.float64]:
        """Angles in [0, 2π), shape (N, number of significant H1 classes)."""
        check_is_fitted(self)
        points = self._checked(points, reset=False)
        if self._angles.shape[1] == 0:
            return np.empty((len(points), 0))
        # Averages are taken of e^{iθ}: angles themselves jump at 2π.
        phasors = np.hstack([np.cos(self._angles), np.sin(self._angles)])
        real, imaginary = np.hsplit(extend(self._extension(phasors), points), 2)
        wrapped = np.mod(np.arctan2(imaginary, real), 2 * np.pi)
        return np.where(wrapped >= 2 * np.pi, 0.0, wrapped)  # −1e-17 mod 2π rounds up to 2π

    def components(self, points: Any) -> NDArray[np.int64]:
        """Label of the significant component that each point lies in, shape (N,)."""
        check_is_fitted(self)
        points = self._checked(points, reset=False)
        return self._labels[nearest_landmarks(points, self._landmark_points)]

    def anchors(self) -> AnchorSpec:
        """The anchors as arrays, for `topopert.AnchorPotential`."""
        check_is_fitted(self)
        return AnchorSpec(
            landmarks=self._landmark_points.copy(),
            values=self._anchor_values.copy(),
            radius=self._radius,
        )

    def wells(self) -> WellSpec:
        """Gaussian wells at the anchors of the landmarks, for a landscape potential.

        The depths share out the anchors' mass, one nat in all if the wells did not overlap; the
        width is ε* in units of the prior.
        """
        check_is_fitted(self)
        spread = np.sqrt(
            ((self._landmark_points - self._landmark_points.mean(axis=0)) ** 2).sum(1)
        )
        width = self.scale_ * np.sqrt(self.latent_dim) / np.sqrt(np.mean(spread**2))
        return WellSpec(
            centers=self._anchor_values.copy(),
            depths=self._mass / self._mass.sum(),
            widths=np.full(len(self._mass), width),
        )

    def _check_parameters(self) -> None:
        check_count(self.latent_dim, name="latent_dim")
        check_count(self.max_homology_dim, name="max_homology_dim", minimum=0)
        if self.max_homology_dim > 2:
            msg = f"`max_homology_dim` must be 0, 1 or 2, got {self.max_homology_dim}."
            raise InvalidInputError(msg)
        check_count(self.n_landmarks, name="n_landmarks", minimum=3)
        check_real(
            self.significance, name="significance", low=0, high=1, low_open=True, high_open=True
        )
        check_choice(self.layout, _LAYOUTS, name="layout")

    def _checked(self, points: Any, *, reset: bool) -> NDArray[np.floating[Any]]:
        points = plain_array(points)
        try:
            points = validate_data(
                self,
                points,
                reset=reset,
                dtype=[np.float64, np.float32],
                ensure_min_samples=3 if reset else 1,
            )
        except (TypeError, ValueError) as err:
            raise unusable("points", err) from err
        if reset:
            check_not_constant(points)
            if self.latent_dim > points.shape[1]:
                msg = (
                    f"latent_dim={self.latent_dim} is above the data's dimension: found array "
                    f"with {points.shape[1]} feature(s) (n_features={points.shape[1]}). "
                    f"Choose latent_dim <= {points.shape[1]}."
                )
                raise InvalidInputError(msg)
        return points

    def _find_landmarks(self, points: NDArray[np.floating[Any]]) -> None:
        indices, radius = maxmin_landmarks(points, self.n_landmarks)
        # Equal points are one landmark; which of the equal rows stands for it does not matter.
        _, first = np.unique(points[indices], axis=0, return_index=True)
        self.landmarks_ = indices[np.sort(first)]
        self.covering_radius_ = radius
        self._landmark_points = np.asarray(points[self.landmarks_], dtype=np.float64)
        self._mass = np.bincount(
            nearest_landmarks(points, self._landmark_points), minlength=len(self.landmarks_)
        ).astype(np.float64)
        self._dist = pairwise_distances(self._landmark_points)
        spacing = np.median(np.min(self._dist + np.diag(np.full(len(self._dist), np.inf)), axis=1))
        self._radius = max(_BALLS * radius, float(spacing))

    def _find_features(self) -> None:
        persistence = ripser_persistence(
            self._dist, max_homology_dim=self.max_homology_dim, prime=_PRIMES[0]
        )
        self.diagrams_ = persistence.diagrams
        tree = minimum_spanning_tree(self._dist)
        gaps = significant_merges(
            component_merges(tree, self._mass),
            n_points=int(self._mass.sum()),
            significance=self.significance,
        )
        features = [feature for _, feature in gaps]
        loops: list[int] = []  # which bars of the H1 diagram
        for diagram in self.diagrams_[1:]:
            p_values = bar_p_values(diagram)
            significant = np.flatnonzero(p_values <= self.significance)
            if diagram.homology_dim == 1:
                loops = significant.tolist()
            features += [
                TopologicalFeature(
                    homology_dim=diagram.homology_dim,
                    birth=float(diagram.pairs[k, 0]),
                    death=float(diagram.pairs[k, 1]),
                    p_value=float(p_values[k]),
                )
                for k in significant
            ]
        self.features_ = tuple(features)
        self.scale_ = feature_scale(self.features_, tree)
        self.graph_ = landmark_graph(self._dist, self.scale_, tree)
        self._labels = component_labels(tree, (merge.edge for merge, _ in gaps))
        self._angles = self._find_angles(persistence, loops)

    def _find_angles(self, persistence: RipsPersistence, loops: list[int]) -> NDArray[np.float64]:
        if not loops:
            return np.empty((len(self._dist), 0))
        for prime in _PRIMES:
            if prime != persistence.prime:
                persistence = ripser_persistence(self._dist, max_homology_dim=1, prime=prime)
            angles = circular_coordinates(self._dist, persistence, loops)
            if angles is not None:
                return angles
        msg = (
            f"No prime of {_PRIMES} gave integer cocycles for the {len(loops)} loops found. Use "
            "max_homology_dim=0, or another number of landmarks."
        )
        raise BackendError(msg)

    def _lay_out(self, points: NDArray[np.floating[Any]]) -> None:
        geodesic = geodesic_distances(self.graph_)
        wanted = _LAYOUTS[1:] if self.layout == "auto" else (self.layout,)
        candidates: list[tuple[str, NDArray[np.float64]]] = []
        if "cohomology" in wanted and self._angles.shape[1] > 0:
            deaths = np.array([f.death for f in self.features_ if f.homology_dim == 1])
            candidates += [
                ("cohomology", layout)
                for layout in circle_layouts(
                    self._angles, deaths, self._dist, geodesic, self._mass, self.latent_dim
                )
            ]
        if "geodesic" in wanted:
            candidates.append(("geodesic", geodesic_layout(geodesic, self._mass, self.latent_dim)))
        if "pca" in wanted:
            layout = pca_layout(self._landmark_points, self._mass, self.latent_dim)
            candidates.append(("pca", layout))
        if not candidates:
            msg = (
                f"layout='cohomology' found {self._angles.shape[1]} significant loops, which have "
                f"no layout in {self.latent_dim} dimensions. Use layout='auto', or two dimensions "
                "a loop."
            )
            raise InvalidInputError(msg)
        distances = [self._diagram_distance(layout) for _, layout in candidates]
        best = int(np.argmin(distances))
        self.layout_, self.anchor_distance_ = candidates[best][0], distances[best]
        self.layout_distances_ = {}
        for (name, _), distance in zip(candidates, distances, strict=True):
            self.layout_distances_[name] = min(
                distance, self.layout_distances_.get(name, distance)
            )
        values = candidates[best][1]
        self._anchor_values = prior_scale(values, of=extend(self._extension(values), points))

    def _diagram_distance(self, layout: NDArray[np.float64]) -> float:
        """Wasserstein distance of the layout's diagrams to the landmarks', in RMS radii."""
        own = _rms_radius(self._landmark_points)
        answer = ripser_persistence(
            pairwise_distances(layout) / _rms_radius(layout),
            max_homology_dim=self.max_homology_dim,
        )
        return sum(
            wasserstein_distance(a, _scaled(b, 1 / own))
            for a, b in zip(answer.diagrams, self.diagrams_, strict=True)
        )

    def _extension(self, values: NDArray[np.float64]) -> LandmarkExtension:
        spec = AnchorSpec(landmarks=self._landmark_points, values=values, radius=self._radius)
        return LandmarkExtension.from_spec(spec, dtype=torch.float64)


def _rms_radius(points: NDArray[np.float64]) -> float:
    return float(np.sqrt(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean()))


def _scaled(diagram: PersistenceDiagram, factor: float) -> PersistenceDiagram:
    return PersistenceDiagram(
        pairs=factor * diagram.pairs,
        essential=factor * diagram.essential,
        homology_dim=diagram.homology_dim,
    )
