"""The topology stage as a scikit-learn estimator."""

from __future__ import annotations

import logging
import warnings
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from topopert._checks import (
    check_choice,
    check_count,
    check_real,
    check_spread,
    plain_array,
    unusable,
)
from topopert.errors import InvalidInputError, TopopertWarning
from topopert.extension import LandmarkExtension, extend
from topopert.records import AnchorSpec, PersistenceDiagram, TopologicalFeature, WellSpec

from .distances import pairwise_distances
from .embedding_dim import required_latent_dim
from .features import LandmarkFeatures, find_features
from .landmarks import LEAST_RESOLVED, NearestLandmark, landmarks_of_rows
from .layout_choice import LAYOUTS, choose_layout
from .outliers import local_outliers
from .prior_scale import moments, scale_to_prior
from .rows import DaskRows, Rows, is_dask, read_rows
from .wells import landmark_wells

__all__ = ["PersistentTopology"]

logger = logging.getLogger(__name__)

# Balls of the partition of unity, in covering radii: every point lies in at least one, most in a
# few, so that the anchors are smooth between landmarks.
_BALLS = 1.5
_MANY_OUTLIERS = 0.05


class PersistentTopology(TransformerMixin, BaseEstimator):
    """Persistence diagrams of the data, what in them is real, and anchors that carry it.

    Nothing is random, and the order of the rows does not matter.

    Args:
        latent_dim: Dimension d of the latent space in which the anchors live, at most D.
        max_homology_dim: Highest homology dimension, 0, 1 or 2.
        n_landmarks: Number of farthest-point landmarks; all points if there are fewer.
        significance: Family-wise level at which a bar counts as real, in (0, 1).
        layout: "cohomology" (circular coordinates as circles), "geodesic" (scaling of geodesic
            distances), "pca", or "auto": the one whose own diagrams are nearest to the data's, in
            this order where they are equally near (within .5 %).
        outliers: "keep", or "drop": points with a local outlier factor above 2 (twenty
            neighbours) are left out before landmarks are chosen, for farthest points seek them;
            anchors are given to them all the same. It takes all distances between the points.

    Attributes:
        diagrams_: One diagram of the landmarks per homology dimension.
        prime_: The field of coefficients is Z/p; 47 unless a significant loop had no integer lift.
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
        outlier_share_: Share of the points dropped as outliers.
        geometric_only_: No class is significant: the anchors carry the data's geometry alone.
        n_features_in_: Number of features D.

    References:
        Perea, Sparse circular coordinates via principal Z-bundles (2020).
        Tenenbaum, de Silva, Langford, A global geometric framework for nonlinear dimensionality
        reduction (2000).
    """

    diagrams_: tuple[PersistenceDiagram, ...]
    features_: tuple[TopologicalFeature, ...]
    prime_: int
    n_features_in_: int

    def __init__(
        self,
        latent_dim: int = 2,
        max_homology_dim: int = 1,
        n_landmarks: int = 400,
        significance: float = 0.05,
        layout: str = "auto",
        outliers: str = "keep",
    ) -> None:
        self.latent_dim = latent_dim
        self.max_homology_dim = max_homology_dim
        self.n_landmarks = n_landmarks
        self.significance = significance
        self.layout = layout
        self.outliers = outliers

    def fit(self, points: Any, y: None = None) -> Self:
        """Find the topology of the points and lay it out in R^d.

        Args:
            points: Data, shape (N, D), N >= 3: array, tensor, memory map (read block by block)
                or dask array (chunk by chunk, on dask's scheduler).
            y: Ignored.

        Raises:
            InvalidInputError: If the points or a parameter cannot be used.
            BackendError: If a backend fails.
        """
        self._check_parameters()
        rows, kept = self._without_outliers(self._checked(points, reset=True))
        self._find_landmarks(rows)
        self.landmarks_ = kept[self.landmarks_]
        dist = pairwise_distances(self._landmark_points)
        spacing = float(np.median((dist + np.diag(np.full(len(dist), np.inf))).min(axis=1)))
        self._radius = max(_BALLS * self.covering_radius_, spacing)
        self.take_features(
            find_features(
                dist,
                self._mass,
                max_homology_dim=self.max_homology_dim,
                significance=self.significance,
            )
        )
        self.suggested_latent_dim_ = required_latent_dim(self.features_, self._found.angles)
        if self.suggested_latent_dim_ > self.latent_dim:
            warnings.warn(
                f"The {len(self.features_)} significant features of the data need "
                f"{self.suggested_latent_dim_} latent dimensions, latent_dim is "
                f"{self.latent_dim}: the anchors cannot carry them all.",
                TopopertWarning,
                stacklevel=2,
            )
        self._lay_out(rows, dist)
        logger.info(
            "%d landmarks of %d points (covering radius %.3g), %s, layout %s at diagram distance "
            "%.3g",
            len(self.landmarks_),
            len(rows),
            self.covering_radius_,
            f"{len(self.features_)} significant classes"
            if self.features_
            else "no significant class: the anchors are geometric only",
            self.layout_,
            self.anchor_distance_,
        )
        return self

    def transform(self, points: Any) -> NDArray[np.float64]:
        """Anchors T(x) of the points, shape (N, latent_dim), in units of the prior."""
        check_is_fitted(self)
        return self._extend(self._anchor_values, self._checked(points, reset=False))

    def circular_coordinates(self, points: Any) -> NDArray[np.float64]:
        """Angles in [0, 2π), shape (N, number of significant H1 classes)."""
        check_is_fitted(self)
        rows = self._checked(points, reset=False)
        angles = self._found.angles
        if angles.shape[1] == 0:
            return np.empty((len(rows), 0))
        # Averages are taken of e^{iθ}: angles themselves jump at 2π.
        phasors = np.hstack([np.cos(angles), np.sin(angles)])
        real, imaginary = np.hsplit(self._extend(phasors, rows), 2)
        wrapped = np.mod(np.arctan2(imaginary, real), 2 * np.pi)
        return np.where(wrapped >= 2 * np.pi, 0.0, wrapped)  # −1e-17 mod 2π rounds up to 2π

    def components(self, points: Any) -> NDArray[np.int64]:
        """Label of the significant component that each point lies in, shape (N,)."""
        check_is_fitted(self)
        rows = self._checked(points, reset=False)
        search = NearestLandmark(self._landmark_points, np.dtype(np.float64))
        return self._found.labels[rows.rowwise(search.nearest)]

    def anchors(self) -> AnchorSpec:
        """The anchors as arrays, for `topopert.AnchorPotential`."""
        check_is_fitted(self)
        return AnchorSpec(
            landmarks=self._landmark_points.copy(),
            values=self._anchor_values.copy(),
            radius=self._radius,
        )

    def wells(self) -> WellSpec:
        """Gaussian wells at the anchors of the landmarks, for `topopert.WellPotential`.

        The landscape is as deep at each landmark as the significant classes that it belongs to are
        persistent, in units of ε*, and 1 nat deep at the least; the width is ε* in units of the
        prior.
        """
        check_is_fitted(self)
        return landmark_wells(self._anchor_values, self._found)

    def take_features(self, found: LandmarkFeatures) -> None:
        """Set the attributes that tell the landmarks' topology."""
        self._found = found
        self.prime_, self.diagrams_, self.features_ = found.prime, found.diagrams, found.features
        self.scale_, self.graph_ = found.scale, found.graph
        self.geometric_only_ = not found.features

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
        check_choice(self.layout, LAYOUTS, name="layout")
        check_choice(self.outliers, ("keep", "drop"), name="outliers")

    def _checked(self, points: Any, *, reset: bool) -> Rows:
        min_points = 3 if reset else 1
        if not is_dask(points):
            points = plain_array(points)
        blockwise = is_dask(points) or isinstance(points, np.memmap)
        rows = read_rows(points, min_points=min_points) if blockwise else None
        settings: dict[str, Any] = {"skip_check_array": True}
        if not blockwise:
            settings = {"dtype": [np.float64, np.float32], "ensure_min_samples": min_points}
        try:
            data: Any = points
            array: Any = validate_data(self, data, reset=reset, **settings)
        except (OverflowError, TypeError, ValueError) as err:
            raise unusable("points", err) from err
        rows = Rows(array) if rows is None else rows
        if reset:
            self._check_fit(rows)
        return rows

    def _check_fit(self, rows: Rows) -> None:
        first = rows.take(np.array([0]))
        spread = max(rows.map(partial(_largest_difference, first)))
        check_spread(spread, n_points=len(rows), dtype=rows.dtype)
        n_features = rows.shape[1]
        if self.latent_dim > n_features:
            msg = (
                f"latent_dim={self.latent_dim} is above the data's dimension: found array "
                f"with {n_features} feature(s) (n_features={n_features}). "
                f"Choose latent_dim <= {n_features}."
            )
            raise InvalidInputError(msg)

    def _without_outliers(self, rows: Rows) -> tuple[Rows, NDArray[np.intp]]:
        """The rows that count, and their indices among all rows."""
        self.outlier_share_ = 0.0
        if self.outliers == "keep":
            return rows, np.arange(len(rows))
        outside = local_outliers(rows.in_memory())
        self.outlier_share_ = float(outside.mean())
        logger.info("%d of %d points dropped as outliers", outside.sum(), len(rows))
        if self.outlier_share_ > _MANY_OUTLIERS:
            warnings.warn(
                f"{self.outlier_share_:.0%} of the points count as outliers and were dropped. Are "
                "they noise? If not, fit with outliers='keep'.",
                TopopertWarning,
                stacklevel=3,
            )
        kept = np.flatnonzero(~outside)
        return Rows(rows.take(kept)), kept

    def _find_landmarks(self, rows: Rows) -> None:
        indices, self.covering_radius_ = landmarks_of_rows(rows, self.n_landmarks)
        # Equal points are one landmark; which of the equal rows stands for it does not matter.
        candidates = rows.take(indices)
        _, first = np.unique(candidates, axis=0, return_index=True)
        first.sort()
        self.landmarks_ = indices[first]
        self._landmark_points = np.asarray(candidates[first], dtype=np.float64)
        search = NearestLandmark(self._landmark_points, self._working_type(rows))
        counts, radius = rows.reduce(search.shares, _together)
        self._mass: NDArray[np.float64] = counts.astype(np.float64)
        if isinstance(rows, DaskRows):  # so far a bound
            self.covering_radius_ = radius

    def _lay_out(self, rows: Rows, dist: NDArray[np.float64]) -> None:
        choice = choose_layout(
            self._landmark_points,
            dist,
            self._mass,
            self._found,
            latent_dim=self.latent_dim,
            layout=self.layout,
        )
        self.layout_, self.layout_distances_ = choice.name, choice.distances
        self.anchor_distance_ = choice.distances[choice.name]
        extension = self._extension(choice.values, self._working_type(rows))
        laid_out = Rows(rows.rowwise(partial(extend, extension)))
        mean, covariance = moments(list(laid_out.blocks()))
        self._anchor_values = scale_to_prior(choice.values, mean=mean, covariance=covariance)

    def _working_type(self, rows: Rows) -> np.dtype[Any]:
        """The precision in which all points are compared to all landmarks while fitting."""
        centred = self._landmark_points - self._landmark_points.mean(axis=0)
        resolved = self.covering_radius_**2 >= LEAST_RESOLVED * (centred**2).sum(axis=1).max()
        return rows.dtype if resolved else np.dtype(np.float64)

    def _extension(
        self, values: NDArray[np.float64], dtype: np.dtype[Any] | None = None
    ) -> LandmarkExtension:
        spec = AnchorSpec(landmarks=self._landmark_points, values=values, radius=self._radius)
        single = dtype == np.float32
        return LandmarkExtension.from_spec(spec, dtype=torch.float32 if single else torch.float64)

    def _extend(self, values: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
        return rows.rowwise(partial(extend, self._extension(values)))


def _together(
    one: tuple[NDArray[np.intp], float], other: tuple[NDArray[np.intp], float]
) -> tuple[NDArray[np.intp], float]:
    """Shares of landmarks and the largest distance, of two parts of the points."""
    return one[0] + other[0], max(one[1], other[1])


def _largest_difference(first: NDArray[Any], block: NDArray[Any]) -> float:
    return float(np.abs(block - first).max())
