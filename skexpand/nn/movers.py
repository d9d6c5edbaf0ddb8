"""The flow decoder: carry a real sample along mixed residuals instead of repainting it.

A mover holds the *moves* of every pair in the bank, in the space where they add:
velocity fields and appearance for images, whitened coordinates for tables.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skexpand.nn.flow import control_size, integrate, register, warp
from skexpand.nn.mixing import PairBank

_TAIL = 0.05  # share of pixels that counts as darkest and brightest
_LARGEST_LOG_GAIN = 0.7  # contrast at most halved or doubled by one pair
_REGISTRATION_SIDE = 32  # larger images register on a reduced copy
_PAIRS_AT_ONCE = 128  # the working set then fits the cache; bounds memory too


class ImageMover(nn.Module):
    r"""Warp an image by a mix of flows and recolor it by a mix of contrasts.

    .. math::
        x' = A\big(x_i \circ \exp(h \textstyle\sum_k W_k v_k)\big), \quad
        A(x) = (x - b) \, e^{h \sum_k w_k g_k} + b + h \sum_k w_k o_k

    with the pair's velocity field :math:`v`, log-contrast :math:`g` and brightness
    offset :math:`o` per channel, and the black point :math:`b` of the source.

    Axes: ``b`` pairs, ``m`` new images, ``D`` pairs each, ``g, g'`` control points.

    Attributes
    ----------
    velocity : Tensor of shape (b, 2, g, g')
        What carries a pair's source onto its target.
    log_gain, offset : Tensor of shape (b, C)
        What turns the source's range of values into the target's.
    """

    def __init__(self, velocity: Tensor, log_gain: Tensor, offset: Tensor) -> None:
        super().__init__()
        self.register_buffer("velocity", velocity)
        self.register_buffer("log_gain", log_gain)
        self.register_buffer("offset", offset)

    @classmethod
    def from_pairs(cls, x: Tensor, bank: PairBank) -> "ImageMover":
        """Register every pair of the bank.

        Parameters
        ----------
        x : Tensor of shape (n, C, H, W)
            The real images, in [0, 1].
        bank : PairBank
            Pairs to register.
        """
        small = x
        if max(x.shape[2:]) > _REGISTRATION_SIDE:
            scale = _REGISTRATION_SIDE / max(x.shape[2:])
            small = F.interpolate(x, scale_factor=scale, mode="area")
        rows, columns = control_size(*small.shape[2:])
        velocity = x.new_zeros(len(bank), 2, rows, columns)
        for start in range(0, len(bank), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            source, target = small[bank.source[part]], small[bank.target[part]]
            velocity[part] = register(source, target)
        low, high = _tails(x)
        span = (high - low).clamp_min(1 / 255).log()
        gain = (span[bank.target] - span[bank.source]).clamp(
            -_LARGEST_LOG_GAIN, _LARGEST_LOG_GAIN
        )
        return cls(velocity, gain, low[bank.target] - low[bank.source])

    def forward(self, x: Tensor, pair: Tensor, weights: Tensor) -> Tensor:
        """Move every image by its mix.

        Shapes: ``x (m, C, H, W)`` sources, ``pair (m, D)``, ``weights (m, D, h, w)``
        strength included -> ``(m, C, H, W)`` in [0, 1].
        """
        velocity = self.velocity[pair]  # (m, D, 2, g, g')
        local = F.interpolate(
            weights, size=velocity.shape[-2:], mode="bilinear", align_corners=True
        )
        mixed = (local.unsqueeze(2) * velocity).sum(dim=1)  # (m, 2, g, g')
        moved = warp(x, integrate(mixed, *x.shape[2:]))
        overall = weights.mean(dim=(2, 3)).unsqueeze(2)  # (m, D, 1)
        log_gain = (overall * self.log_gain[pair]).sum(dim=1)[..., None, None]
        offset = (overall * self.offset[pair]).sum(dim=1)[..., None, None]
        black = _tails(x)[0][..., None, None]
        return ((moved - black) * log_gain.exp() + black + offset).clamp(0, 1)


class TableMover(nn.Module):
    r"""Add a mix of whitened differences to a row.

    .. math:: x' = x_i + h \sum_k (W_k \odot (z_{t(k)} - z_{s(k)})) \, C

    with the whitened latents :math:`z` and the coloring matrix :math:`C`. The source's
    own encoding is never repainted, so what the latent cannot hold is kept.

    Attributes
    ----------
    move : Tensor of shape (b, c, 1, w)
        Latent difference of each pair.
    coloring : Tensor of shape (d, q)
        Latents to columns.
    """

    def __init__(self, move: Tensor, coloring: Tensor) -> None:
        super().__init__()
        self.register_buffer("move", move)
        self.register_buffer("coloring", coloring)

    @classmethod
    def from_pairs(cls, autoencoder: nn.Module, x: Tensor, bank: PairBank):
        """Take every pair's difference in the linear space of a table autoencoder.

        Shapes: ``x (n, q)`` -> `TableMover`.
        """
        linear = (x - autoencoder.mean) @ autoencoder.whitening
        move = linear[bank.target] - linear[bank.source]
        return cls(autoencoder.to_map(move), autoencoder.coloring.clone())

    def forward(self, x: Tensor, pair: Tensor, weights: Tensor) -> Tensor:
        """Move every row by its mix.

        Shapes: ``x (m, q)`` sources, ``pair (m, D)``, ``weights (m, D, 1, w)`` strength
        included -> ``(m, q)``.
        """
        mixed = torch.einsum("mdhw,mdchw->mwc", weights, self.move[pair])
        return x + mixed.flatten(1) @ self.coloring


def _tails(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of the darkest and of the brightest pixels. Shapes: -> ``(n, C)`` twice."""
    ordered = x.flatten(2).sort(dim=2).values
    n_tail = max(1, round(_TAIL * ordered.shape[2]))
    return ordered[..., :n_tail].mean(dim=2), ordered[..., -n_tail:].mean(dim=2)
