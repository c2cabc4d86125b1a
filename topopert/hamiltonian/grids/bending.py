"""How sharply a surface bends where its density is, for those whose features are a guess."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from topopert.hamiltonian.surfaces import EnergySurface

from .grid import Box

__all__ = ["bending_width"]

# Nodes along an axis at which U is asked, by dimension.
_ASKED = {1: 801, 2: 81, 3: 25}
# Where U is more nats above its minimum it carries too little of any state to matter.
_REACH = 12.0


def bending_width(surface: EnergySurface, box: Box) -> NDArray[np.float64]:
    """The length 1/√max ∂ₖ²U over the places within 12 nats of the minimum, (d,); ∞ if U is flat.

    A function says nothing of where it bends, and a width that its caller guessed would give
    levels that are wrong by far more than two coarse grids differ. What is narrower than the
    looks, some hundredth of the box, stays unseen.

    Args:
        surface: U/T, d ≤ 3.
        box: Where its density is.
    """
    axes = [
        torch.linspace(low, high, _ASKED[surface.latent_dim], dtype=torch.float64)
        for low, high in zip(box.low.tolist(), box.high.tolist(), strict=True)
    ]
    energy = surface.on_grid([axis.to(surface.device) for axis in axes]).flatten().cpu()
    nodes = torch.cartesian_prod(*axes).reshape(-1, surface.latent_dim)
    near = nodes[energy <= energy.min() + _REACH]
    hessian = surface.derivatives(near.to(surface.device)).hessian
    # A corner has no curvature: there the features' widths, and the error estimate, must do.
    bend = hessian.diagonal(dim1=1, dim2=2).nan_to_num(nan=0.0, posinf=0.0).amax(dim=0)
    return bend.clamp(min=0.0).rsqrt().cpu().numpy()
