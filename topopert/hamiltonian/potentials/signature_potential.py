"""The interaction: distances within a batch that persistence pairs select, data against codes."""

from __future__ import annotations

import torch
from torch import Tensor

from topopert._checks import check_count
from topopert.errors import InvalidInputError
from topopert.hamiltonian.posterior import check_posterior, compute_dtype, data_rows

from .potential import Potential, Scope
from .signature_pairs import relative_lengths, selected_edges

__all__ = ["SignaturePotential", "signature_energy"]


def signature_energy(z: Tensor, x: Tensor, *, max_homology_dim: int = 0) -> Tensor:
    """The signature of a batch, each selected distance's term shared by its two points, (B,).

    The sum over the batch is ½ Σ (a_e(x) − a_e(z))² over the edges e that the persistence pairs of
    x select, and the same over those that z selects; a_e is the length of the edge divided by the
    longest distance in its cloud.

    Args:
        z: Codes, shape (B, d).
        x: Data of the same floating type, shape (B, D).
        max_homology_dim: Highest homology dimension whose pairs select.
    """
    if not len(z):
        return z.sum(dim=1)  # (0,): no distances
    edges, data_lengths = selected_edges(z, x, max_homology_dim)
    if x.requires_grad:
        # In this unit, which cancels, no length is too large or too small to square.
        unit = x.detach().abs().amax().clamp(min=torch.finfo(x.dtype).tiny)
        data_lengths = relative_lengths(x / unit, torch.cat([edges[:-2], edges[-1:]]))
    gap = relative_lengths(z, edges[:-1]) - data_lengths  # (K,)
    terms = gap * gap
    first, second = edges[:-2].unbind(1)
    energies = z.new_zeros(len(z)).index_add(0, first, terms, alpha=0.25)  # half of ½ gap²
    return energies.index_add(0, second, terms, alpha=0.25)


class SignaturePotential(Potential):
    """The interaction V({z}; {x}) of a batch: the topological signature of Moor et al.

    Persistence pairs of the data and of the codes select distances; V is half the squared
    difference between data and codes, summed over both selections. Distances are divided by the
    longest of the batch, as in torch-topological's `SignatureLoss` (which takes the root of each
    of the two sums; the squares are those of the paper). V is one number per batch: a distance's
    term is shared equally by its two points, so that the energies per sample sum to it. It depends
    on the size of the batch, and neither on the unit of the data nor on that of the codes.

    V depends on distances alone, so it leaves the gauge group O(d) untouched and acts on intrinsic
    degeneracy only (theory, section 4). The gradient of a distance 0 is taken as 0: coinciding
    codes are not driven apart, and nothing is NaN.

    Args:
        max_homology_dim: 0 selects the edges of the minimum spanning trees; 1 adds the edge at
            which each loop is born and the edge at which it dies, each a distance of its own; 2
            likewise for voids. Their time grows steeply: with 1 some 25 ms for 128 points and half
            a second for 512.

    Raises:
        InvalidInputError: If max_homology_dim is not 0, 1 or 2.

    References:
        Moor, Horn, Rieck, Borgwardt, Topological autoencoders (2020), section 4.
    """

    scope: Scope = "batch"

    def __init__(self, max_homology_dim: int = 0) -> None:
        super().__init__()
        self.max_homology_dim = check_count(max_homology_dim, name="max_homology_dim", minimum=0)
        if max_homology_dim > 2:
            msg = f"`max_homology_dim` must be 0, 1 or 2, got {max_homology_dim}."
            raise InvalidInputError(msg)

    def forward(
        self, z: Tensor, x: Tensor | None = None, *, anchors: Tensor | None = None
    ) -> Tensor:
        """Each code's share of V({z}; {x}), shape (B,), in nats.

        Args:
            z: Latent codes, shape (B, d).
            x: Their data, shape (B, D).
            anchors: Not taken: they do not replace the data here.

        Raises:
            InvalidInputError: If x is missing, anchors are given, or a shape is wrong.
        """
        return self.expectation(z, None, x, anchors=anchors)

    def expectation(
        self,
        mean: Tensor,
        logvar: Tensor | None,
        x: Tensor | None = None,
        *,
        anchors: Tensor | None = None,
    ) -> Tensor:
        """V at the posterior means, shape (B,), in nats: *not* E_q[V], which has no closed form.

        The log-variances play no part.

        Args:
            mean: Shape (B, d).
            logvar: Shape (B, d); None means a deterministic code.
            x: The data, shape (B, D).
            anchors: Not taken: they do not replace the data here.

        Raises:
            InvalidInputError: If x is missing, anchors are given, or a shape is wrong.
        """
        check_posterior(mean, logvar)
        if x is None or anchors is not None:
            msg = (
                "SignaturePotential compares distances between codes with distances between data: "
                "pass `x`, and no `anchors`, whose distances are others."
            )
            raise InvalidInputError(msg)
        dtype = compute_dtype(mean.dtype)
        x = data_rows(x, mean, name="x").to(dtype)
        return signature_energy(mean.to(dtype), x, max_homology_dim=self.max_homology_dim)

    def extra_repr(self) -> str:
        """The settings, for `print`."""
        return f"max_homology_dim={self.max_homology_dim}"
